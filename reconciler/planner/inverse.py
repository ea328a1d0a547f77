"""The desired state that reverts a run, derived from its history, and what it cannot restore.

the run did                  the inverse state declares
──────────────────────────────────────────────────────────────────────────────
created                      nothing: deleted, unless others need it or it was adopted
updated                      the overwritten values, in the fields that were written
replaced                     the previous resource, under a new id
deleted, also with another   the previous resource, under a new id; requires its secrets
deleted a tag                also its assignments, to all contacts that carried it
removed values               the values, on resources that are still managed
adopted, forgot              no change: the account was not changed
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from reconciler.kinds import KINDS
from reconciler.kinds.base import Kind
from reconciler.kinds.dialect import Dialect, wire_of
from reconciler.kinds.effects import ACCESS_GIVEN, ACCESS_TAKEN, IRREVERSIBLE, NEW_ID, PERSON_DELETED, TAGS_TAKEN
from reconciler.model.plan import Action, Verb
from reconciler.model.report import PastOutcome, Status
from reconciler.model.resource import EMPTY, Desired, DesiredState, Ledger, LedgerEntry, Provenance
from reconciler.model.values import Address, Attrs, Origin, Ref, Secret, Value, replace_refs
from reconciler.planner.impact import ASSIGNED_BY
from reconciler.planner.matched_state import DERIVED, ends_of

#: Effects that the inverse write reverts; all others are final.
TAKEN_BACK = frozenset({ACCESS_GIVEN, ACCESS_TAKEN, NEW_ID, PERSON_DELETED, IRREVERSIBLE})

#: Lost: the run created it, and the ledger does not know it any more, or never did.
STAYS = "no longer managed, and stays as it is"

_CHANGED = frozenset({Action.UPDATE, Action.ADOPT})


class Unrestorable(NamedTuple):
    """Something that an undo cannot restore."""

    address: Address
    what: str


@dataclass(frozen=True, slots=True)
class UndoPlan:
    """``only`` holds the addresses that the inverse plan may change, under all their names.

    ``adopted`` holds those that count as adopted when they are created again, as before. ``tagged`` are the remote
    ids of the contacts that lost each tag which is created again; :func:`reassigning` declares these assignments.
    """

    state: DesiredState
    only: frozenset[Address]
    lost: tuple[Unrestorable, ...]
    adopted: frozenset[Address] = frozenset()
    tagged: Mapping[Address, tuple[str, ...]] = field(default_factory=lambda: EMPTY)


def reassigning(undo: UndoPlan, people: Mapping[str, Address]) -> tuple[UndoPlan, dict[Address, Address]]:
    """The plan that also assigns the tags again; ``people`` are the contacts that still exist, by remote id.

    Second: the assignments that the ledger did not know and will not manage, with addresses that name the contacts by
    remote id, for the history.
    """
    resources, lost, added = dict(undo.state.resources), list(undo.lost), dict[Address, Address]()
    for tag, ids in ((tag, ids) for tag, ids in undo.tagged.items() if tag in resources):
        kind = ASSIGNED_BY[tag.kind]
        owner, end = (parent.name for parent in sorted(kind.parents, key=lambda parent: parent.ref == tag.kind))
        for remote_id in (each for each in ids if each in people):
            person, unnamed = people[remote_id], KINDS[people[remote_id].kind].by_remote_id(remote_id)
            attrs: dict[str, Value] = {owner: Ref(person), end: Ref(tag)}
            if (address := kind.address(attrs)) not in resources:
                resources[address] = Desired(address, attrs, resources[tag].origin)
                added[address] = kind.address(attrs | {owner: Ref(unnamed)})
        if gone := sum(1 for each in ids if each not in people):
            whose = "1 contact that is" if gone == 1 else f"{gone:,} contacts that are"
            lost.append(Unrestorable(tag, f"its assignment to {whose} no longer in the account"))
    state = DesiredState(resources, frozenset(address.kind for address in resources))
    return replace(undo, state=state, only=undo.only | added.keys(), lost=tuple(lost)), added


def invert(
    past: Sequence[PastOutcome],
    ledger: Ledger,
    dialect: Dialect,
    digest: Callable[[str, str], str],
    secrets: Mapping[Address, Attrs] = EMPTY,
) -> UndoPlan:
    """The state of all managed resources, with the changes of the run ``past`` reverted.

    ``secrets`` are those in the files now. A secret is sent only if its ``digest`` equals that of the secret which
    the resource had: an undo never replaces a secret by another one.
    """
    inverter = _Inverter(ledger, dialect, digest, secrets)
    for deed in recorded_changes(past):
        inverter.undo(deed)
    inverter.keep_what_is_needed()
    return inverter.finish()


@dataclass
class _Inverter:
    ledger: Ledger
    dialect: Dialect
    digest: Callable[[str, str], str]
    secrets: Mapping[Address, Attrs]
    resources: dict[Address, Desired] = field(default_factory=dict)
    removed: set[Address] = field(default_factory=set)
    renamed: dict[Address, Address] = field(default_factory=dict)
    only: set[Address] = field(default_factory=set)
    lost: list[Unrestorable] = field(default_factory=list)
    adopted: set[Address] = field(default_factory=set)
    tagged: dict[Address, tuple[str, ...]] = field(default_factory=dict)
    parked: set[Address] = field(default_factory=set)

    def __post_init__(self) -> None:
        entries = self.ledger.entries
        self.parked = {address for address, entry in entries.items() if _is_parked(entry)}
        self.resources = {a: _as_it_is(entry) for a, entry in entries.items() if a not in self.parked}
        self.by_id = {(e.address.kind, e.remote_id): e for e in self.ledger.entries.values() if e.remote_id}

    def undo(self, deed: RecordedChange) -> None:
        """Revert one change, and note what cannot be restored."""
        entry = self._entry(deed)
        self.only |= {deed.address, entry.address if entry else deed.address}
        for effect in deed.kind.effects.get(deed.action, ()):
            if effect not in TAKEN_BACK and not (effect == TAGS_TAKEN and deed.tagged is not None):
                self._lose(deed.address, effect)
        if deed.action in (Action.DELETE, Action.FORGET) or (deed.action is Action.REPLACE and entry is None):
            self._make_again(deed)
        elif entry is None:
            self._lose(deed.address, STAYS)
        elif deed.action in MADE:
            self._remove(deed, entry)
        elif deed.action is Action.REPLACE:
            self._make_again(deed, entry)
        elif deed.action in _CHANGED:
            self._restore(deed, entry)

    def _entry(self, deed: RecordedChange) -> LedgerEntry | None:
        """The present ledger entry, possibly under another address.

        A parked resource is none if its replacement may exist: that one has the name, and this one is deleted.
        """
        found = self.ledger.entries.get(deed.address)
        ids = ((deed.address.kind, remote_id) for remote_id in sorted(deed.remote_ids))
        others = (self.by_id[each] for each in ids if each in self.by_id)
        is_sent = deed.address in self.ledger.intents
        return found or next((each for each in others if not (is_sent and each.address in self.parked)), None)

    def _lose(self, address: Address, what: str) -> None:
        if (lost := Unrestorable(address, what)) not in self.lost:
            self.lost.append(lost)

    def _remove(self, deed: RecordedChange, entry: LedgerEntry) -> None:
        if IRREVERSIBLE in deed.kind.effects.get(deed.action, ()) or deed.kind.delete is None:
            self._lose(deed.address, "cannot be reverted, and stays")
        elif entry.provenance is not Provenance.CREATED:
            self._lose(deed.address, "counts as adopted, not as created by reconciler, and stays")
        else:
            self.removed.add(entry.address)

    def _restore(self, deed: RecordedChange, entry: LedgerEntry) -> None:
        if IRREVERSIBLE in deed.kind.effects.get(deed.action, ()):
            self._lose(deed.address, "cannot be reverted, and stays")
            return
        if deed.before is None:
            self._lose(deed.address, "the values before the run are not known; it stays as it is")
            return
        for name in sorted(entry.digests):
            self._lose(deed.address, f"the {name} before the run, which is a secret; the current one stays")
        values = {
            name: old for name, (old, _) in deed.fields.items() if not _is_what_the_server_made(entry, name, old)
        }
        values = {
            name: old
            for name, old in values.items()
            if name not in entry.digests and not (old is None and self._is_let_go(deed.kind, entry, name))
        }
        if values and (unknown := self._unknown_secrets(deed.kind, entry)):
            self._lose(
                deed.address, f"cannot be changed without its {self._reason(entry.address, unknown)}; left out"
            )
        elif values:
            self._want(entry, {**entry.applied, **self._secrets(entry.address, entry.digests), **values})

    def _is_let_go(self, kind: Kind, entry: LedgerEntry, name: str) -> bool:
        """Whether it is a value of a contact field that is unmanaged, and possibly missing."""
        targets = kind.refers_to({name: None})
        return name not in entry.applied and any(target not in self.ledger.entries for target in targets)

    def _unknown_secrets(self, kind: Kind, entry: LedgerEntry) -> list[str]:
        """Secrets that every update must repeat and that are unknown."""
        repeats = wire_of(kind, self.dialect).repeats
        known = self._secrets(entry.address, entry.digests)
        return [name for name in repeats if name in entry.digests and name not in known]

    def _secrets(self, address: Address, digests: Mapping[str, str]) -> dict[str, Value]:
        """The secrets with these digests, as far as they are available."""
        at_hand = self.secrets.get(address, EMPTY)
        return {
            name: value
            for name, value in at_hand.items()
            if isinstance(value, Secret) and digests.get(name) == self.digest(name, value.value)
        }

    def _reason(self, address: Address, missing: Sequence[str]) -> str:
        """The missing secrets, and why."""
        changed = any(name in self.secrets.get(address, EMPTY) for name in missing)
        why = "is another one by now" if changed else "is not kept"
        return f"{', '.join(missing)}, which {why}"

    def _want(self, entry: LedgerEntry, attrs: Attrs) -> None:
        """Declare the attributes of a managed resource; another natural key gives it another address."""
        kind, address = KINDS[entry.address.kind], entry.address
        natural = address if address.key.startswith("@") else kind.address(attrs)
        self.resources[address] = _as_it_is(entry).replaced(attrs=attrs)
        if natural != address:
            self.renamed[address] = natural

    def _make_again(self, deed: RecordedChange, entry: LedgerEntry | None = None) -> None:
        known = {name: value for name, value in (deed.before or EMPTY).items() if value is not None}
        known |= self._secrets(deed.address, deed.digests)
        missing = sorted({*lacking(deed.kind, known), *(name for name in deed.digests if name not in known)})
        if deed.before is None or missing:
            reason = f"its {self._reason(deed.address, missing)}" if deed.before else "its values, which are not kept"
            self._lose(deed.address, f"cannot be created again without {reason}; left out")
            return
        if deed.kind.remote_id:
            self._lose(deed.address, "its id (it gets a new one)")
        if deed.provenance is Provenance.ADOPTED:
            self.adopted.add(deed.address)
        if deed.tagged:
            self.tagged[deed.address] = deed.tagged
        self.only |= self.parked & {deed.kind.by_remote_id(each) for each in deed.remote_ids}
        if entry is not None:
            self._want(entry, known)
        elif deed.address not in self.resources:
            self.resources[deed.address] = Desired(deed.address, known, deed.place)

    def keep_what_is_needed(self) -> None:
        """Keep resources that the run created and that other managed resources need."""
        for address in self.removed:
            self.resources.pop(address, None)
        for address, desired in self.resources.items():
            attrs = {n: v for n, v in desired.attrs.items() if v is not None or not self._goes(desired, n)}
            self.resources[address] = desired.replaced(attrs=attrs)
        while needed := next(self._needed(), None):
            address, by = needed
            self.removed.discard(address)
            self.resources[address] = _as_it_is(self.ledger.entries[address])
            run = self.ledger.entries[by].run if by in self.ledger.entries else 0
            self._lose(address, f"stays, because {by} needs it" + (f"; undo run {run} first" if run else ""))

    def _goes(self, desired: Desired, name: str) -> bool:
        """Whether a value to clear is lost anyway, because its contact field is deleted."""
        return any(target in self.removed for target in KINDS[desired.address.kind].refers_to({name: None}))

    def _needed(self) -> Iterator[tuple[Address, Address]]:
        for address, desired in self.resources.items():
            for target in KINDS[address.kind].refers_to(desired.attrs):
                if target in self.removed:
                    yield target, address

    def finish(self) -> UndoPlan:
        """Adjust references to restored names; a name that another resource has now is not restored."""
        self._keep_names_apart()
        state: dict[Address, Desired] = {}
        for address, desired in self.resources.items():
            moved = _renamed(desired, self.renamed)
            if address in self.only:
                self.only.add(moved.address)
            state[moved.address] = moved
        kinds = frozenset(address.kind for address in state)
        return UndoPlan(
            DesiredState(state, kinds),
            frozenset(self.only),
            tuple(each for each in self.lost if not self._goes_along(each)),
            frozenset(self.adopted),
            self.tagged,
        )

    def _goes_along(self, lost: Unrestorable) -> bool:
        """Whether an unmanaged assignment disappears with a resource that the undo deletes."""
        is_assignment = lost.what == STAYS and lost.address.kind in DERIVED
        return is_assignment and not self.removed.isdisjoint(ends_of(*lost.address))

    def _keep_names_apart(self) -> None:
        while True:
            ends = Counter(self.renamed.get(address, address) for address in self.resources)
            taken = next((old for old, new in self.renamed.items() if ends[new] > 1), None)
            if taken is None:
                return
            self._lose(taken, f"keeps its name, because another one is called {self.renamed.pop(taken)} by now")
            self.resources[taken] = _as_it_is(self.ledger.entries[taken])


def _is_what_the_server_made(entry: LedgerEntry, name: str, old: Value) -> bool:
    """Whether the previous value is the server's form of the value sent, so that nothing was overwritten."""
    return name in entry.answered and entry.answered[name] == old


def _is_parked(entry: LedgerEntry) -> bool:
    """Whether it was renamed to be replaced and is not deleted yet; a run without it in its state deletes it."""
    address = entry.address
    return address.key.startswith("#") and address == KINDS[address.kind].by_remote_id(entry.remote_id or "")


def _as_it_is(entry: LedgerEntry) -> Desired:
    origin = entry.origin or Origin(f"run {entry.run}", 0, 0)
    return Desired(entry.address, entry.applied, origin, entry.lifecycle, entry.former, part_of=entry.part_of)


def lacking(kind: Kind, known: Attrs) -> list[str]:
    """Fields that a create requires and whose values are unknown."""
    missing = [each.name for each in kind.fields if each.required and each.name not in known]
    for each in kind.fields:
        demanded = each.needs.get(str(known.get(each.name)))
        if demanded and demanded not in known:
            missing.append(demanded)
    return missing


def _renamed(desired: Desired, names: Mapping[Address, Address]) -> Desired:
    attrs = replace_refs(desired.attrs, names)
    part_of = names.get(desired.part_of, desired.part_of) if desired.part_of else None
    if new := names.get(desired.address):
        return desired.replaced(address=new, former=desired.address, part_of=part_of)
    if attrs is None:
        return desired.replaced(part_of=part_of)
    return desired.replaced(address=KINDS[desired.address.kind].address(attrs), attrs=attrs, part_of=part_of)


def grouped(lost: Iterable[Unrestorable]) -> dict[str, list[Address]]:
    """Grouped by what is lost."""
    groups: dict[str, list[Address]] = {}
    for each in lost:
        groups.setdefault(each.what, []).append(each.address)
    return groups


MADE = frozenset({Action.CREATE})


def written(past: PastOutcome) -> dict[str, tuple[Value, Value]]:
    """The fields that one outcome changed, as (before, after); None before a creation and after a deletion."""
    before, after = past.before or EMPTY, past.after or EMPTY
    kind = KINDS[past.address.kind]
    if past.action in MADE:
        return {name: (None, value) for name, value in after.items() if value is not None}
    if past.verb == Verb.DROP.value or past.after is None:
        return {name: (value, None) for name, value in before.items() if value is not None}
    changed = {name: (before.get(name), value) for name, value in after.items() if before.get(name) != value}
    released = {
        name: (value, kind.field(name).reset)
        for name, value in before.items()
        if name not in after and kind.field(name).reset not in (None, value)
    }
    return changed | released


@dataclass(frozen=True, slots=True)
class RecordedChange:
    """All steps of a run on one resource, up to three."""

    address: Address
    action: Action
    remote_ids: frozenset[str]
    before: Attrs | None
    fields: Mapping[str, tuple[Value, Value]]
    place: Origin
    digests: Mapping[str, str] = field(default_factory=lambda: EMPTY)
    provenance: Provenance | None = None
    tagged: tuple[str, ...] | None = None

    @property
    def kind(self) -> Kind:
        return KINDS[self.address.kind]


def recorded_changes(past: Sequence[PastOutcome]) -> Iterator[RecordedChange]:
    """The changes of a run, one per resource, without failed steps and steps that were not run."""
    by_address: dict[Address, list[tuple[int, PastOutcome]]] = {}
    for number, each in enumerate(past, 1):
        half = each.address.key.startswith("#") and each.action is Action.REPLACE
        if each.status in (Status.DONE, Status.PENDING) and not half:
            by_address.setdefault(each.address, []).append((number, each))
    for numbered in by_address.values():
        number, last = numbered[-1]
        place = Origin(f"run {last.run}, step {number}", 0, 0)
        yield _recorded(
            [row for _, row in numbered if not _is_loss(row)], [r for _, r in numbered if _is_loss(r)], place
        )


def _is_loss(past: PastOutcome) -> bool:
    """Whether the row holds values that were lost by the deletion of a contact field."""
    return past.action is Action.UPDATE and past.verb == Verb.DROP.value


def _recorded(steps: Sequence[PastOutcome], losses: Sequence[PastOutcome], place: Origin) -> RecordedChange:
    """The steps of one resource as one change; lost values are fields of it."""
    rows = steps or losses
    first, last = rows[0], rows[-1]
    lost = {name: change for each in losses for name, change in written(each).items()}
    before = {**(first.before or EMPTY), **{name: old for name, (old, _) in lost.items()}}
    return RecordedChange(
        first.address,
        last.action,
        frozenset(each.remote_id for each in rows if each.remote_id),
        first.before if first.before is None else before,
        {**(written(last._replace(before=first.before)) if steps else EMPTY), **lost},
        place,
        first.digests,
        first.provenance,
        last.tagged,
    )
