"""Waiting for what was accepted: one list for all, growing intervals, a bound."""

from __future__ import annotations

from typing import Any

from reconciler.apply.executor import SHARES, AcceptedWrites
from reconciler.errors import GatewayError, Interrupted
from reconciler.model.plan import Action, Change
from reconciler.model.values import Address, Ref

IN, OUT = Address("community", "In"), Address("community", "Out")
PEOPLE = [Address("contact", f"{n}@example.com") for n in range(3)]
IDS = {IN: "1", OUT: "2", **{person: str(10 + n) for n, person in enumerate(PEOPLE)}}


def joining(person: Address, community: Address = IN) -> Change:
    address = Address("membership", f"{person.key}/{community.key}")
    return Change(address, Action.CREATE, attrs={"contact": Ref(person), "community": Ref(community)})


def member(number: int, contact: int, community: int = 1) -> dict[str, Any]:
    return {"id": number, "contact": {"id": contact}, "community": {"id": community}}


class Account:
    """Shows what its script says: one list after the other, for each community."""

    def __init__(self, *script: Any) -> None:
        self.script, self.asked, self.slept = list(script), [], []

    def walk(self, path: str, query: dict[str, str]) -> list[list[dict[str, Any]]]:
        self.asked.append((path, dict(query)))
        shown = self.script.pop(0) if self.script else []
        if isinstance(shown, Exception):
            raise shown
        return [shown]

    def sleep(self, seconds: float) -> bool:
        self.slept.append(seconds)
        return False


def wait(account: Account, *changes: Change, sleep: Any = None) -> dict[str, str]:
    arrivals = AcceptedWrites(account, IDS, sleep or account.sleep, 15.0)  # type: ignore[arg-type]
    return {address.key: number for address, number in arrivals.wait(changes).items()}


def test_one_list_settles_all_of_a_community() -> None:
    """At once, without sleeping, when all are there."""
    account = Account([member(5, 10), member(6, 11), member(7, 99)])
    assert wait(account, joining(PEOPLE[0]), joining(PEOPLE[1])) == {"0@example.com/In": "5", "1@example.com/In": "6"}
    assert account.asked == [("/api/community/memberships", {"community": "1"})]
    assert account.slept == []


def test_each_community_is_asked_once_a_round() -> None:
    """And only while somebody is missing from it."""
    account = Account([member(5, 10)], [], [member(6, 11, 2)])
    assert len(wait(account, joining(PEOPLE[0]), joining(PEOPLE[1], OUT))) == 2
    assert [query["community"] for _, query in account.asked] == ["1", "2", "2"]
    assert account.slept == [1.0]


def test_the_waiting_is_bounded() -> None:
    """One look at once and one after each interval; the rest is pending."""
    account = Account()
    assert wait(account, joining(PEOPLE[0])) == {}
    assert account.slept == [1.0, 2.0, 4.0, 8.0]
    assert len(account.asked) == 1 + len(SHARES)


def test_a_stop_ends_the_waiting() -> None:
    """No further look."""
    account = Account()
    assert wait(account, joining(PEOPLE[0]), sleep=lambda seconds: True) == {}
    assert len(account.asked) == 1


def test_a_failing_list_leaves_things_pending() -> None:
    """What was seen until then is kept."""
    for error in (GatewayError("500"), Interrupted("stop")):
        account = Account([member(5, 10)], error)
        assert wait(account, joining(PEOPLE[0]), joining(PEOPLE[1])) == {"0@example.com/In": "5"}


def test_nothing_accepted_is_nothing_asked() -> None:
    """No call is made in vain."""
    account = Account()
    assert wait(account) == {}
    assert account.asked == []
