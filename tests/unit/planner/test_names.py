"""Live resources of one kind to the addresses that they go by."""

from __future__ import annotations

from typing import Any

from reconciler.kinds import KINDS
from reconciler.model.resource import Desired, LedgerEntry
from reconciler.model.values import Address, Origin, Secret
from reconciler.planner.decoding import DecodedItem
from reconciler.planner.identity import NamedItems, name_live
from reconciler.planner.matched_state import Entries
from tests.unit.planner.made import entry

TAG, WEBHOOK = KINDS["tag"], KINDS["webhook"]


def tag(name: str, **more: Any) -> Desired:
    handle = more.pop("handle", "")
    former = more.pop("renamed_from", "")
    return Desired(
        Address("tag", handle or name),
        {"name": name},
        Origin("a.yaml", 1, 1),
        former=Address("tag", former) if former else None,
        **more,
    )


def named(
    live: dict[str, str],
    *desired: Desired,
    ours: dict[str, str] | None = None,
    entries: list[LedgerEntry] | None = None,
) -> NamedItems:
    """``live`` and ``ours`` map ids to names."""
    items = [shown(remote_id, name, {"name": name}) for remote_id, name in live.items()]
    known = entries or [entry(Address("tag", name), remote_id) for remote_id, name in (ours or {}).items()]
    return name_live(TAG, {each.key: each for each in desired}, recorded(*known), items)


def shown(remote_id: str, key: str, attrs: dict[str, Any]) -> DecodedItem:
    return DecodedItem(remote_id, key, attrs, (), (), {})


def recorded(*entries: LedgerEntry) -> Entries:
    return Entries({each.address: each for each in entries})


def keys(found: NamedItems) -> list[str]:
    return found.keys


def test_the_natural_name_unless_something_says_otherwise() -> None:
    """Unmanaged, declared, both."""
    assert keys(named({"1": "A", "2": "B"}, tag("A"))) == ["A", "B"]


def test_ours_are_known_by_id_whatever_they_are_called_now() -> None:
    """Renamed behind our back; a unmanaged one that took the name goes by its id."""
    found = named({"1": "Renamed", "2": "A"}, tag("A"), ours={"1": "A"})
    assert keys(found) == ["A", "#2"]
    assert found.moved == {}


def test_an_id_in_the_files_binds() -> None:
    """Even one that the ledger knows by another address: then it moved."""
    found = named({"7": "Gold"}, tag("Premium", bound_id="7"), ours={"7": "Gold"})
    assert keys(found) == ["Premium"]
    assert found.moved == {"Premium": "Gold"}


def test_a_former_name_leads_to_the_new_one() -> None:
    """Of ours the entry moves along, a unmanaged one is simply that one."""
    assert named({"1": "Gold"}, tag("Premium", renamed_from="Gold"), ours={"1": "Gold"}).moved == {"Premium": "Gold"}
    unmanaged = named({"1": "Gold"}, tag("Premium", renamed_from="Gold"))
    assert (keys(unmanaged), unmanaged.moved) == (["Premium"], {})


def test_a_rename_that_happened_is_ignored() -> None:
    """The entry remembers it, so a new one of the old name is another one."""
    done = entry(Address("tag", "Premium"), "1", former=Address("tag", "Gold"))
    found = named({"1": "Premium", "2": "Gold"}, tag("Premium", renamed_from="Gold"), entries=[done])
    assert (keys(found), found.problems) == (["Premium", "Gold"], [])


def test_both_names_live_is_an_error() -> None:
    """Nobody can say which one is meant."""
    found = named({"1": "Gold", "2": "Premium"}, tag("Premium", renamed_from="Gold"))
    assert [str(problem) for problem in found.problems] == [
        'a.yaml:1:1: tag/Premium: both "Gold" and "Premium" exist; remove `renamed_from`, or delete one of them'
    ]


def test_a_former_name_that_stays_is_not_taken_away() -> None:
    """It is that of another one in the files; chains and swaps pass it on."""
    assert keys(named({"1": "Gold"}, tag("Premium", renamed_from="Gold"), tag("Gold"))) == ["Gold"]
    chain = [tag("B", renamed_from="A"), tag("C", renamed_from="B")]
    assert keys(named({"1": "A", "2": "B"}, *chain)) == ["B", "C"]
    swap = [tag("B", renamed_from="A"), tag("A", renamed_from="B")]
    assert keys(named({"1": "A", "2": "B"}, *swap, ours={"1": "A", "2": "B"})) == ["B", "A"]


def test_a_handle_is_found_by_name_and_by_id() -> None:
    """Added, then the name changed, then removed."""
    added = named({"1": "VIP"}, tag("VIP", handle="@vip"), ours={"1": "VIP"})
    assert (keys(added), added.moved) == (["@vip"], {"@vip": "VIP"})
    assert keys(named({"1": "VIP"}, tag("Other", handle="@vip"), ours={"1": "@vip"})) == ["@vip"]
    assert keys(named({"1": "VIP"}, tag("VIP"), ours={"1": "@vip"})) == ["VIP"]


def test_doubles_are_an_error_only_where_their_name_is_needed() -> None:
    """It names both ids; elsewhere they go by them."""
    quiet = named({"5": "X", "6": "X"})
    assert (keys(quiet), quiet.problems) == (["#5", "#6"], [])
    assert quiet.ambiguous == {"X": ["5", "6"]}
    (problem,) = named({"5": "X", "6": "X"}, tag("X")).problems
    assert "ids 5, 6" in problem.what
    assert "`id: 5`" in problem.hint


def test_ledger_and_id_decide_between_doubles() -> None:
    """Then the other one is unmanaged."""
    assert keys(named({"5": "X", "6": "X"}, tag("X"), ours={"6": "X"})) == ["#5", "X"]
    assert keys(named({"5": "X", "6": "X"}, tag("X", bound_id="5"))) == ["X", "#6"]


def test_an_id_in_the_files_outweighs_the_ledger() -> None:
    """Whichever is listed first; an id that nobody has is an error."""
    for live in ({"1": "Gold", "2": "Gold"}, {"2": "Gold", "1": "Gold"}):
        found = named(live, tag("Gold", bound_id="2"), ours={"1": "Gold"})
        assert dict(zip(live, keys(found), strict=True)) == {"1": "#1", "2": "Gold"}
    wrong = named({"1": "Gold"}, tag("Gold", bound_id="3"), ours={"1": "Gold"})
    assert "no tag with id 3 in this account" in str(wrong.problems[0])


def test_another_case_is_an_error_that_says_what_to_write() -> None:
    """A sole match, which is surely meant; two of them are not, and what the ledger has is not created anew."""
    (problem,) = named({"1": "vip"}, tag("VIP")).problems
    assert "`name: vip`" in problem.hint
    assert named({"1": "vip", "2": "Vip"}, tag("VIP")).problems == []
    assert named({"1": "vip"}, tag("VIP"), ours={"9": "VIP"}).problems == []
    assert named({"1": "vip", "2": "VIP"}, tag("VIP")).problems == []


def test_a_webhook_is_also_known_by_its_url() -> None:
    """Both are unique on the account; the url may come from the environment."""
    items = [shown("u1", "Old", {"name": "Old", "url": "https://a.example.com"})]
    for url in ("https://a.example.com", Secret("env:X", "https://a.example.com")):
        new = Desired(Address("webhook", "New"), {"name": "New", "url": url}, Origin("a.yaml", 1, 1))
        assert keys(name_live(WEBHOOK, {"New": new}, Entries(), items)) == ["New"]
    other = Desired(
        Address("webhook", "New"), {"name": "New", "url": "https://b.example.com"}, Origin("a.yaml", 1, 1)
    )
    assert keys(name_live(WEBHOOK, {"New": other}, Entries(), items)) == ["Old"]
    assert keys(name_live(WEBHOOK, {"New": other}, recorded(entry(other.address, "gone")), items)) == ["Old"]
