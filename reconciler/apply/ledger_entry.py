"""A change that was carried out → the row that the ledger keeps of it.

What a killed run announced and nobody recorded → what is known of it now that the account was read again.

An intent whose verb is ``create`` says: this was not there, and a request to make it may have left. An object under
its address that shows the values that were sent counts as created by us, whether the files still ask for it or not.
One that shows others was not made by that request: it belongs to somebody else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from reconciler.kinds import KINDS
from reconciler.model.plan import Action, Change, Step
from reconciler.model.resource import EMPTY, EntryState, Intent, LedgerEntry, Provenance
from reconciler.model.values import Address, Attrs, Secret, Value
from reconciler.planner.diff import Digest
from reconciler.planner.matching import Identified


def entry_after(
    change: Change,
    old: LedgerEntry | None,
    remote_id: str | None,
    shown: Attrs,
    *,
    digest: Digest,
    now: float,
    run: int,
    provenance: Provenance | None = None,
) -> LedgerEntry:
    """What we now own: ``shown`` is what the answer (or the live one) says the values are.

    A field that the server shows otherwise is kept in ``answered``, so that the same difference is no difference
    the next time. Secrets are kept as keyed digests only. ``provenance`` is known better than
    from the action where an answer was lost, or something was there already. ``run`` 0 stands for no run: the entry
    keeps the one that last wrote it.
    """
    readable = {name: value for name, value in change.attrs.items() if not isinstance(value, Secret)}
    return LedgerEntry(
        address=change.address,
        remote_id=remote_id,
        applied=readable,
        answered=differing(change, readable, shown),
        digests=_digests(change, old, digest),
        depends_on=KINDS[change.address.kind].refers_to(change.attrs),
        origin=change.origin,
        lifecycle=change.lifecycle,
        provenance=provenance or _provenance(change, old),
        former=change.former,
        part_of=change.part_of,
        state=EntryState.SETTLED if remote_id is not None else EntryState.PENDING,
        since=now,
        run=run or (old.run if old else 0),
        managed_since=_managed_since(change, old, run),
    )


def differing(change: Change, sent: Attrs, shown: Attrs) -> dict[str, Value]:
    """The readable fields that the server shows otherwise than they were sent."""
    kind = KINDS[change.address.kind]
    return {
        name: shown[name]
        for name, value in sent.items()
        if name in shown and not kind.field(name).same(shown[name], value) and not kind.field(name).write_only
    }


def is_settled(entry: LedgerEntry | None, wanted: LedgerEntry) -> bool:
    """Whether the ledger already says so; positions, times and run numbers do not count."""
    if entry is None:
        return False
    return all(
        getattr(entry, name) == getattr(wanted, name)
        for name in ("remote_id", "applied", "answered", "digests", "lifecycle", "former", "part_of", "state")
    )


def _digests(change: Change, old: LedgerEntry | None, digest: Digest) -> dict[str, str]:
    """Those of the secrets at hand; one that is not mentioned at all is still what it was."""
    if digest is None:
        return {}
    kept = {name: value for name, value in old.digests.items() if name not in change.attrs} if old else {}
    fresh = {name: value.value for name, value in change.attrs.items() if isinstance(value, Secret)}
    return kept | {name: digest(name, value) for name, value in fresh.items()}


def _managed_since(change: Change, old: LedgerEntry | None, run: int) -> int:
    """The run that made the resource managed; a later one only where it is another object now."""
    if old is None or change.action in (Action.CREATE, Action.ADOPT):
        return run
    return old.managed_since


def _provenance(change: Change, old: LedgerEntry | None) -> Provenance:
    if change.action in (Action.CREATE, Action.REPLACE):
        return Provenance.CREATED
    if change.action is Action.ADOPT or old is None:
        return Provenance.ADOPTED
    return old.provenance


Intents = Mapping[Address, Intent]


def recovered(found: Identified, intents: Intents) -> dict[Address, LedgerEntry]:
    """Entries for what an unrecorded create made and the files no longer ask for: it is ours to remove."""
    made = {}
    for address, intent in intents.items():
        live = found.live.get(address)
        if live is None or not intent.made(live.attrs) or address in found.desired or address in found.entries:
            continue
        refers_to = KINDS[address.kind].refers_to(live.attrs)
        made[address] = LedgerEntry(
            address, live.remote_id, depends_on=refers_to, run=intent.run, managed_since=intent.run
        )
    return made


def announced(changes: Iterable[Change], intents: Intents) -> frozenset[Address]:
    """The changes whose resource an earlier run may have made without knowing; a rename since then is followed."""
    return frozenset(change.address for change in changes if _is_made(change, intents)) if intents else frozenset()


def _is_made(change: Change, intents: Intents) -> bool:
    """Of what the account does not show, the intent is all that is known."""
    found = [intents[name] for name in (change.address, change.former) if name and name in intents]
    return any(intent.made(EMPTY if change.action is Action.CREATE else change.before) for intent in found)


def answered(changes: Iterable[Change], steps: Iterable[Step], intents: Intents, *, whole: bool) -> Iterator[Address]:
    """The intents that a plan resolves: not those that a step will, nor those that it blocks or leaves out.

    ``whole``: nothing was left out, so an intent without a change has left no trace in the account.
    """
    stays_open = {step.address for step in steps} | {change.address for change in changes if change.blocked}
    seen = {name for change in changes for name in (change.address, change.former, change.moved_from)}
    for address in intents:
        if address not in stays_open and (address in seen or whole):
            yield address
