"""Relations in rows: mappings like any other, and a plan like any other."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.errors import ConfigurationError
from reconciler.kinds.dialect import Dialect
from reconciler.ledger.codec import to_row
from reconciler.ledger.loading import entries_of
from reconciler.model.plan import Action, Change, Changes, count_quiet, decided
from reconciler.model.policy import Policy, Prune
from reconciler.model.resource import DesiredState, Intent, Ledger, LedgerEntry
from reconciler.model.values import Address, Ref
from reconciler.planner.matching import Identified, identify
from reconciler.planner.planner import PlanRules, plan_changes, unmanaged
from reconciler.planner.ties import RelationRows, counts, ends_in_rows, of_kind, rows_of, singles
from tests.unit.planner.made import ANN, ANN_VIP, GOLD, RULES, VIP, contact_item, entry, state, tag_items

ANN_GOLD = Address("tagging", "ann@example.com/Gold")
FILES = {"tags": ["VIP", "Gold"], "contacts": [{"email": "ann@example.com", "tags": ["VIP", "Gold"]}]}
ACCOUNT = {"tag": tag_items("VIP", "Gold"), "contact": [contact_item("ann@example.com", 7, (2, 1))]}


def recorded(desired: DesiredState, account: dict[str, Any]) -> list[LedgerEntry]:
    """Everything of the files, as an apply records it."""
    live = identify(desired, Ledger(), account, Dialect.VENDOR).live
    return [
        entry(
            each.address,
            live[each.address].remote_id,
            each.attrs,
            part_of=each.part_of,
            origin=each.origin,
            depends_on=tuple(value.target for value in each.attrs.values() if isinstance(value, Ref)),
            since=1e9,
        )
        for each in desired.resources.values()
        if each.address in live
    ]


def sides(desired: DesiredState, entries: list[LedgerEntry], account: dict[str, Any], **more: Any) -> Identified:
    """The three sides, with what is settled apart."""
    rows = entries_of([tuple(to_row(each).values()) for each in entries], desired.resources)
    return identify(desired, Ledger(entries=rows, **more), account, Dialect.VENDOR, settling=True)


def changes(found: Identified, desired: DesiredState, rules: PlanRules = RULES) -> dict[Address, Change]:
    """What is planned, by address."""
    return {change.address: change for change in plan_changes(found, desired, rules)}


def test_short_forms_become_rows_that_read_as_resources() -> None:
    """Iterating, looking up, counting and comparing know no difference."""
    resources = state(**FILES).resources
    assert isinstance(resources, RelationRows)
    assert set(singles(resources)) == {VIP, GOLD, ANN}
    assert [row.ends for row in rows_of(resources)["tagging"].values()] == [(VIP, GOLD)]
    assert list(resources) == [VIP, GOLD, ANN, ANN_VIP, ANN_GOLD]
    assert len(resources) == 5
    assert resources[ANN_GOLD].attrs == {"contact": Ref(ANN), "tag": Ref(GOLD)}
    assert resources[ANN_GOLD].part_of == ANN
    assert dict(resources.items()) == resources
    assert [each.address for each in resources.values()] == list(resources)
    assert [address for address, _ in of_kind(resources, "tagging")] == [ANN_VIP, ANN_GOLD]
    assert counts(resources) == {"tag": 2, "contact": 1, "tagging": 2}
    assert set(ends_in_rows(resources)) == {ANN, VIP, GOLD}


@pytest.mark.parametrize("text", ["tag/Other", "tagging/bob@example.com/VIP", "tagging/ann@example.com/Other", "x/y"])
def test_what_is_in_no_row_is_not_there(text: str) -> None:
    """Neither as a member nor by look-up."""
    resources = state(**FILES).resources
    assert Address.parse(text) not in resources
    with pytest.raises(KeyError):
        resources[Address.parse(text)]


def test_twice_in_a_list_is_twice_declared() -> None:
    """Rows hold nothing that a message has to be made of."""
    with pytest.raises(ConfigurationError, match=r"tagging/ann@example\.com/VIP is declared twice"):
        state(contacts=[{"email": "ann@example.com", "tags": ["VIP", "VIP"]}])
    with pytest.raises(ConfigurationError, match=r"tagging/ann@example\.com/VIP is declared twice"):
        state(taggings=[{"contact": "ann@example.com", "tag": "VIP"}], **FILES)


def test_what_agrees_on_all_sides_is_set_apart() -> None:
    """It is in none of the sides, and still among the changes, in order and whole."""
    desired = state(**FILES)
    found = sides(desired, recorded(desired, ACCOUNT), ACCOUNT)
    assert not [a for side in (found.desired, found.entries, found.live) for a in side if a.kind == "tagging"]
    planned = plan_changes(found, desired, RULES)
    assert isinstance(planned, Changes)
    assert list(decided(planned)) == []
    assert count_quiet(planned) == len(planned) == 5
    assert [change.address for change in planned] == sorted([ANN, VIP, GOLD, ANN_GOLD, ANN_VIP])
    assert {change.action for change in planned} == {Action.NO_CHANGE}
    made = {change.address: change for change in planned}
    assert (made[ANN_VIP].remote_id, made[ANN_GOLD].remote_id, made[ANN].remote_id) == ("7/1", "7/2", "7")
    assert made[ANN_VIP].before == made[ANN_VIP].attrs == desired.resources[ANN_VIP].attrs
    whole = identify(
        desired, Ledger(entries={e.address: e for e in recorded(desired, ACCOUNT)}), ACCOUNT, Dialect.VENDOR
    )
    assert tuple(plan_changes(whole, desired, RULES)) == planned


def test_a_unmanaged_tag_beside_them_is_counted() -> None:
    """Tags of others do not make ours unsettled, and stay unmanaged."""
    desired = state(tags=["VIP"], contacts=[{"email": "ann@example.com", "tags": ["VIP"]}])
    found = sides(desired, recorded(desired, ACCOUNT), ACCOUNT)
    assert list(found.settled["tagging"]) == [ANN]
    assert ANN_GOLD in found.live
    assert unmanaged(found) == {"tag": 1, "tagging": 1}


@pytest.mark.parametrize("case", ["missing", "another contact", "another tag", "not recorded", "intent"])
def test_what_does_not_agree_is_planned_one_by_one(case: str) -> None:
    """Each of the three sides can be the one that differs."""
    desired = state(**FILES)
    entries, account, more = recorded(desired, ACCOUNT), ACCOUNT, {}
    if case == "missing":
        account = {**ACCOUNT, "contact": [contact_item("ann@example.com", 7, (1,))]}
    elif case == "another contact":
        account = {**ACCOUNT, "contact": [contact_item("ann@example.com", 8, (2, 1))]}
    elif case == "another tag":
        entries = [e if e.address != ANN_VIP else entry(e.address, "7/9", e.applied, part_of=ANN) for e in entries]
    elif case == "not recorded":
        entries = [each for each in entries if each.address != ANN_VIP]
    else:
        more = {"intents": {ANN_VIP: Intent(ANN_VIP, "create", 1)}}
    found = sides(desired, entries, account, **more)
    assert not found.settled["tagging"]
    assert {ANN_VIP, ANN_GOLD} <= found.desired.keys()
    assert changes(found, desired).keys() >= {ANN_VIP, ANN_GOLD}


@pytest.mark.parametrize("owned", [True, False])
def test_a_tag_that_would_go_is_missed_by_settled_relations(owned: bool) -> None:
    """Whether it is deleted as ours or, under ``all``, as somebody's: the files still need it."""
    desired = state(contacts=FILES["contacts"])
    entries = recorded(desired, ACCOUNT) + ([entry(VIP, "1")] if owned else [])
    rules = RULES if owned else PlanRules(Policy({"tag": Prune.ALL}), Dialect.VENDOR, None, now=1e9)
    with pytest.raises(ConfigurationError, match=r"tagging/ann@example\.com/VIP needs tag/VIP"):
        plan_changes(sides(desired, entries, ACCOUNT), desired, rules)


def test_a_renamed_tag_still_says_how_many_keep_it() -> None:
    """Under a handle the address stays, so the relations are settled, and count."""
    before = state(tags=[{"name": "VIP", "handle": "v"}], contacts=[{"email": "ann@example.com", "tags": ["@v"]}])
    entries = [
        entry(a, "1", {"name": "VIP"}) if a.kind == "tag" else e
        for a, e in ((each.address, each) for each in recorded(before, ACCOUNT))
    ]
    after = state(tags=[{"name": "Star", "handle": "v"}], contacts=[{"email": "ann@example.com", "tags": ["@v"]}])
    found = sides(after, entries, ACCOUNT)
    assert found.settled["tagging"]
    assert "1 contact keeps it" in changes(found, after)[Address("tag", "@v")].note
