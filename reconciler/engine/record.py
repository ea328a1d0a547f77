"""A change that was carried out → the row that the ledger keeps of it."""

from __future__ import annotations

from reconciler.engine.diff import Digest
from reconciler.kinds import KINDS
from reconciler.model.plan import Action, Change
from reconciler.model.resource import Entry, EntryState, Provenance
from reconciler.model.values import Attrs, Secret, Value


def entry_after(
    change: Change,
    old: Entry | None,
    remote_id: str | None,
    shown: Attrs,
    *,
    digest: Digest,
    now: float,
    run: int,
    provenance: Provenance | None = None,
) -> Entry:
    """What we now own: ``shown`` is what the answer (or the live one) says the values are.

    A field that the server shows otherwise is kept in ``answered``, so that the same difference is no difference
    the next time. Secrets are kept as keyed digests only. ``provenance`` is known better than
    from the action where an answer was lost, or something was there already. ``run`` 0 stands for no run: the entry
    keeps the one that last wrote it.
    """
    readable = {name: value for name, value in change.attrs.items() if not isinstance(value, Secret)}
    return Entry(
        address=change.address, remote_id=remote_id, applied=readable,
        answered=differing(change, readable, shown),
        digests=_digests(change, old, digest),
        depends_on=KINDS[change.address.kind].refers_to(change.attrs),
        origin=change.origin, lifecycle=change.lifecycle, provenance=provenance or _provenance(change, old),
        former=change.former, part_of=change.part_of,
        state=EntryState.SETTLED if remote_id is not None else EntryState.PENDING, since=now,
        run=run or (old.run if old else 0), managed_since=_managed_since(change, old, run),
    )  # fmt: skip


def differing(change: Change, sent: Attrs, shown: Attrs) -> dict[str, Value]:
    """The readable fields that the server shows otherwise than they were sent."""
    kind = KINDS[change.address.kind]
    return {
        name: shown[name]
        for name, value in sent.items()
        if name in shown and not kind.field(name).same(shown[name], value) and not kind.field(name).write_only
    }


def is_settled(entry: Entry | None, wanted: Entry) -> bool:
    """Whether the ledger already says so; positions, times and run numbers do not count."""
    if entry is None:
        return False
    return all(
        getattr(entry, name) == getattr(wanted, name)
        for name in ("remote_id", "applied", "answered", "digests", "lifecycle", "former", "part_of", "state")
    )


def _digests(change: Change, old: Entry | None, digest: Digest) -> dict[str, str]:
    """Those of the secrets at hand; one that is not mentioned at all is still what it was."""
    if digest is None:
        return {}
    kept = {name: value for name, value in old.digests.items() if name not in change.attrs} if old else {}
    fresh = {name: value.value for name, value in change.attrs.items() if isinstance(value, Secret)}
    return kept | {name: digest(name, value) for name, value in fresh.items()}


def _managed_since(change: Change, old: Entry | None, run: int) -> int:
    """The run that made the resource managed; a later one only where it is another object now."""
    if old is None or change.action in (Action.CREATE, Action.ADOPT):
        return run
    return old.managed_since


def _provenance(change: Change, old: Entry | None) -> Provenance:
    if change.action in (Action.CREATE, Action.REPLACE):
        return Provenance.CREATED
    if change.action is Action.ADOPT or old is None:
        return Provenance.ADOPTED
    return old.provenance
