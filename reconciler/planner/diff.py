"""Compares the desired, applied and live values of a resource: the fields that differ, and the cause of each.

    desired  applied  live       cause
    ───────────────────────────────────────────────────────────
       a        a       a        nothing
       a        a       b        DRIFTED    the account moved
       a        b       b        EDITED     the files moved (or the field is new to us)
       a        b       c        BOTH       desired wins, and the plan reports it
       –        b       …        RELEASED   reset where the field declares how, else let go
    a write-only value           ROTATED    when its digest is another one

"Applied" stands for two values: what was sent and what the server made of it. Desired equal to what was sent and
live equal to what was answered is no difference, so a normalised phone number is no endless update.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from reconciler.kinds.base import Kind
from reconciler.kinds.field import FieldShape
from reconciler.model.plan import Cause, FieldChange
from reconciler.model.resource import LedgerEntry
from reconciler.model.serialization import to_json
from reconciler.model.values import Attrs, Secret, Value

#: Keyed digest of (field name, secret value), or None where nothing can be remembered.
Digest = Callable[[str, str], str] | None


def differences(
    kind: Kind, desired: Attrs, live: Attrs, entry: LedgerEntry | None, ignore: frozenset[str], digest: Digest
) -> tuple[FieldChange, ...]:
    """The fields to write, in the order of the files; key fields that are references cannot differ."""
    found = []
    for name, want in desired.items():
        field = kind.field(name)
        if field.same(want, live.get(name)) or name in ignore:
            continue
        if field.one_time:
            change = None
        elif field.write_only:
            change = _unreadable(field.shape, name, want, entry, digest)
        elif field.shape is FieldShape.REF:
            change = None
        elif isinstance(want, Secret):
            change = _masked(name, want, live.get(name), entry, digest)
        else:
            change = _readable(name, want, live.get(name), entry, digest)
        if change:
            found.append(change)
    options = (
        FieldChange(name, None, want, Cause.NEW) for name, want in desired.items() if kind.field(name).one_time
    )
    return (*found, *(options if found else ()), *_released(kind, desired, live, entry, ignore))


def _readable(name: str, want: Value, have: Value, entry: LedgerEntry | None, digest: Digest) -> FieldChange | None:
    if isinstance(have, Secret):
        return _disclosed(name, want, have, entry, digest)
    if entry is None or name not in entry.applied:
        return FieldChange(name, have, want, Cause.EDITED)
    sent = entry.applied[name]
    shown = entry.answered.get(name, sent)
    if want == sent:
        return None if have == shown else FieldChange(name, have, want, Cause.DRIFTED)
    return FieldChange(name, have, want, Cause.EDITED if have == shown else Cause.BOTH)


def _disclosed(name: str, want: Value, have: Secret, entry: LedgerEntry | None, digest: Digest) -> FieldChange | None:
    """A field that was a secret and is none any more: the new value may be shown, of the old one only its host."""
    if want == have.value:
        return None
    moved = entry and digest and entry.digests.get(name) != digest(name, have.value)
    return FieldChange(name, host(have.value), want, Cause.BOTH if moved else Cause.EDITED)


def _masked(name: str, want: Secret, live: Value, entry: LedgerEntry | None, digest: Digest) -> FieldChange | None:
    """A readable field whose text came from the environment: compared as it is, shown by its host only."""
    have = live.value if isinstance(live, Secret) else live
    if want.value == have:
        return None
    same = entry and digest and entry.digests.get(name) == digest(name, want.value)
    cause = Cause.DRIFTED if same else Cause.EDITED
    return FieldChange(name, host(have), host(want.value), cause, sensitive=True)


def host(url: Value) -> Value:
    """The part of a hidden URL that may be shown: its scheme and host."""
    parts = urlsplit(url) if isinstance(url, str) else None
    return f"{parts.scheme}://{parts.hostname}/…" if parts else None


def _unreadable(
    shape: FieldShape, name: str, want: Value, entry: LedgerEntry | None, digest: Digest
) -> FieldChange | None:
    """Secrets are compared by digest; other write-only values with what was sent; unknown ones are assumed equal."""
    if isinstance(want, Secret):
        if digest is None or (entry and entry.digests.get(name) == digest(name, want.value)):
            return None
        return FieldChange(name, None, None, Cause.ROTATED, sensitive=True)
    if entry is None or name not in entry.applied or entry.applied[name] == want:
        return None
    return FieldChange(name, entry.applied[name], want, Cause.EDITED)


def sent_along(kind: Kind, desired: Attrs, entry: LedgerEntry | None) -> Iterator[FieldChange]:
    """Write-only values of a resource that is created again: the first value, if the ledger has none."""
    for name, want in desired.items():
        known = entry is not None and name in entry.applied
        if kind.field(name).write_only and not isinstance(want, Secret) and not known:
            yield FieldChange(name, None, want, Cause.NEW)


def aged(fields: tuple[FieldChange, ...], entry: LedgerEntry | None, now: float) -> tuple[FieldChange, ...]:
    """With the age of what a rotation replaces, where the ledger knows it; ``now`` is seconds of the epoch."""
    return tuple(
        replace(each, note=f"last set {_ago(now - entry.since)}")
        if entry and each.cause is Cause.ROTATED and each.path in entry.digests
        else each
        for each in fields
    )


def _ago(seconds: float) -> str:
    days = max(0, int(seconds // 86_400))
    return "today" if not days else f"{days} day{'s' if days > 1 else ''} ago"


def _released(
    kind: Kind, desired: Attrs, live: Attrs, entry: LedgerEntry | None, ignore: frozenset[str]
) -> Iterator[FieldChange]:
    """Fields that we once wrote and the files no longer name, where the kind says what they return to."""
    for name in entry.applied if entry else ():
        if name not in desired and name not in ignore:
            reset = kind.field(name).reset
            if reset is not None and live.get(name) != reset:
                yield FieldChange(name, live.get(name), reset, Cause.RELEASED)


def let_go(kind: Kind, desired: Attrs, entry: LedgerEntry) -> tuple[str, ...]:
    """Fields that we once wrote, that the files no longer name, and that stay as they are."""
    return tuple(name for name in entry.applied if name not in desired and kind.field(name).reset is None)


def leaves(change: FieldChange) -> list[tuple[str, Any, Any]]:
    """A structured difference by its leaves: (path, before, after), absent sides None; DeepDiff names them."""
    if not isinstance(change.before, frozenset) or not isinstance(change.after, frozenset):
        return [(change.path, to_json(change.before), to_json(change.after))]
    from deepdiff import DeepDiff

    before, after = ({str(item) for item in side} for side in (change.before, change.after))
    found = DeepDiff(before, after)
    gone = sorted(str(item.t1) for item in found.tree.get("set_item_removed", ()))
    come = sorted(str(item.t2) for item in found.tree.get("set_item_added", ()))
    return [(change.path, item, None) for item in gone] + [(change.path, None, item) for item in come]
