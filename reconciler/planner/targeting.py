"""Selects the changes of a partial plan (``--target``, ``--exclude``)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from fnmatch import translate

from reconciler.errors import ConfigurationError, Problem
from reconciler.model.did_you_mean import near
from reconciler.model.plan import Action, Change
from reconciler.model.resource import EMPTY
from reconciler.model.values import Address
from reconciler.planner.order import names_taken

#: Number of patterns without a match for which a similar address is suggested.
SUGGESTED = 10


def select(
    changes: Sequence[Change], targets: Iterable[str], excludes: Iterable[str], places: Mapping[str, str] = EMPTY
) -> tuple[Change, ...]:
    """Patterns are addresses with ``*`` and ``?``, unique names, or kinds; ``places`` maps them to positions.

    A target includes what it needs and what frees its name, with a note, and never deletes; an exclusion includes
    what needs it or its name. Raises ConfigurationError with all patterns that match nothing.
    """
    known = {str(change.address): change.address for change in changes}
    wanted, unwanted = Patterns(_in_full(targets, known)), Patterns(_in_full(excludes, known))
    named = {change.address: (wanted.match(change.address), unwanted.match(change.address)) for change in changes}
    unused = [*wanted.unused(), *unwanted.unused()]
    if unused:
        raise ConfigurationError(_unmatched(unused, list(known), places))
    taken_from = names_taken(changes)
    chosen = [change for change in changes if not wanted or named[change.address][0]]
    if wanted:
        by_address = {change.address: change for change in changes}
        needed = _with_needs(chosen, by_address, taken_from)
        chosen = [change for change in needed if change.action is not Action.DELETE]
    out = _with_dependants({address for address, (_, left_out) in named.items() if left_out}, changes, taken_from)
    return tuple(change for change in chosen if change.address not in out)


def abbreviated(text: str, known: Iterable[Address]) -> Address | None:
    """The resource that ``text`` names without its kind or without escapes; None if there is none.

    Raises ConfigurationError with the candidates if there are several.
    """
    found = sorted({each for each in known if text in (each.shown, each.shown.partition("/")[2])})
    if len(found) > 1:
        raise ConfigurationError(f"{text} may be any of {', '.join(map(str, found))}; write one of these addresses")
    return found[0] if found else None


def _in_full(patterns: Iterable[str], known: Mapping[str, Address]) -> Iterator[str]:
    """The patterns; those that abbreviate an address as that address."""
    kinds = {address.kind for address in known.values()}
    for pattern in patterns:
        is_complete = pattern in known or pattern in kinds or any(sign in pattern for sign in "*?[")
        address = None if is_complete else abbreviated(pattern, known.values())
        yield str(address) if address else pattern


class Patterns:
    """Compiled patterns: addresses and kinds by name, the others as one expression each."""

    def __init__(self, patterns: Iterable[str]) -> None:
        self._hits = dict.fromkeys(patterns, False)
        globs = [pattern for pattern in self._hits if any(sign in pattern for sign in "*?[")]
        self._globs = [(pattern, re.compile(translate(pattern))) for pattern in globs]

    def __bool__(self) -> bool:
        return bool(self._hits)

    def match(self, address: Address) -> bool:
        """Whether any pattern matches the address; records all that do."""
        text = str(address)
        found = [pattern for pattern in (text, address.kind) if pattern in self._hits]
        found += [pattern for pattern, expression in self._globs if expression.match(text)]
        for pattern in found:
            self._hits[pattern] = True
        return bool(found)

    def unused(self) -> list[str]:
        """The patterns without a match."""
        return [pattern for pattern, hit in self._hits.items() if not hit]


def _unmatched(patterns: Sequence[str], known: Sequence[str], places: Mapping[str, str]) -> list[Problem]:
    problems = []
    for index, pattern in enumerate(patterns):
        hint = near(pattern, known) if index < SUGGESTED else ""
        what = f"{pattern} matches no resource"
        problems.append(Problem(places.get(pattern, ""), what, f"did you mean {hint}?" if hint else ""))
    return problems


def _with_needs(
    chosen: Iterable[Change], by_address: Mapping[Address, Change], taken_from: Mapping[Address, Address]
) -> list[Change]:
    """The selected changes and those that they need, which get a note."""
    found = {change.address: change for change in chosen}
    waiting = list(found.values())
    while waiting:
        change = waiting.pop()
        for each in (*change.depends_on, taken_from.get(change.address, change.address)):
            if each in by_address and each not in found:
                found[each] = _along(by_address[each], change.address)
                waiting.append(found[each])
    return [found[address] for address in sorted(found)]


def _along(change: Change, needed_by: Address) -> Change:
    return replace(change, note="; ".join(filter(None, (change.note, f"comes along: needed by {needed_by}"))))


def _with_dependants(
    out: set[Address], changes: Sequence[Change], taken_from: Mapping[Address, Address]
) -> set[Address]:
    """The excluded changes, and those that depend on their creations or take the names that they free."""
    created = {each.address for each in changes if each.action is Action.CREATE}
    while more := {
        each.address
        for each in changes
        if each.address not in out
        and (taken_from.get(each.address) in out or not out.isdisjoint(created.intersection(each.depends_on)))
    }:
        out |= more
    return out
