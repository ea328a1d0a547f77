"""What the files no longer name: the table of pruning."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.model.plan import Action, Cause, Change
from reconciler.model.policy import Policy, Prune
from reconciler.model.resource import EntryState, LedgerEntry, Lifecycle, Provenance
from reconciler.model.values import Address
from tests.unit.planner.made import (
    ANN,
    ANN_VIP,
    RULES,
    VIP,
    contact_item,
    entry,
    ledger,
    planned,
    state,
    tag_items,
    tagging,
)

PERSON = entry(ANN, "1", {"email": "ann@example.com"})
LINK = entry(ANN_VIP, "1/1", tagging(), depends_on=(ANN, VIP))


def pruned(*entries: LedgerEntry, prune: dict[str, Prune] | None = None, **sections: object) -> dict[Address, Change]:
    rules = replace(RULES, policy=Policy(prune or {}))
    items = {"tag": tag_items("VIP"), "contact": [contact_item("ann@example.com", tags=(1,))]}
    return planned(state(**sections), ledger(*entries), rules, **items)


@pytest.mark.parametrize(
    ("prune", "provenance", "action"),
    [
        (Prune.NONE, Provenance.CREATED, Action.FORGET),
        (Prune.CREATED, Provenance.CREATED, Action.DELETE),
        (Prune.CREATED, Provenance.ADOPTED, Action.FORGET),
        (Prune.OWNED, Provenance.ADOPTED, Action.DELETE),
        (Prune.ALL, Provenance.ADOPTED, Action.DELETE),
    ],
)
def test_the_policy_decides_about_ours(prune: Prune, provenance: Provenance, action: Action) -> None:
    """By how it became ours."""
    assert pruned(entry(VIP, provenance=provenance), prune={"tag": prune})[VIP].action is action


def test_strangers_are_deleted_under_all_only() -> None:
    """And what goes with them needs no call."""
    assert pruned(prune={"tag": Prune.OWNED}) == {}
    assert list(pruned(prune={"tag": Prune.ALL, "tagging": Prune.ALL})) == [VIP]


def test_relations_go_with_a_deleted_parent() -> None:
    """Unless that parent may not be deleted."""
    gone = pruned(entry(VIP), LINK)
    assert (gone[ANN_VIP].action, gone[ANN_VIP].cause) == (Action.FORGET, Cause.GONE_WITH)
    kept = pruned(entry(VIP, lifecycle=Lifecycle(prevent_destroy=True)), LINK)
    assert kept[ANN_VIP].action is Action.DELETE


def test_relations_are_forgotten_with_the_block_they_stood_in() -> None:
    """A contact that leaves the files takes its short relations along, and nothing is sent."""
    left = pruned(PERSON, replace(LINK, part_of=ANN))
    assert [change.action for change in left.values()] == [Action.FORGET, Action.FORGET]
    assert left[ANN_VIP].note == "no longer managed, together with contact/ann@example.com"
    deleted = pruned(PERSON, replace(LINK, part_of=ANN), prune={"contact": Prune.OWNED})
    assert deleted[ANN_VIP].cause is Cause.GONE_WITH


def test_a_key_that_is_gone_is_not_a_key_that_is_empty() -> None:
    """No `tags` key: not managed. `tags: []`: none of ours."""
    part = replace(LINK, part_of=ANN)
    unmanaged = pruned(PERSON, part, contacts=[{"email": "ann@example.com"}])
    assert (unmanaged[ANN_VIP].action, unmanaged[ANN_VIP].cause) == (Action.FORGET, Cause.RELEASED)
    emptied = pruned(PERSON, part, contacts=[{"email": "ann@example.com", "tags": []}])
    assert emptied[ANN_VIP].action is Action.DELETE


def test_what_is_pending_waits_until_it_shows() -> None:
    """It cannot be removed without an id."""
    member = Address("membership", "ann@example.com/In")
    pending = entry(member, None, {}, state=EntryState.PENDING)
    change = pruned(pending)[member]
    assert (change.action, bool(change.note)) == (Action.NO_CHANGE, True)


def test_a_deletion_says_since_when_it_is_managed() -> None:
    """The run that made it managed, not the one that last wrote it."""
    assert "managed since run 3" in pruned(entry(VIP, run=7, managed_since=3))[VIP].note
    assert "unmanaged" in pruned(prune={"tag": Prune.ALL})[VIP].note
