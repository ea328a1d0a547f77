"""Reports unresolved references: one problem for each place that names a resource which does not exist."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.errors import Problem
from reconciler.kinds import KINDS
from reconciler.kinds.email import is_valid, refusal
from reconciler.model.did_you_mean import near
from reconciler.model.resource import Desired, DesiredState
from reconciler.model.values import Address, Origin, Ref, lookalike, unescape
from reconciler.planner.matched_state import MatchedState

#: Unresolved references that are reported; the rest is counted, as a CSV file may have thousands of one cause.
MAX_REPORTED = 20


def dangling(state: DesiredState, found: MatchedState) -> Iterator[Problem]:
    """One problem for each unresolved reference, at most MAX_REPORTED, and the number of all.

    A name that a block gives to all rows of a CSV file, or to all items of a list, is reported once, at its place.
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


def _unresolved(found: MatchedState) -> Iterator[tuple[Desired, Address]]:
    """Pairs of a desired resource and a target that is neither desired nor live.

    The ends of agreed relations were found in the account; names in map fields are few, so each is checked once.
    """
    known: set[Address] = set()
    for kind in KINDS.values():
        agreed = found.agreed(kind.name) if kind.parents else {}
        for key, desired in found.desired.of(kind.name).items():
            for target in kind.refers_to(desired.attrs) if key not in agreed else ():
                if target in known:
                    continue
                if target in found.desired or target in found.live:
                    known.add(target)
                else:
                    yield desired, target


def sets_of_nobody(state: DesiredState, found: MatchedState) -> Iterator[Problem]:
    """Authoritative lists of resources that do not exist, unless an entry of the list reports this already."""
    lost = {}
    for (kind, owner), origin in state.exact.items():
        there = found.aliases.get(owner, owner)
        if there not in found.live and there not in found.desired:
            lost[kind, owner] = there, origin
    if not lost:
        return
    named = {value.target for each in found.desired.values() for value in each.attrs.values() if type(value) is Ref}
    for (kind, owner), (there, origin) in lost.items():
        if there not in named:
            yield _explain_dangling(f"authoritative {kind}s: ", origin, owner, found)


def _explain_dangling(who: str, origin: Origin, target: Address, found: MatchedState) -> Problem:
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
