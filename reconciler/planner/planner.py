"""Decides the action for every resource, by its presence on the three sides.

desired  ledger  live     action
──────────────────────────────────────────────────────────────────────────────
   ✓       –      –       CREATE
   ✓       –      ✓       ADOPT, writing only differences
   ✓       ✓      ✓       NO_CHANGE, UPDATE or REPLACE; ADOPT if the remote id is another one
   ✓       ✓      –       CREATE, cause MISSING; a person that was erased is blocked
   –       ✓      ✓       DELETE, or FORGET where policy says so
   –       ✓      –       FORGET
   –       –      ✓       nothing: unmanaged, counted, never touched

Without a ledger nothing can be adopted: NO_CHANGE or UPDATE takes the place of ADOPT.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from reconciler.errors import ConfigurationError, Problem
from reconciler.kinds import KINDS
from reconciler.kinds.base import Kind
from reconciler.kinds.dialect import Dialect, wire_of
from reconciler.model.plan import Action, AgreedChanges, Cause, Change, Changes, FieldChange, differing
from reconciler.model.policy import Policy
from reconciler.model.resource import Desired, DesiredState, EntryState, LedgerEntry
from reconciler.model.values import Address, Attrs, Secret, Value, readable
from reconciler.planner.diff import Digest, aged, differences, let_go, sent_along
from reconciler.planner.impact import with_counts
from reconciler.planner.matched_state import Agreed, MatchedState
from reconciler.planner.prune import Pruning

#: Seconds for which an accepted write counts as done before it is visible: a day.
PENDING_FOR = 24 * 3600.0
#: Why an erased person is not created again; the number of them follows when all changes are known.
ERASED = "deleted in the account; --allow recreate={} creates it again"

_FIELD_ORDER = {(kind.name, field.name): index for kind in KINDS.values() for index, field in enumerate(kind.fields)}


@dataclass(frozen=True)
class PlanRules:
    """Parameters of planning. ``digest`` is None without a ledger; ``now`` is seconds of the epoch.

    ``recreate``: erased people may be created again. ``incomplete``: kinds that were not read completely.
    """

    policy: Policy
    dialect: Dialect
    digest: Digest
    now: float
    recreate: bool = False
    incomplete: frozenset[str] = frozenset()


def plan_changes(found: MatchedState, state: DesiredState, rules: PlanRules) -> Sequence[Change]:
    """One change for every desired and every managed resource, sorted by address, NO_CHANGE included.

    Raises ConfigurationError for names that others hold and for deletions of what is still referred to.
    """
    planner = _Planner(found, rules)
    roots_first = sorted(_disagreeing(found), key=lambda each: len(KINDS[each.kind].parents))
    changes = {each.address: planner.desired(each) for each in roots_first}
    changes |= Pruning(found, state, rules.policy).changes()
    changes = with_counts(planner.hold_back(changes), found, rules.incomplete)
    problems = [*planner.problems, *_still_needed(found, changes), *_names_held(found, changes)]
    if problems:
        raise ConfigurationError(problems)
    own = tuple(changes[address] for address in sorted(changes))
    agreed = _agreed_changes(found, adopts=rules.digest is not None)
    return Changes(own, agreed) if agreed else own


def _disagreeing(found: MatchedState) -> Iterator[Desired]:
    """The desired resources that need a decision or a note."""
    for kind in KINDS:
        agreed, desired = found.agreed(kind), found.desired.of(kind)
        if len(agreed) < len(desired):  # agreed ones are desired
            yield from (each for key, each in desired.items() if key not in agreed)


def _agreed_changes(found: MatchedState, *, adopts: bool) -> AgreedChanges:
    """The changes of agreed resources. ``adopts``: there is a ledger, so resources without an entry are adopted."""

    def action_of(agreed: Agreed) -> Action:
        return Action.ADOPT if adopts and agreed.written is None else Action.NO_CHANGE

    def make(action: Action | None) -> Iterator[Change]:
        for kind in sorted(found.live.agreed):
            agreed, desired = found.agreed(kind), found.desired.of(kind)
            for key in sorted(agreed):
                if action in (None, act := action_of(agreed[key])):
                    yield _agreed_change(KINDS[kind], desired[key], act, found)

    def find(address: Address) -> Change | None:
        agreed = found.agreed(address.kind).get(address.key)
        desired = found.desired.of(address.kind)
        kind = KINDS[address.kind]
        return _agreed_change(kind, desired[address.key], action_of(agreed), found) if agreed else None

    counts: Counter[tuple[str, Action]] = Counter()
    for kind, those in found.live.agreed.items():
        adopted = sum([each.written is None for each in those.values()]) if adopts else 0
        counts += Counter({(kind, Action.ADOPT): adopted, (kind, Action.NO_CHANGE): len(those) - adopted})
    return AgreedChanges(counts, make, find)


def _agreed_change(kind: Kind, desired: Desired, action: Action, found: MatchedState) -> Change:
    adopted = action is Action.ADOPT
    return Change(
        desired.address,
        action,
        attrs=desired.attrs,
        before=desired.attrs,
        remote_id=found.live.id_of(desired.address),
        depends_on=kind.refers_to(desired.attrs) if adopted else (),
        former=desired.former,
        part_of=desired.part_of,
        effects=kind.effects.get(action, ()) if adopted else (),
        origin=desired.origin,
        lifecycle=desired.lifecycle,
    )


def in_order(kind: Kind, fields: Iterable[FieldChange]) -> tuple[FieldChange, ...]:
    """Sorted by the order of the kind's fields, then by name, whatever the order of the YAML keys."""
    return tuple(sorted(fields, key=lambda each: (_FIELD_ORDER[kind.name, kind.field(each.path).name], each.path)))


class _Planner:
    def __init__(self, found: MatchedState, rules: PlanRules) -> None:
        self.found, self.rules = found, rules
        self.wires = {name: wire_of(kind, rules.dialect) for name, kind in KINDS.items()}
        self.problems: list[Problem] = []

    def desired(self, desired: Desired) -> Change:
        """The first four rows of the table."""
        address, kind = desired.address, KINDS[desired.kind]
        live, entry = self.found.live.get(address), self.found.entries.get(address)
        if live is None:
            return self._absent(kind, desired, entry)
        known = entry if entry and (not kind.by_id or entry.remote_id == live.remote_id) else None
        fields = differences(kind, desired.attrs, live.attrs, known, desired.lifecycle.ignore, self.rules.digest)
        action = self._action(kind, desired, fields, known)
        if action is Action.REPLACE:
            fields = (*fields, *sent_along(kind, desired.attrs, known))
        return self._change(
            desired,
            action,
            aged(fields, known, self.rules.now),
            attrs=_without_ignored(desired),
            remote_id=live.remote_id,
            before=readable(live.attrs),
            cause=_main_cause(fields) if fields else None,
            note="; ".join(filter(None, self._notes(kind, desired, known, fields))),
            detached_from=_detached_from(kind, desired, known) if fields else (),
        )

    def _notes(
        self, kind: Kind, desired: Desired, known: LedgerEntry | None, fields: tuple[FieldChange, ...]
    ) -> Iterator[str]:
        if known or (self.rules.digest and not (fields and kind.irreversible)):
            yield _note(kind, desired, known)
        live = self.found.live[desired.address].attrs
        if fields:
            yield from (str(live[each.name]) for each in kind.fields if each.note_only and live.get(each.name))
        else:
            yield from _done_otherwise(kind, desired, live)
        yield self._remark(desired)

    def _remark(self, desired: Desired) -> str:
        return self.found.remarks.get(desired.address, "")

    def _absent(self, kind: Kind, desired: Desired, entry: LedgerEntry | None) -> Change:
        if kind.create is None:
            return self._unmakeable(desired, entry)
        pending = entry and entry.state is EntryState.PENDING
        if entry and pending and self.rules.now - entry.since < PENDING_FOR:
            return self._change(desired, Action.NO_CHANGE, (), note="accepted, not shown by the account yet")
        erased = entry and kind.person and not self.rules.recreate
        return self._change(
            desired,
            Action.CREATE,
            _all_fields(kind, desired),
            cause=Cause.MISSING if entry else Cause.NEW,
            blocked=ERASED if erased else None,
            note="accepted a day ago and never shown: sent again" if pending else self._remark(desired),
        )

    def _unmakeable(self, desired: Desired, entry: LedgerEntry | None) -> Change:
        """A managed resource that is gone needs no change; any other one must exist, since it cannot be created."""
        if entry is None:
            what = f"{desired.address} is not known to be there, and cannot be made"
            self.problems.append(Problem(str(desired.origin), what, "plan with --refresh auto, or remove it"))
        return self._change(desired, Action.NO_CHANGE, (), note="gone from the account; nothing is left to do")

    def _change(self, desired: Desired, action: Action, fields: tuple[FieldChange, ...], **more: Any) -> Change:
        kind = KINDS[desired.kind]
        attrs = more.pop("attrs", desired.attrs)
        return Change(
            desired.address,
            action,
            fields=in_order(kind, fields),
            attrs=attrs,
            origin=desired.origin,
            lifecycle=desired.lifecycle,
            former=desired.former,
            part_of=desired.part_of,
            moved_from=self.found.moved.get(desired.address) if self.found.moved else None,
            depends_on=() if action is Action.NO_CHANGE else kind.refers_to(attrs),
            effects=() if action is Action.NO_CHANGE else kind.effects.get(action, ()),
            **more,
        )

    def _action(
        self, kind: Kind, desired: Desired, fields: Iterable[FieldChange], known: LedgerEntry | None
    ) -> Action:
        once = self.wires[kind.name].immutable
        fixed = [each for each in fields if kind.field(each.path).immutable or each.path in once]
        if fixed and not kind.replaceable:
            has = ", ".join(f'{each.path} is "{each.before}" in the account' for each in fixed)
            other = f"`reconciler ledger forget {desired.address}`" if known else "leave its `id` out"
            what = f"{desired.address}: {has} and cannot be changed"
            hint = f"write that here; for another one, {other} first"
            self.problems.append(Problem(str(desired.origin), what, hint))
        if fixed:
            return Action.REPLACE
        if known is None and self.rules.digest is not None and not (fields and kind.irreversible):
            return Action.ADOPT
        return Action.UPDATE if fields else Action.NO_CHANGE

    def hold_back(self, changes: dict[Address, Change]) -> dict[Address, Change]:
        """Block changes that policy forbids, and all changes that depend on blocked ones."""
        for address, change in changes.items():
            destroys = change.action in (Action.DELETE, Action.REPLACE)
            if destroys and change.lifecycle.prevent_destroy and not change.blocked:
                changes[address] = replace(change, blocked="prevent_destroy")
        held = {address for address, change in changes.items() if change.blocked}
        for address, change in changes.items() if held else ():
            needs = next((each for each in change.depends_on if each in held), None)
            if needs and change.action is Action.CREATE and not change.blocked:
                changes[address] = replace(change, blocked=f"needs {needs}")
        return changes


def _without_ignored(desired: Desired) -> Mapping[str, Value]:
    if not desired.lifecycle.ignore:
        return desired.attrs
    return {name: value for name, value in desired.attrs.items() if name not in desired.lifecycle.ignore}


def _all_fields(kind: Kind, desired: Desired) -> tuple[FieldChange, ...]:
    """The fields of a new resource without its key, which the address shows."""
    return tuple(
        FieldChange(name, None, None if isinstance(value, Secret) else value, Cause.NEW, isinstance(value, Secret))
        for name, value in desired.attrs.items()
        if name not in kind.key and value is not None
    )


def _detached_from(kind: Kind, desired: Desired, known: LedgerEntry | None) -> tuple[Address, ...]:
    if known is None:
        return ()
    now = set(kind.refers_to(desired.attrs))
    return tuple(each for each in known.depends_on if each not in now)


_WEIGHT = (Cause.BOTH, Cause.DRIFTED, Cause.EDITED, Cause.ROTATED, Cause.RELEASED)


def _main_cause(fields: Iterable[FieldChange]) -> Cause | None:
    causes = {each.cause for each in fields}
    return next((cause for cause in _WEIGHT if cause in causes), None)


def _note(kind: Kind, desired: Desired, known: LedgerEntry | None) -> str:
    if known is None:
        unread = [f.name for f in kind.fields if f.write_only and f.immutable and f.name in desired.attrs]
        return f"{', '.join(unread)} cannot be read: assumed to match the configuration" if unread else ""
    gone = [name for name in let_go(kind, desired.attrs, known) if name not in desired.lifecycle.ignore]
    return f"no longer managed: {', '.join(gone)}" if gone else ""


def _done_otherwise(kind: Kind, desired: Desired, live: Attrs) -> Iterator[str]:
    """Notes for a resource in the desired state that was reached with another one-time option."""
    for field in kind.fields:
        shown = live.get(field.name) if field.one_time else None
        if shown is not None and desired.attrs.get(field.name, shown) != shown:
            yield f"done already, with `{field.name}: {shown}`; the account takes no other"


def _still_needed(found: MatchedState, changes: Mapping[Address, Change]) -> Iterable[Problem]:
    """Problems: deletions of resources that the files still refer to."""
    doomed = {a for a, change in changes.items() if change.action is Action.DELETE and not change.blocked}
    for desired in found.desired.values() if doomed else ():
        for target in KINDS[desired.kind].refers_to(desired.attrs):
            if target in doomed:
                what = f"{desired.address} needs {target}, which the files no longer declare and would be deleted"
                yield Problem(str(desired.origin), what, "declare it again, or drop the reference")


def _names_held(found: MatchedState, changes: Mapping[Address, Change]) -> Iterable[Problem]:
    """Problems: names held by live resources that this plan neither deletes nor renames."""
    takers = [c for c in changes.values() if c.attrs and not c.blocked and _takes_name(KINDS[c.address.kind], c)]
    if not takers:
        return
    holders: dict[Address, Address] = {}
    for kind in {change.address.kind for change in takers}:
        live = list(found.live.kept.of(kind).values())
        live += [found.live[Address(kind, key)] for key in found.agreed(kind) if key.startswith("@")]
        for each in live:
            holders.setdefault(KINDS[kind].address(each.attrs), each.address)
    for change in takers:
        natural = KINDS[change.address.kind].address(change.attrs)
        holder = holders.get(natural) or (natural if natural.key in found.agreed(natural.kind) else None)
        if holder in (None, change.address) or _leaves(changes.get(holder)):
            continue
        what = f"{change.address}: the name is taken by {holder} (id {found.live[holder].remote_id})"
        yield Problem(str(change.origin), what, "choose another name, or delete or rename that one")


def _takes_name(kind: Kind, change: Change) -> bool:
    if not kind.renameable:
        return False
    return change.action is Action.CREATE or any(each.path in kind.key for each in change.fields)


def _leaves(change: Change | None) -> bool:
    if change is None or change.blocked:
        return False
    if change.action is Action.DELETE:
        return True
    return any(each.path in KINDS[change.address.kind].key for each in change.fields)


def unmanaged(
    found: MatchedState, changes: Iterable[Change] = (), known: Iterable[Container[Address]] = ()
) -> dict[str, int]:
    """Number of live resources by writable kind that are neither declared nor managed nor deleted by these changes.

    ``known``: further addresses that are declared or managed.
    """
    besides = tuple(known)
    doomed = {change.address for change in differing(changes) if change.action is Action.DELETE}
    counts: dict[str, int] = {}
    for address in found.live.kept:
        managed = address in found.desired or address in found.entries or address in doomed
        if not managed and not any(address in each for each in besides) and KINDS[address.kind].writable:
            counts[address.kind] = counts.get(address.kind, 0) + 1
    return counts
