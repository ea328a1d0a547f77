"""Files, ledger and raw items of the account → the three sides under one set of addresses.

Names become known from the roots (tags, contacts, courses …) to the relations between them. What the files call
``{id: 12}`` or ``{path: launch}`` becomes the address that was found, and a ledger entry whose parent has a new
name moves along.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from reconciler.errors import ConfigurationError, Problem
from reconciler.kinds import KINDS, SLUGS
from reconciler.kinds.base import Item, Kind, PerParent
from reconciler.kinds.dialect import Dialect
from reconciler.kinds.email import is_valid, refusal
from reconciler.model.did_you_mean import near
from reconciler.model.resource import EMPTY, Desired, DesiredState, Ids, Ledger, LedgerEntry, Live
from reconciler.model.values import Address, Attrs, Origin, Ref, Secret, Value, lookalike, unescape
from reconciler.planner.kept import Entries
from reconciler.planner.names import TARGETS, LiveItems, Row, name_live
from reconciler.planner.picks import pick
from reconciler.planner.quiet import UnchangedRelations
from reconciler.planner.settled import RelationEnds, settled_blocks, unsettled
from reconciler.planner.ties import TIES, OfKind, RelationKind, by_kind, singles

T = TypeVar("T")
#: Unresolved references that are reported; the rest is counted, as a CSV file may have thousands of one cause.
MAX_REPORTED = 20
Items = Mapping[str, Iterable[Item]]

ROOTS = tuple(kind for kind in KINDS.values() if not kind.parents)
#: Kinds with fields that can be read and may be given as secrets, and those fields.
_MAY_BE_SECRET = {
    kind.name: names for kind in KINDS.values() if (names := [each.name for each in kind.fields if each.from_env])
}
#: Relations after what they refer to: modules before the enrollments that name them.
RELATIONS = tuple(sorted((k for k in KINDS.values() if k.parents), key=lambda k: (k.writable, k.name)))


@dataclass
class Identified:
    """The three sides. ``aliases`` maps other names of a live one to its address, ``moved`` new to old ones.

    ``slugs`` are those of the account's contact fields, where they were read. ``settled`` has the relations about
    which nothing is to be decided; they are in none of the three sides. ``remarks`` are for the reader. ``secrets``
    are the secret values that the account shows.
    """

    desired: Mapping[Address, Desired]
    entries: MutableMapping[Address, LedgerEntry]
    live: dict[Address, Live] = field(default_factory=dict)
    moved: dict[Address, Address] = field(default_factory=dict)
    aliases: dict[Address, Address] = field(default_factory=dict)
    ambiguous: dict[Address, list[str]] = field(default_factory=dict)
    slugs: frozenset[str] = frozenset()
    settled: dict[str, dict[Address, UnchangedRelations]] = field(default_factory=dict)
    remarks: dict[Address, str] = field(default_factory=dict)
    secrets: dict[Address, Attrs] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    @property
    def ids(self) -> Mapping[Address, str]:
        """The remote id of every live one."""
        return Ids(self.live)


def identify(
    state: DesiredState,
    ledger: Ledger,
    items: Items,
    dialect: Dialect,
    *,
    trusting: bool = False,
    settling: bool = False,
) -> Identified:
    """``items`` holds, by kind, the items of each collection that was read.

    ``trusting``: nothing was read, so references are taken to lead somewhere. ``settling``: relations that are as
    they should be are set apart. Raises ConfigurationError with every ambiguous name and every reference that leads
    nowhere.
    """
    identifier = _Identifier(state, ledger, items, dialect, settling=settling)
    for kind in ROOTS:
        identifier.name_roots(kind)
    for kind in RELATIONS:
        identifier.name_relations(kind)
    found = identifier.found
    if trusting:
        found.problems.clear()
    else:
        found.problems += _dangling(state, found)
        found.problems += _sets_of_nobody(state, found)
    if found.problems:
        raise ConfigurationError(found.problems)
    return found


class _Identifier:
    def __init__(
        self, state: DesiredState, ledger: Ledger, items: Items, dialect: Dialect, *, settling: bool
    ) -> None:
        self.state, self.ledger, self.settling = state, ledger, settling
        apart = singles if settling else dict
        found = self.found = Identified(apart(state.resources), Entries(apart(ledger.entries)))
        self.changed: dict[Address, Desired] = {}
        self.rows = LiveItems(items, dialect)
        self.found.slugs = frozenset(item[SLUGS.remote_id] for item in items.get(SLUGS.name, ()))
        self.desired_by_kind = by_kind(found.desired)
        self.entries_by_kind = by_kind(found.entries)

    def desired(self) -> dict[Address, Desired]:
        """The desired side, to be changed: from then on it is a copy of what the files say."""
        if self.found.desired is not self.changed:
            self.found.desired = self.changed = dict(self.found.desired)
        return self.changed

    def entries_of(self, kind: Kind) -> list[LedgerEntry]:
        """Those of one kind, by the addresses that they have in the ledger."""
        return [self.found.entries[address] for address in self.entries_by_kind.get(kind.name, ())]

    def name_roots(self, kind: Kind) -> None:
        rows = list(self.rows.of(kind))
        desired = OfKind(self.found.desired, self.desired_by_kind.pop(kind.name, []))
        entries = OfKind(self.found.entries, self.entries_by_kind.pop(kind.name, []))
        names = name_live(kind, desired, entries, rows)
        for new, old in names.moved.items():
            self.found.moved[new] = old
        _move(self.found.entries, names.moved)
        self.found.ambiguous |= names.ambiguous
        self.found.problems += names.problems
        self.found.remarks |= names.remarks
        del desired, entries
        self._keep(kind, zip(rows, names.addresses, strict=True))

    def name_relations(self, kind: Kind) -> None:
        if self.settling and kind.name in TIES:
            self._settle(TIES[kind.name])
        self._follow_aliases(kind)
        self._follow_moves(kind)
        if isinstance(kind.source, PerParent):
            self._pick(kind)
            return
        rows = self.rows.of(kind, self.found.settled.get(kind.name, EMPTY))
        self._keep(kind, ((row, self._free_address(kind, row)) for row in rows))

    def _free_address(self, kind: Kind, row: Row) -> Address:
        """The natural address of a relation; a second one of the same name goes by its id."""
        address = kind.address(row[1])
        return kind.by_remote_id(row[0]) if address in self.found.live else address

    def _pick(self, kind: Kind) -> None:
        """A kind that is read in the second phase, when it is known whose are to be read."""
        if kind.name not in self.rows:
            return
        found, rows = self.found, list(self.rows.of(kind))
        desired = [each for each in found.desired.values() if each.address.kind == kind.name]
        entries = {address: found.entries[address] for address in found.entries if address.kind == kind.name}
        picked = pick(kind, desired, entries, rows, found.live)
        found.moved |= picked.moved
        _move(found.entries, picked.moved)
        found.remarks |= picked.remarks
        found.problems += picked.problems
        self._keep(kind, zip(picked.rows, picked.addresses, strict=True))

    def _keep(self, kind: Kind, named: Iterable[tuple[Row, Address]]) -> None:
        """One after another: of most only a little stays."""
        live, called, targets = self.found.live, self.rows.named[kind.name], kind.name in TARGETS
        for (remote_id, attrs, item), address in named:
            if not kind.section:
                self._note_aliases(kind, remote_id, attrs, item, address)
            if kind.name in _MAY_BE_SECRET:
                attrs = self._with_secrets(kind, address, attrs)
            if want := self.found.desired.get(address):  # the very objects that the files have
                address, attrs = want.address, want.attrs if want.attrs == attrs else attrs
            live[address] = Live(address, remote_id, attrs)
            if targets:
                called[remote_id] = address

    def _with_secrets(self, kind: Kind, address: Address, attrs: Attrs) -> Attrs:
        """Live attributes; a readable value that the files or the ledger keep secret is a :class:`Secret` here too.

        This is the one place that decides it: everything that is shown, compared or saved comes after it.
        """
        want, entry = self.found.desired.get(address), self.found.entries.get(address)
        secrets: dict[str, Value] = {}
        for name in _MAY_BE_SECRET[kind.name]:
            given, value = want.attrs.get(name) if want else None, attrs.get(name)
            if isinstance(value, str) and isinstance(given, Secret):
                secrets[name] = Secret(given.source, value)
            elif isinstance(value, str) and entry and name in entry.digests:
                secrets[name] = Secret("the account", value)
        if not secrets:
            return attrs
        self.found.secrets[address] = secrets
        return {**attrs, **secrets}

    def _note_aliases(self, kind: Kind, remote_id: str, attrs: Attrs, item: Item, address: Address) -> None:
        """A read-only one may be meant by id or path; its natural name stays with the only one that has it."""
        keys = [kind.by_remote_id(remote_id).key]
        keys += [kind.by_property(name, item[name]).key for name in kind.alternates if item.get(name)]
        for prefix in self._spellings(kind, attrs):
            self.found.aliases |= {Address(kind.name, prefix + key): address for key in keys}
            if kind.parents and not address.key.startswith("#"):
                own = address.key.rpartition("/")[2]
                self.found.aliases.setdefault(Address(kind.name, prefix + own), address)

    def _spellings(self, kind: Kind, attrs: Attrs) -> list[str]:
        """Every way to write the parent's part of the key, with its slash."""
        if not kind.parents:
            return [""]
        parent = attrs[kind.parents[0].name]
        assert isinstance(parent, Ref)
        others = [alias.key for alias, address in self.found.aliases.items() if address == parent.target]
        return [f"{key}/" for key in (parent.target.key, *others)]

    def _settle(self, tie: RelationKind) -> None:
        """What agrees on all sides becomes rows apart, and everything else joins the three sides."""
        found, owner = self.found, tie.kind_of(tie.owner)
        found.settled[tie.name] = settled_blocks(
            tie,
            self.state,
            self.ledger,
            self.rows.shown(owner),
            self.rows.named[owner],
            self.rows.refer,
            RelationEnds(found.desired, found.entries, found.moved),
        )
        for each in unsettled(self.state.resources, tie, found.settled[tie.name]):
            self.desired()[each.address] = each
            self.desired_by_kind.setdefault(tie.name, []).append(each.address)
        for entry in unsettled(self.ledger.entries, tie, found.settled[tie.name]):
            found.entries[entry.address] = entry
            self.entries_by_kind.setdefault(tie.name, []).append(entry.address)

    def _follow_aliases(self, kind: Kind) -> None:
        """Desired relations get the addresses of what they refer to by id or path."""
        aliases = self.found.aliases
        for each in self.desired_by_kind.get(kind.name, ()) if aliases else ():
            desired = self.found.desired[each]
            attrs = replace_refs(desired.attrs, aliases)
            if attrs is None:
                continue
            del self.desired()[desired.address]
            address = kind.address(attrs)
            if address in self.found.desired:
                first = self.found.desired[address].origin
                self.found.problems.append(
                    Problem(str(desired.origin), f"{address} is declared twice; first at {first}")
                )
            self.desired()[address] = replace(desired, address=address, attrs=attrs)

    def _follow_moves(self, kind: Kind) -> None:
        """Entries of relations move with the parents that go by a new name."""
        parents = {old: new for new, old in self.found.moved.items() if old.kind != kind.name}
        moved = {}
        for entry in self.entries_of(kind) if parents else ():
            attrs = replace_refs(entry.applied, parents)
            if attrs is None:
                continue
            moved[kind.address(attrs)] = entry.address
            part_of = parents.get(entry.part_of, entry.part_of) if entry.part_of else None
            self.found.entries[entry.address] = replace(
                entry, applied=attrs, part_of=part_of, depends_on=kind.refers_to(attrs)
            )
        self.found.moved |= moved
        _move(self.found.entries, moved)


def _move(entries: MutableMapping[Address, LedgerEntry], moved: Mapping[Address, Address]) -> None:
    """Entries to their new addresses, all at once: two may swap theirs."""
    taken_out = {new: entries.pop(old) for new, old in moved.items()}
    entries.update({new: replace(entry, address=new) for new, entry in taken_out.items()})


def replace_refs(attrs: Attrs, addresses: Mapping[Address, Address]) -> dict[str, Value] | None:
    """The attributes with references renamed, or None where nothing changes."""
    changed: dict[str, Value] = {}
    for name, value in attrs.items():
        if isinstance(value, Ref) and value.target in addresses:
            changed[name] = Ref(addresses[value.target])
        elif isinstance(value, frozenset) and any(isinstance(e, Ref) and e.target in addresses for e in value):
            changed[name] = frozenset(
                Ref(addresses.get(each.target, each.target)) if isinstance(each, Ref) else each for each in value
            )
    return {**attrs, **changed} if changed else None


def _dangling(state: DesiredState, found: Identified) -> Iterator[Problem]:
    """One problem per place that names something neither desired nor live; the first ones, and their number.

    A name that a block gives to all rows of a CSV file, or to all items of a list, is wrong once, at its place.
    """
    lost = 0
    rows: dict[tuple[Address, str], set[tuple[int, int]]] = {}
    for desired, target in _unresolved(found):
        shared = target, desired.origin.file
        if shared in state.csv_references:
            rows.setdefault(shared, set()).add((desired.origin.line, desired.origin.column))
            continue
        lost += 1
        if lost <= MAX_REPORTED:
            yield _explain_dangling(f"{desired.address}: ", desired.origin, target, found)
    for (target, file), lines in rows.items():
        for place in state.csv_references[target, file]:
            affected = _affected(len(lines), "" if place.file == file else file)
            problem = _explain_dangling("", place, target, found)
            separator = " " if problem.hint.endswith("?") else "; "
            yield problem._replace(hint=f"{problem.hint}{separator}{affected} affected")
    if lost > MAX_REPORTED:
        yield Problem("", f"{lost:,} unresolved references; showing {MAX_REPORTED}")


def _affected(count: int, csv_file: str) -> str:
    one = f"row of {csv_file}" if csv_file else "item of its list"
    return f"1 {one} is" if count == 1 else f"{count:,} {one.replace(' ', 's ', 1)} are"


def _unresolved(found: Identified) -> Iterator[tuple[Desired, Address]]:
    """Each desired resource with each of its targets that is neither desired nor live."""
    known: set[Address] = set()
    for desired in found.desired.values():
        for target in KINDS[desired.address.kind].refers_to(desired.attrs):
            if target in known:
                continue
            if target in found.desired or target in found.live:
                known.add(target)
            else:
                yield desired, target


def _sets_of_nobody(state: DesiredState, found: Identified) -> Iterator[Problem]:
    """Exact sets of what is not there; where anybody is declared in it, that is said already."""
    if not state.exact:
        return
    named = {
        value.target for each in found.desired.values() for value in each.attrs.values() if isinstance(value, Ref)
    }
    for (kind, owner), origin in state.exact.items():
        there = found.aliases.get(owner, owner)
        if not (there in found.live or there in found.desired or there in named):
            yield _explain_dangling(f"authoritative {kind}s: ", origin, owner, found)


def _explain_dangling(who: str, origin: Origin, target: Address, found: Identified) -> Problem:
    """The problem of one unresolved target; ``who`` is the prefix that names the resource."""
    name = unescape(target.key.rpartition("/")[2])
    word = target.kind.replace("_", " ")
    if ids := found.ambiguous.get(target):
        what = f'{who}{word} "{name}" is ambiguous: ids {", ".join(ids)}'
        return Problem(str(origin), what, f"use the id, e.g. {{id: {ids[0]}}}")
    kind = KINDS[target.kind]
    if kind.field(kind.key[-1]).is_email and not is_valid(name):
        what, hint = refusal(name, lambda text: f'"{_visible(text)}"')
        return Problem(str(origin), f"{who}{what}", hint)
    siblings = [each.key for each in (*found.live, *found.desired) if each.kind == target.kind]
    prefix = target.key.rpartition("/")[0]
    names = [unescape(key.rpartition("/")[2]) for key in siblings if key.rpartition("/")[0] == prefix]
    alike = [each for each in names if lookalike(each) == lookalike(name)]
    if len(alike) == 1:
        hint = f'write "{alike[0]}", which differs only in case or Unicode form'
        return Problem(str(origin), f'{who}no {word} named "{name}"', hint)
    what = f'{who}no {word} named "{name}"{"" if kind.section else " in this account"}'
    if suggested := near(name, names):
        return Problem(str(origin), what, f"did you mean {'one of ' if ', ' in suggested else ''}{suggested}?")
    if kind.section:
        return Problem(str(origin), what, "correct the name, or declare it")
    return Problem(str(origin), f"{what} (it has {len(names) or 'none'})", "create it in Systeme.io first")


def _visible(text: str) -> str:
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)
