"""Explains one resource: its values on the three sides, and the planner's rule that applies."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from reconciler.errors import ConfigurationError
from reconciler.kinds import KINDS
from reconciler.kinds.base import Kind
from reconciler.model.did_you_mean import near
from reconciler.model.plan import Action, Cause, Change
from reconciler.model.resource import Desired, EntryState, LedgerEntry, Live
from reconciler.model.values import Address, Secret, Value
from reconciler.planner.matched_state import MatchedState


@dataclass(frozen=True, slots=True)
class FieldExplanation:
    """One field on all sides. ``hidden`` names the sides whose value is a secret."""

    path: str
    desired: Value
    applied: Value
    live: Value
    verdict: str
    hidden: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Explanation:
    """The explanation of one resource; ``change`` is its change in the plan, None if it is unmanaged."""

    address: Address
    desired: Desired | None
    entry: LedgerEntry | None
    live: Live | None
    change: Change | None
    rule: str
    rows: tuple[FieldExplanation, ...]
    needs: tuple[Address, ...]
    needed_by: tuple[Address, ...]


def explain(address: Address, found: MatchedState, changes: Mapping[Address, Change]) -> Explanation:
    """Explain one resource. Raises ConfigurationError, with similar names, if no side has the address."""
    address = _known(address, found, changes)
    desired, entry, live = found.desired.get(address), found.entries.get(address), found.live.get(address)
    change = changes.get(address)
    kind = KINDS[address.kind]
    attrs = desired.attrs if desired else entry.applied if entry else live.attrs if live else {}
    return Explanation(
        address,
        desired,
        entry,
        live,
        change,
        rule_of(desired, entry, live, change),
        tuple(_rows(kind, desired, entry, live, change)),
        kind.refers_to(attrs),
        _needed_by(address, found),
    )


def _known(address: Address, found: MatchedState, changes: Mapping[Address, Change]) -> Address:
    sides: tuple[Iterable[Address], ...] = (found.desired, found.entries, found.live, changes)
    address = found.aliases.get(address, address)
    if any(address in side for side in sides):
        return address
    for new, old in found.moved.items():
        if old == address:
            return new
    everybody = {str(each) for side in sides for each in side}
    siblings = [each for each in everybody if each.startswith(f"{address.kind}/")]
    hint = near(str(address), siblings) or near(str(address), everybody)
    text = f"neither the files, nor the ledger, nor what was read of the account has {address}"
    raise ConfigurationError(text + (f"; did you mean {hint}?" if hint else ""))


def rule_of(desired: Desired | None, entry: LedgerEntry | None, live: Live | None, change: Change | None) -> str:
    """The row of the planner's table that applies, in words."""
    action = change.action if change else None
    if action is not None and change and change.blocked:
        return f"would be {_PARTICIPLES[action]}, and is blocked: {change.blocked}"
    if desired and live is None:
        return _absent(entry, action)
    if desired and live:
        return _present(entry, live, action)
    if entry and live is None:
        return "not declared, managed, not in the account: forgotten, nothing is sent"
    if entry:
        why = f" ({change.note})" if change and change.note else ""
        if action is Action.FORGET:
            return f"not declared, managed, in the account: forgotten, nothing is sent{why}"
        return f"not declared, managed, in the account: deleted{why}"
    if action is Action.DELETE:
        return "not declared, unmanaged, in the account: deleted, because pruning is `all` for this kind"
    return "not declared, unmanaged: never changed"


def _absent(entry: LedgerEntry | None, action: Action | None) -> str:
    if entry is None:
        return "declared, not managed yet, not in the account: created"
    if entry.state is EntryState.PENDING and action is Action.NO_CHANGE:
        return "declared, accepted by the account and not visible yet: no change"
    return "declared, managed, gone from the account: created again"


def _present(entry: LedgerEntry | None, live: Live, action: Action | None) -> str:
    if entry is None:
        tail = "differences are written" if action is Action.UPDATE else "only differences are written"
        return f"declared, not managed yet, in the account: adopted, {tail}"
    if action is Action.ADOPT:
        return f"declared, managed under another id; the resource of its name (id {live.remote_id}) is adopted"
    if action is Action.REPLACE:
        return "declared, managed, in the account; an immutable field differs: deleted and created again"
    if action is Action.UPDATE:
        return "declared, managed, in the account; some fields differ: updated"
    return "declared, managed, in the account; it matches the configuration: no change"


_PARTICIPLES = {
    Action.CREATE: "created",
    Action.ADOPT: "adopted",
    Action.UPDATE: "updated",
    Action.REPLACE: "replaced",
    Action.DELETE: "deleted",
    Action.FORGET: "forgotten",
    Action.NO_CHANGE: "not changed",
}

VERDICTS = {
    Cause.NEW: "new: the resource does not exist yet",
    Cause.EDITED: "edited: the files have a new value; the account has the one last written",
    Cause.DRIFTED: "drifted: the account has another value than the one last written; the files have not changed",
    Cause.BOTH: "both changed: files and account each have another value than the one last written; the files win",
    Cause.RELEASED: "released: no longer in the files; set back to its default",
    Cause.ROTATED: "rotated: the secret differs from the one last sent",
}


def _rows(
    kind: Kind, desired: Desired | None, entry: LedgerEntry | None, live: Live | None, change: Change | None
) -> Iterable[FieldExplanation]:
    sides = (desired.attrs if desired else {}, entry.applied if entry else {}, live.attrs if live else {})
    digests = entry.digests if entry else {}
    causes = {each.path: each.cause for each in change.fields} if change else {}
    for name in dict.fromkeys(name for side in (*sides[:2], digests, sides[2]) for name in side):
        want, sent, have = (side.get(name) for side in sides)
        secret = isinstance(want, Secret) or isinstance(have, Secret) or name in digests
        hidden = {"desired", "applied", "live"} if secret else set()
        if name in causes:
            verdict = VERDICTS.get(causes[name], causes[name].value)
        else:
            verdict = _quiet(kind, name, desired, entry, live)
        yield FieldExplanation(name, want, sent, have, verdict, frozenset(hidden))


def _quiet(kind: Kind, name: str, desired: Desired | None, entry: LedgerEntry | None, live: Live | None) -> str:
    """Why a field is not written."""
    if desired is None:
        return "" if entry and name in entry.applied else "not managed"
    if name in desired.lifecycle.ignore:
        return "ignored (lifecycle)"
    if name not in desired.attrs:
        return "no longer declared; not changed" if entry and name in entry.applied else "not managed"
    if kind.field(name).write_only or kind.field(name).one_time:
        return "cannot be read; assumed to be as it was sent"
    if (
        live is not None
        and not kind.field(name).same(desired.attrs[name], live.attrs.get(name))
        and not isinstance(desired.attrs[name], Secret)
    ):
        return "matches; the server normalizes the value"
    return "matches" if live is not None else ""


def _needed_by(address: Address, found: MatchedState) -> tuple[Address, ...]:
    """The resources that refer to this one: declared, managed or live."""
    wanted = {a for a, each in found.desired.items() if address in KINDS[a.kind].refers_to(each.attrs)}
    others = {a for a, each in found.entries.items() if a not in found.desired and address in each.depends_on}
    unmanaged = {
        a
        for a, each in found.live.items()
        if a not in found.desired and a not in found.entries and address in KINDS[a.kind].refers_to(each.attrs)
    }
    return tuple(sorted(wanted | others | unmanaged))
