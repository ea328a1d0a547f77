"""Changes that were carried out to rows of the ledger."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from reconciler.apply.ledger_entry import changed_by_server, entry_after, is_recorded
from reconciler.model.plan import Action, Change
from reconciler.model.resource import EntryState, LedgerEntry, Lifecycle, Provenance
from reconciler.model.values import Address, Origin, Secret
from tests.unit.planner.made import ANN, ANN_VIP, VIP, entry, tagging

HOOK = Address("webhook", "Hook")
SECRET = Secret("env:S", "hush")


def after(
    change: Change, old: LedgerEntry | None = None, remote_id: str | None = "1", shown: Any = None, **more: Any
) -> LedgerEntry:
    options = {"digest": lambda name, value: f"{name}={value}", "now": 5.0, "run": 2, **more}
    return entry_after(change, old, remote_id, shown or {}, **options)


def test_a_row_holds_what_was_sent_and_what_was_answered() -> None:
    """Only the fields that the server shows otherwise."""
    change = Change(
        ANN, Action.CREATE, attrs={"email": "ann@example.com", "phone_number": "+33 6"}, origin=Origin("a.yaml", 1, 1)
    )
    row = after(change, shown={"email": "ann@example.com", "phone_number": "+336", "locale": "en"})
    assert row.applied == change.attrs
    assert row.answered == {"phone_number": "+336"}
    assert (row.remote_id, row.state, row.since, row.run) == ("1", EntryState.SETTLED, 5.0, 2)


def test_secrets_leave_a_digest_only() -> None:
    """And none where nothing can be remembered."""
    change = Change(HOOK, Action.CREATE, attrs={"name": "Hook", "secret": SECRET})
    row = after(change)
    assert "hush" not in str(row.applied)
    assert row.digests == {"secret": "secret=hush"}
    assert after(change, digest=None).digests == {}


def test_a_digest_stays_while_its_secret_is_not_at_hand() -> None:
    """Unless the field is something else now."""
    old = entry(HOOK, digests={"secret": "old", "url": "u"})
    row = after(Change(HOOK, Action.UPDATE, attrs={"name": "Hook", "url": "https://a.example.com"}), old)
    assert row.digests == {"secret": "old"}


@pytest.mark.parametrize(
    ("action", "old", "provenance"),
    [
        (Action.CREATE, None, Provenance.CREATED),
        (Action.REPLACE, entry(VIP, provenance=Provenance.ADOPTED), Provenance.CREATED),
        (Action.ADOPT, None, Provenance.ADOPTED),
        (Action.ADOPT, entry(VIP), Provenance.ADOPTED),
        (Action.UPDATE, entry(VIP), Provenance.CREATED),
        (Action.UPDATE, entry(VIP, provenance=Provenance.ADOPTED), Provenance.ADOPTED),
        (Action.NO_CHANGE, None, Provenance.ADOPTED),
    ],
)
def test_how_it_became_ours(action: Action, old: LedgerEntry | None, provenance: Provenance) -> None:
    """Made or taken over; an update keeps what it was."""
    change = Change(VIP, action, attrs={"name": "VIP"})
    assert after(change, old).provenance is provenance
    assert after(change, old, provenance=Provenance.CREATED).provenance is Provenance.CREATED


def test_without_an_id_it_is_pending() -> None:
    """Accepted, and not seen yet."""
    row = after(Change(ANN_VIP, Action.CREATE, attrs=tagging()), remote_id=None)
    assert row.state is EntryState.PENDING
    assert row.depends_on == (ANN, VIP)


def test_what_cannot_be_read_does_not_differ() -> None:
    """Modules are never shown."""
    change = Change(Address("enrollment", "x"), Action.CREATE)
    assert changed_by_server(change, {"modules": 1, "access": "a"}, {"modules": 2, "access": "b"}) == {"access": "b"}


def test_positions_times_and_runs_do_not_unsettle() -> None:
    """Everything else does."""
    row = entry(VIP)
    assert is_recorded(row, replace(row, origin=Origin("b.yaml", 9, 9), since=9.0, run=9))
    assert not is_recorded(None, row)
    for change in (
        {"remote_id": "2"},
        {"applied": {}},
        {"answered": {"name": "x"}},
        {"digests": {"a": "b"}},
        {"former": ANN},
        {"lifecycle": Lifecycle(True)},
        {"part_of": ANN},
        {"state": EntryState.PENDING},
    ):
        assert not is_recorded(row, replace(row, **change))
