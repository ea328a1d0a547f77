"""Reports unresolved references: one problem for each place that names a resource which does not exist."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from reconciler.errors import Problem
from reconciler.kinds import KINDS
from reconciler.kinds.email import is_valid, refusal
from reconciler.kinds.field import FieldShape
from reconciler.model.did_you_mean import near
from reconciler.model.resource import Desired, DesiredState
from reconciler.model.values import Address, Origin, Ref, lookalike, unescape
from reconciler.planner.matched_state import MatchedState

#: Problems that get a suggestion; finding one takes long, and many problems have one cause.
MAX_SUGGESTED = 50
#: Similarity of e-mail addresses, which often share their domain, from which one is suggested for the other.
SIMILAR_ADDRESS = 0.9
#: Kinds with fields whose values refer to other resources.
_REFERRING = frozenset(
    kind.name for kind in KINDS.values() if any(f.shape in (FieldShape.REF, FieldShape.REFS) for f in kind.fields)
)
#: Missing people of a CSV file that one problem names.
MAX_NAMED = 3


class _Lost(NamedTuple):
    """Unresolved references with one cause: where to correct it, and what is affected.

    ``row_names``: the names are cells of the CSV file ``file``; otherwise all of them refer to one target.
    """

    place: Origin
    file: str
    target: Address
    row_names: bool = False


def dangling(state: DesiredState, found: MatchedState) -> list[Problem]:
    """One problem for each wrong line of YAML, with the number of rows or references that it affects.

    A name that a block gives to all rows of a CSV file, or to all items of a list, is reported at its place. Names in
    a CSV file are reported at the block that reads it.
    """
    lost: dict[_Lost, list[tuple[Address, Desired]]] = {}
    for desired, target in _unresolved(found):
        for cause in _causes(state, found, desired, target):
            lost.setdefault(cause, []).append((target, desired))
    problems = []
    for number, cause in enumerate(sorted(lost)):
        if cause.row_names:
            problems.append(_missing_people(cause, lost[cause]))
            continue
        users = [desired for _, desired in lost[cause]]
        problems.append(_one_name(cause, users, found, suggest=number < MAX_SUGGESTED))
    return problems


def _causes(state: DesiredState, found: MatchedState, desired: Desired, target: Address) -> Iterator[_Lost]:
    """The lines of YAML that have to be corrected; several blocks may read one CSV file."""
    file = desired.origin.file
    if places := state.csv_references.get((target, file)):
        yield from (_Lost(place, file, target) for place in places)
    elif target not in found.ambiguous and (places := state.csv_blocks.get((desired.kind, file))):
        nobody = Address(target.kind, "")
        yield from (_Lost(place, file, nobody, row_names=True) for place in places)
    else:
        yield _Lost(desired.origin, file, target)


def _missing_people(cause: _Lost, rows: Sequence[tuple[Address, Desired]]) -> Problem:
    lines = {target: desired.origin.line for target, desired in rows}
    word = cause.target.kind.replace("_", " ")
    names = [f"{_visible(unescape(target.key))} (line {line})" for target, line in list(lines.items())[:MAX_NAMED]]
    more = f" and {len(lines) - MAX_NAMED:,} more" if len(lines) > MAX_NAMED else ""
    missing = f"neither declared nor in this account: {', '.join(names)}{more}"
    if len(lines) == 1:
        return Problem(
            str(cause.place), f"1 {word} of {cause.file} is {missing}", f"declare the {word}, or remove the row"
        )
    what = f"{len(lines):,} {word}s of {cause.file} are {missing}"
    return Problem(str(cause.place), what, f"declare the {word}s, or remove the rows")


def _one_name(cause: _Lost, users: Sequence[Desired], found: MatchedState, *, suggest: bool) -> Problem:
    rows = {desired.origin for desired in users}
    if rows == {cause.place} and len(users) == 1:
        return _explain_dangling(f"{users[0].address}: ", cause.place, cause.target, found, suggest=suggest)
    problem = _explain_dangling("", cause.place, cause.target, found, suggest=suggest)
    if rows == {cause.place}:
        affected = f"{len(users):,} references are"
    else:
        affected = _affected(len(rows), "" if cause.place.file == cause.file else cause.file)
    separator = " " if problem.hint.endswith("?") else "; "
    return problem._replace(hint=f"{problem.hint}{separator}{affected} affected")


def _affected(count: int, csv_file: str) -> str:
    one = f"row of {csv_file}" if csv_file else "item of its list"
    return f"1 {one} is" if count == 1 else f"{count:,} {one.replace(' ', 's ', 1)} are"


def _unresolved(found: MatchedState) -> Iterator[tuple[Desired, Address]]:
    """Pairs of a desired resource and a target that is neither desired nor live.

    The ends of agreed relations were found in the account. Kinds without references name others in map fields only:
    these names are few, so each is looked up once.
    """
    known: set[Address] = set()
    for kind in KINDS.values():
        agreed, desired_of_kind = found.agreed(kind.name) if kind.parents else {}, found.desired.of(kind.name)
        names: set[str] = set()
        for key, desired in desired_of_kind.items() if len(agreed) < len(desired_of_kind) else ():
            if key in agreed or names.issuperset(desired.attrs):
                continue
            missing = []
            for target in kind.refers_to(desired.attrs):
                if target in known:
                    continue
                if target in found.desired or target in found.live:
                    known.add(target)
                else:
                    missing.append(target)
            if not (missing or kind.name in _REFERRING):
                names.update(desired.attrs)
            yield from ((desired, target) for target in missing if not _is_inside(target, missing))


def _is_inside(target: Address, missing: Iterable[Address]) -> bool:
    """Whether a target belongs to another missing one, such as a module to its course."""
    return any(target.kind != owner.kind and target.key.startswith(f"{owner.key}/") for owner in missing)


def sets_of_nobody(state: DesiredState, found: MatchedState) -> Iterator[Problem]:
    """Authoritative lists of resources that do not exist, unless an entry of the list reports this already."""
    lost = {}
    for (kind, owner), origin in state.authoritative.items():
        there = found.aliases.get(owner, owner)
        if there not in found.live and there not in found.desired:
            lost[kind, owner] = there, origin
    if not lost:
        return
    named = {value.target for each in found.desired.values() for value in each.attrs.values() if type(value) is Ref}
    for (kind, owner), (there, origin) in lost.items():
        if there not in named:
            yield _explain_dangling(f"authoritative {kind}s: ", origin, owner, found)


def _explain_dangling(
    who: str, origin: Origin, target: Address, found: MatchedState, *, suggest: bool = True
) -> Problem:
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
    if not suggest:
        return Problem(str(origin), f'{who}no {word} named "{name}"', "correct the name")
    siblings = [each.key for each in (*found.live, *found.desired) if each.kind == target.kind]
    prefix = target.key.rpartition("/")[0]
    names = [unescape(key.rpartition("/")[2]) for key in siblings if key.rpartition("/")[0] == prefix]
    alike = [each for each in names if lookalike(each) == lookalike(name)]
    if len(alike) == 1:
        hint = f'write "{alike[0]}", which differs only in case or Unicode form'
        return Problem(str(origin), f'{who}no {word} named "{name}"', hint)
    what = f'{who}no {word} named "{name}"{"" if kind.section else " in this account"}'
    suggested = near(name, names, few=0, cutoff=SIMILAR_ADDRESS) if kind.person else near(name, names)
    if suggested:
        return Problem(str(origin), what, f"did you mean {'one of ' if ', ' in suggested else ''}{suggested}?")
    if kind.section:
        return Problem(str(origin), what, "correct the name, or declare it")
    return Problem(str(origin), f"{what} (it has {len(names) or 'none'})", "create it in Systeme.io first")


def _visible(text: str) -> str:
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in text)
