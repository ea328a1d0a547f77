"""Finds drift: differences between ledger and account that were made outside of reconciler.

applied  answered  live
──────────────────────────────────────────────────────────────────────────────
   a        a       a        unchanged
   a        b       b        unchanged: the server normalizes a to b
   a        b       c        changed
   a        b       –        gone, or created again by somebody if another id has the name
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

from reconciler.kinds import KINDS
from reconciler.kinds.field import FieldShape
from reconciler.model.plan import Action, Cause, Plan, differing
from reconciler.model.resource import Desired, EntryState, LedgerEntry, Live
from reconciler.model.values import Address, Origin, Secret, Value
from reconciler.planner.diff import Digest, host
from reconciler.planner.matched_state import MatchedState


class Alarm(Enum):
    """Conditions for ``--fail-on``."""

    DRIFT = "drift"
    CONFLICT = "conflict"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Drift:
    """One changed field, or (``path`` None) a resource that is gone.

    ``desired``: the files declare the resource. ``conflict``: they also changed the field. Of a sensitive value at
    most the host of a URL is shown.
    """

    address: Address
    path: str | None
    recorded: Value
    live: Value
    remote_id: str | None
    desired: bool
    conflict: bool = False
    sensitive: bool = False
    note: str = ""
    origin: Origin | None = None


def drift(found: MatchedState, desired: Mapping[Address, Desired], digest: Digest) -> tuple[Drift, ...]:
    """All drift, in address order; ``found`` may have been read without the files."""
    changed: list[Drift] = []
    for address in sorted(address for address in found.entries if not found.is_agreed(address)):
        entry = found.entries[address]
        changed += _of(entry, found.live.get(address), desired.get(address), digest)
    return tuple(changed)


def _of(entry: LedgerEntry, live: Live | None, wanted: Desired | None, digest: Digest) -> Iterator[Drift]:
    origin = wanted.origin if wanted else entry.origin
    if live is None or entry.remote_id not in (None, live.remote_id):
        if entry.state is EntryState.SETTLED:
            note = f"another one with this name exists (id {live.remote_id})" if live else ""
            yield Drift(
                entry.address, None, None, None, entry.remote_id, wanted is not None, note=note, origin=origin
            )
        return
    kind, ignored = KINDS[entry.address.kind], entry.lifecycle.ignore
    for name, sent in entry.applied.items():
        field = kind.field(name)
        unseen = field.write_only or field.one_time or field.shape is FieldShape.REF or name in ignored
        have, shown = live.attrs.get(name), entry.answered.get(name, sent)
        hidden = isinstance(have, Secret)
        if not (unseen or field.same(_text(have), sent) or field.same(_text(have), shown)):
            want = wanted.attrs.get(name, sent) if wanted else sent
            yield Drift(
                entry.address,
                name,
                shown,
                host(_text(have)) if hidden else have,
                live.remote_id,
                wanted is not None,
                conflict=_text(want) not in (sent, _text(have)),
                sensitive=hidden,
                origin=origin,
            )
    yield from _masked(entry, live, wanted, digest)


def _masked(entry: LedgerEntry, live: Live, wanted: Desired | None, digest: Digest) -> Iterator[Drift]:
    """Readable fields of which the ledger has only a digest: a URL from the environment."""
    for name, known in entry.digests.items() if digest else ():
        have = _text(live.attrs.get(name))
        if digest is None or name not in live.attrs or digest(name, str(have)) == known:
            continue
        want = wanted.attrs.get(name) if wanted else None
        moved = isinstance(want, Secret) and digest(name, want.value) != known and want.value != have
        yield Drift(
            entry.address,
            name,
            None,
            host(have),
            live.remote_id,
            wanted is not None,
            conflict=moved,
            sensitive=True,
            origin=wanted.origin if wanted else entry.origin,
        )


def _text(value: Value) -> Value:
    return value.value if isinstance(value, Secret) else value


def alarms_of(found: Iterable[Drift]) -> frozenset[Alarm]:
    """The conditions that this drift meets."""
    raised: set[Alarm] = set()
    for each in found:
        raised.add(Alarm.DRIFT)
        raised |= {Alarm.CONFLICT} if each.conflict else set()
        raised |= {Alarm.DELETE} if each.path is None else set()
    return frozenset(raised)


def alarms(plan: Plan) -> frozenset[Alarm]:
    """The conditions that a plan meets: drift, conflicts, deletions."""
    raised: set[Alarm] = set()
    for change in differing(plan.changes):
        causes = {change.cause, *(each.cause for each in change.fields)}
        if causes & {Cause.DRIFTED, Cause.MISSING, Cause.BOTH}:
            raised.add(Alarm.DRIFT)
        if Cause.BOTH in causes:
            raised.add(Alarm.CONFLICT)
    if any(change.action in (Action.DELETE, Action.REPLACE) for change in differing(plan.effective)):
        raised.add(Alarm.DELETE)
    return frozenset(raised)
