"""The plan view that text, Markdown and HTML render: groups by kind, blocks of equal changes, totals and approvals.

A person's relations (tags, courses, communities) are rows of that person; relations of people who are not in the plan
are listed under their own kind. Equal changes are one block:

changes                                                          one block
────────────────────────────────────────────────────────────────────────────────────────────
of people, with the same fields and relations                    from MANY on, values may differ
with the same fields, values, relations, reasons and effects     from two on
with only a name (tags to create)                                from MANY on
adopted without a change, unchanged                              counted; listed in detail only
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

from reconciler.kinds import KINDS
from reconciler.kinds.effects import ACCESS_GIVEN, TAGS_TAKEN, VALUES_LOST
from reconciler.model.plan import Action, Cause, Change, Changes, FieldChange, is_effective, without_unchanged
from reconciler.model.values import Address, Origin
from reconciler.output import change_text, wording
from reconciler.output.change_text import FieldRow
from reconciler.output.plan_sheet import BLOCKED, RENAME, SIGNS, UNCHANGED, PlanSheet, notes
from reconciler.planner.impact import is_rename

#: Number of changes from which people with different values share a block.
MANY = 5
#: Number of named members of a block; more if there are only names to show.
NAMED, NAMED_ALONE = 3, 20


class Member(NamedTuple):
    """One resource of a block, with the relations shown inside it."""

    change: Change
    relations: tuple[Change, ...] = ()


class ViewRow(NamedTuple):
    """One field or relation of a block: name, value, and cause or effect."""

    path: str
    shown: str
    note: str = ""


class Block(NamedTuple):
    """One change, or several equal ones. ``sign`` is a key of SIGNS, ``names`` are those of the first members.

    ``word`` is ``adopt`` for adopted resources, ``where`` the position in the files; ``remarks`` are sentences.
    """

    sign: str
    members: tuple[Member, ...]
    title: str
    word: str
    where: str
    remarks: tuple[str, ...]
    effects: tuple[str, ...]
    rows: tuple[ViewRow, ...]
    names: tuple[str, ...] = ()

    @property
    def unnamed(self) -> int:
        """Number of members that are not named."""
        return len(self.members) - len(self.names) if self.names else 0


class Group(NamedTuple):
    """The blocks of one kind; ``counts`` are its changes by key of SIGNS, without relations shown inside people."""

    kind: str
    counts: Mapping[str, int]
    blocks: tuple[Block, ...]

    def words(self, *, done: bool = False) -> str:
        """``1 to create, 2 to adopt``; of what is done ``1 created, 2 adopted``."""
        return ", ".join(f"{number:,} {_counted(sign, done)}" for sign, number in self.counts.items())


def _counted(sign: str, done: bool) -> str:
    return SIGNS[sign].done if done or sign in (BLOCKED, UNCHANGED) else f"to {SIGNS[sign].verb}"


@dataclass(frozen=True)
class PlanView:
    """The content of a plan for text, Markdown and HTML. ``signs`` are those that occur, ``notes`` concern unchanged
    resources."""

    sheet: PlanSheet
    groups: tuple[Group, ...]
    signs: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def title(self) -> str:
        """``Plan for quickstart, connection default``."""
        return f"Plan for {self.sheet.heading}"

    @property
    def is_empty(self) -> bool:
        """Whether the plan has neither changes nor blocked ones."""
        return not (self.groups or self.sheet.plan.effective)


def view_of(sheet: PlanSheet, *, grouped: bool = True, adopted: bool = False) -> PlanView:
    """The view of a plan.

    ``grouped`` False: each change is a block of its own, also what is unchanged. ``adopted`` lists also what is
    adopted without a change.
    """
    changes, others = _listed(sheet.plan.changes, grouped=grouped, adopted=adopted)
    relations = _relations(changes)
    inside = {each.address for group in relations.values() for each in group}
    counts = {kind: Counter({Action.ADOPT.value: number}) for kind, number in others.items()}
    found: dict[str, list[Member]] = {}
    for change in changes:
        sign = sign_of(change)
        if change.address in inside or (sign == UNCHANGED and grouped):
            continue
        counts.setdefault(change.address.kind, Counter())[sign] += 1
        member = Member(change, tuple(relations.get(change.address, ())))
        if not grouped or _is_listed(change) or (adopted and not _is_implied(change)) or member.relations:
            found.setdefault(change.address.kind, []).append(member)
    groups = tuple(
        Group(
            kind, {sign: number[sign] for sign in SIGNS if number[sign]}, tuple(_blocks(found.get(kind, ()), grouped))
        )
        for kind, number in sorted(counts.items())
    )
    shown = {sign for group in groups for block in group.blocks for sign in _signs(block)} - {UNCHANGED}
    remarks = tuple(notes(sheet.plan)) if grouped else ()
    return PlanView(sheet, groups, tuple(sign for sign in SIGNS if sign in shown), remarks)


def _listed(changes: Sequence[Change], *, grouped: bool, adopted: bool) -> tuple[Sequence[Change], Mapping[str, int]]:
    """The changes to list, and by kind the number of adoptions without changes, which are only counted."""
    if not grouped or adopted or not isinstance(changes, Changes):
        return tuple(without_unchanged(changes) if grouped else changes), {}
    related = (_person(each.address) for each in changes.own if KINDS[each.address.kind].parents and _is_listed(each))
    people = map(changes.agreed.find, {person for person in related if person})
    along = [each for each in people if each and each.action is Action.ADOPT]
    counts = Counter(
        {kind: number for (kind, action), number in changes.agreed.counts.items() if action is Action.ADOPT}
    )
    counts.subtract(each.address.kind for each in along)
    return sorted((*changes.own, *along), key=lambda each: each.address), {k: n for k, n in counts.items() if n}


def _signs(block: Block) -> Iterator[str]:
    yield Action.UPDATE.value if block.sign == RENAME else block.sign
    yield from {sign_of(relation) for member in block.members for relation in member.relations}


def sign_of(change: Change) -> str:
    """The key of SIGNS. An adopted resource whose values are written counts as updated."""
    if change.blocked:
        return BLOCKED
    if not is_effective(change):
        return UNCHANGED
    if is_rename(change):
        return RENAME
    if change.action is Action.ADOPT and change.fields:
        return Action.UPDATE.value
    return change.action.value


def _is_listed(change: Change) -> bool:
    """Whether a change is listed, not only counted."""
    if change.blocked or not is_effective(change):
        return bool(change.blocked)
    if KINDS[change.address.kind].parents and _is_implied(change):
        return False
    return change.action is not Action.ADOPT or bool(change.fields or change.note)


def _is_implied(change: Change) -> bool:
    """Whether a relation only follows its renamed parent, or is deleted with its parent."""
    return change.action is Action.NO_CHANGE or change.cause is Cause.GONE_WITH


def _relations(changes: Iterable[Change]) -> dict[Address, list[Change]]:
    """The relations to show inside a person, by the person."""
    people, related = set(), []
    for change in changes:
        kind = KINDS[change.address.kind]
        if kind.person and (change.blocked or change.action is not Action.NO_CHANGE):
            people.add(change.address)
        elif kind.parents and _is_listed(change):
            related.append(change)
    found: dict[Address, list[Change]] = {}
    for change in related:
        person = _person(change.address)
        if person in people:
            found.setdefault(person, []).append(change)
    return found


@cache
def _person_part(kind: str) -> tuple[int, str] | None:
    """Which part of a relation's key is the person, and of which kind."""
    for number, name in enumerate(KINDS[kind].key):
        ref = KINDS[kind].field(name).ref
        if ref and KINDS[ref].person:
            return number, ref
    return None


def _person(address: Address) -> Address | None:
    found = _person_part(address.kind)
    return Address(found[1], address.key.split("/")[found[0]]) if found else None


def _others(address: Address) -> tuple[str, ...]:
    """The other parts of a relation's key: the tag of a tagging."""
    found, parts = _person_part(address.kind), address.key.split("/")
    return tuple(part for number, part in enumerate(parts) if not found or number != found[0])


# blocks


def _blocks(members: Iterable[Member], grouped: bool) -> Iterator[Block]:
    """Combine equal members into blocks, at the position of the first one."""
    if not grouped:
        yield from (_single(member) for member in members)
        return
    alike: dict[Any, list[Member]] = {}
    for member in members:
        alike.setdefault(_group_key(member), []).append(member)
    blocks = [block for bucket in alike.values() for block in _blocks_of_similar(bucket)]
    yield from sorted(blocks, key=lambda block: block.members[0].change.address)


def _blocks_of_similar(bucket: Sequence[Member]) -> Iterator[Block]:
    if len(bucket) >= MANY and KINDS[bucket[0].change.address.kind].person:
        yield _several(bucket)
        return
    equal: dict[Any, list[Member]] = {}
    for member in bucket:
        values = tuple((each.before, each.after) for each in member.change.fields)
        equal.setdefault(values, []).append(member)
    for same in equal.values():
        if len(same) >= (2 if _has_more(same[0]) else MANY):
            yield _several(same)
        else:
            yield from map(_single, same)


def _has_more(member: Member) -> bool:
    """Whether a change has more to show than its name."""
    change = member.change
    return bool(change_text.fields_of(change) or member.relations or change.note or change.effects or change.blocked)


def _group_key(member: Member) -> Any:
    """The key by which changes are combined into one block; without the values of fields."""
    change = member.change
    kind = KINDS[change.address.kind]
    fields = tuple((each.path, each.cause, each.sensitive, each.note) for each in change.fields)
    own = _others(change.address) if kind.parents else change.address if is_rename(change) else ()
    relations = tuple(map(_relation_key, member.relations))
    return (
        sign_of(change),
        change.action,
        tuple(change_text.sentences(change)),
        change.effects,
        fields,
        own,
        relations,
    )


def _relation_key(change: Change) -> Any:
    fields = tuple((each.path, each.before, each.after, each.cause) for each in change.fields)
    return change.address.kind, _others(change.address), change.action, change.blocked, change.note, fields


def _single(member: Member) -> Block:
    change = member.change
    rows = [ViewRow(*row) for row in change_text.rows(change)]
    relations = [row for each in member.relations for row in _relation_rows(each)]
    return _block((member,), change_text.title(change), place([change]), [*rows, *relations])


def _several(members: Sequence[Member]) -> Block:
    first, number = members[0], len(members)
    kind = KINDS[first.change.address.kind]
    rows = [*_common_rows(members), *(row for each in first.relations for row in _relation_rows(each))]
    if kind.parents:
        rows = [*(ViewRow(*row) for row in _other_ends(first.change.address)), *rows]
    title = f"{number:,} {wording.plural(kind.name)}" + (", each with the same changes" if rows else "")
    named = NAMED if rows and number > MANY else NAMED_ALONE
    names = tuple(_name(member.change.address) for member in members[:named])
    return _block(tuple(members), title, place([each.change for each in members]), rows, names)


def _block(
    members: tuple[Member, ...], title: str, where: str, rows: Sequence[ViewRow], names: tuple[str, ...] = ()
) -> Block:
    change = members[0].change
    adopted = change.action is Action.ADOPT and not change.blocked
    shown_below = {effect for each in members[0].relations for effect in each.effects}
    effects = () if set(change.effects) <= shown_below else change.effects
    if change.loss:  # the remarks have the number
        effects = tuple(each for each in effects if each not in (TAGS_TAKEN, VALUES_LOST))
    return Block(
        sign_of(change),
        members,
        title,
        SIGNS[Action.ADOPT.value].verb if adopted else "",
        where,
        tuple(change_text.sentences(change)),
        effects,
        tuple(rows),
        names,
    )


def _other_ends(address: Address) -> Iterator[tuple[str, str]]:
    """The other ends of a relation: ``course``, ``Bootcamp Spring``."""
    found = _person_part(address.kind)
    names = [name for number, name in enumerate(KINDS[address.kind].key) if not found or number != found[0]]
    for name, part in zip(names, _others(address), strict=False):
        yield name, wording.printable(wording.unescaped(part))


def _name(address: Address) -> str:
    person = _person(address) if KINDS[address.kind].parents else None
    return wording.printable(wording.unescaped((person or address).key))


def _common_rows(members: Sequence[Member]) -> Iterator[ViewRow]:
    """A row for each field with one value; fields whose values differ are named together, by cause."""
    differing: dict[str, list[str]] = {}
    first = members[0].change
    for index, each in enumerate(first.fields):
        values = {(m.change.fields[index].before, m.change.fields[index].after) for m in members}
        if len(values) == 1:
            if each in change_text.fields_of(first):
                yield from (ViewRow(*row) for row in change_text.field_rows(each, first.attrs))
        else:
            differing.setdefault(change_text.cause_of(each), []).append(wording.printable(each.path))
    files = {member.change.origin.file for member in members if member.change.origin}
    source = "from the file" if first.action is Action.CREATE and len(files) == 1 else "different values"
    for cause, paths in differing.items():
        yield ViewRow(", ".join(paths), source, cause)


def relation_row(change: Change) -> ViewRow:
    """``tags  + Newsletter  starts automations``; values that a relation is created with follow its name."""
    label, sign = _label(change.address.kind), SIGNS[sign_of(change)].symbol
    name = wording.printable(wording.unescaped("/".join(_others(change.address))))
    values = ", ".join(map(_plain, _new_values(change)))
    effects = (each for each in change.effects if each != ACCESS_GIVEN)
    notes = "; ".join([*change_text.sentences(change), *effects])
    return ViewRow(label, f"{sign} {name}" + (f", {values}" if values else ""), notes)


def _relation_rows(change: Change) -> Iterator[ViewRow]:
    yield relation_row(change)
    new = _new_values(change)
    for each in change.fields:
        if each not in new and change.action is not Action.FORGET:
            for row in change_text.field_rows(each, change.attrs):
                yield ViewRow(f"  {row.path}", row.shown, row.cause)


def _new_values(change: Change) -> list[FieldChange]:
    return [each for each in change.fields if each.cause is Cause.NEW and change.action is Action.CREATE]


def _plain(change: FieldChange) -> str:
    """A value as text: ``full access``."""
    if isinstance(change.after, str):
        return wording.printable(change.after.replace("_", " "))
    shown = next(change_text.field_rows(change), FieldRow("", "", "")).shown
    return f"{change.path.replace('_', ' ')} {shown}"


@cache
def _label(kind: str) -> str:
    """``tags`` for taggings, ``courses`` for enrollments: the label inside a person."""
    refs = [each.ref for each in KINDS[kind].parents if each.ref and not KINDS[each.ref].person]
    return wording.plural(refs[0] if refs else kind)


def place(changes: Sequence[Change]) -> str:
    """``site.yaml:4``, ``students.csv:2–31``, ``a.yaml and 2 more files``; empty for removed blocks."""
    origins = [each.origin for each in changes if each.origin and change_text.is_of_files(each)]
    files = dict.fromkeys(origin.file for origin in origins)
    if not files:
        return ""
    first = next(iter(files))
    if len(files) > 1:
        return f"{wording.printable(first)} and {wording.count(len(files) - 1, 'more file')}"
    return wording.printable(first + _lines(origins))


def _lines(origins: Sequence[Origin]) -> str:
    low, high = min(each.line for each in origins), max(each.line for each in origins)
    return "" if not low else f":{low}" if low == high else f":{low}–{high}"
