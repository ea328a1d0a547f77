"""Ledger entries: of a change that was carried out, and of intents that a killed run left open.

An open intent with the verb ``create`` means that the resource did not exist, and a request to create it may have
been sent. A live resource of that address with the values that were sent counts as created by that request, whether
or not the files still declare it. One with other values was created by somebody else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from reconciler.kinds import KINDS
from reconciler.model.plan import Action, Change, Step
from reconciler.model.resource import EMPTY, EntryState, Intent, LedgerEntry, Provenance
from reconciler.model.values import Address, Attrs, Secret, Value
from reconciler.planner.diff import Digest
from reconciler.planner.matched_state import MatchedState


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
    """The entry after a change; ``shown`` holds the values in the answer (or of the live resource).

    A value that the server changed is kept in ``answered``, so that it causes no update next time. Secrets are
    kept as keyed digests only. ``provenance`` overrides what the action implies, for a lost answer or a resource
    that existed already. ``run`` 0 stands for no run: the entry keeps the run that last wrote it.
    """
    readable = {name: value for name, value in change.attrs.items() if not isinstance(value, Secret)}
    return LedgerEntry(
        address=change.address,
        remote_id=remote_id,
        applied=readable,
        answered=changed_by_server(change, readable, shown),
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


def changed_by_server(change: Change, sent: Attrs, shown: Attrs) -> dict[str, Value]:
    """The readable fields whose value in the answer differs from the value sent."""
    kind = KINDS[change.address.kind]
    return {
        name: shown[name]
        for name, value in sent.items()
        if name in shown and not kind.field(name).same(shown[name], value) and not kind.field(name).write_only
    }


def is_recorded(entry: LedgerEntry | None, wanted: LedgerEntry) -> bool:
    """Whether the ledger already holds this entry; positions, times and run numbers do not count."""
    if entry is None:
        return False
    return all(
        getattr(entry, name) == getattr(wanted, name)
        for name in ("remote_id", "applied", "answered", "digests", "lifecycle", "former", "part_of", "state")
    )


def _digests(change: Change, old: LedgerEntry | None, digest: Digest) -> dict[str, str]:
    """Digests of the given secrets; the digest of a secret that is not mentioned is kept."""
    if digest is None:
        return {}
    kept = {name: value for name, value in old.digests.items() if name not in change.attrs} if old else {}
    fresh = {name: value.value for name, value in change.attrs.items() if isinstance(value, Secret)}
    return kept | {name: digest(name, value) for name, value in fresh.items()}


def _managed_since(change: Change, old: LedgerEntry | None, run: int) -> int:
    """The run that made the resource managed; the current one if the remote object is another one now."""
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


def recovered(found: MatchedState, intents: Intents) -> dict[Address, LedgerEntry]:
    """Entries for resources that an unrecorded create made and that the files no longer declare, to prune them."""
    made = {}
    for address, intent in intents.items():
        live = found.live.get(address)
        is_known = address in found.desired or address in found.entries
        if live is None or is_known or not intent.may_have_created(live.attrs):
            continue
        refers_to = KINDS[address.kind].refers_to(live.attrs)
        made[address] = LedgerEntry(
            address, live.remote_id, depends_on=refers_to, run=intent.run, managed_since=intent.run
        )
    return made


def possibly_created(changes: Iterable[Change], intents: Intents) -> frozenset[Address]:
    """The changes whose resource an open intent of an earlier run may have created; follows renames since then."""
    return frozenset(change.address for change in changes if _is_made(change, intents)) if intents else frozenset()


def _is_made(change: Change, intents: Intents) -> bool:
    """Whether an open intent may have created the resource; one that the account does not show is not compared."""
    found = [intents[name] for name in (change.address, change.former) if name and name in intents]
    return any(
        intent.may_have_created(EMPTY if change.action is Action.CREATE else change.before) for intent in found
    )


def answered(changes: Iterable[Change], steps: Iterable[Step], intents: Intents, *, whole: bool) -> Iterator[Address]:
    """The intents that a plan resolves by itself: no step will, and no change about them is blocked or excluded.

    ``whole``: the plan excludes nothing, so an intent without a change has left no trace in the account.
    """
    stays_open = {step.address for step in steps} | {change.address for change in changes if change.blocked}
    seen = {name for change in changes for name in (change.address, change.former, change.moved_from)}
    for address in intents:
        if address not in stays_open and (address in seen or whole):
            yield address
