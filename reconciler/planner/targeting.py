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

#: Number of patterns without a match for which a similar address is suggested.
SUGGESTED = 10


def select(
    changes: Sequence[Change], targets: Iterable[str], excludes: Iterable[str], places: Mapping[str, str] = EMPTY
) -> tuple[Change, ...]:
    """Patterns are addresses with ``*`` and ``?``, unique names, or kinds; ``places`` maps them to positions.

    A target includes what it needs, with a note, and never deletes; an exclusion includes what needs it. Raises
    ConfigurationError with all patterns that match nothing.
    """
    known = {str(change.address): change.address for change in changes}
    wanted, unwanted = Patterns(_in_full(targets, known)), Patterns(_in_full(excludes, known))
    named = {change.address: (wanted.match(change.address), unwanted.match(change.address)) for change in changes}
    unused = [*wanted.unused(), *unwanted.unused()]
    if unused:
        raise ConfigurationError(_unmatched(unused, list(known), places))
    chosen = [change for change in changes if not wanted or named[change.address][0]]
    if wanted:
        by_address = {change.address: change for change in changes}
        chosen = [change for change in _with_needs(chosen, by_address) if change.action is not Action.DELETE]
    out = _with_dependants({address for address, (_, left_out) in named.items() if left_out}, changes)
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


def _with_needs(chosen: Iterable[Change], by_address: dict[Address, Change]) -> list[Change]:
    """The selected changes and those that they need, which get a note."""
    found = {change.address: change for change in chosen}
    waiting = list(found.values())
    while waiting:
        change = waiting.pop()
        for each in change.depends_on:
            if each in by_address and each not in found:
                found[each] = _along(by_address[each], change.address)
                waiting.append(found[each])
    return [found[address] for address in sorted(found)]


def _along(change: Change, needed_by: Address) -> Change:
    return replace(change, note="; ".join(filter(None, (change.note, f"comes along: needed by {needed_by}"))))


def _with_dependants(out: set[Address], changes: Sequence[Change]) -> set[Address]:
    """The excluded changes and the creations that depend on them."""
    missing = {c.address for c in changes if c.address in out and c.action is Action.CREATE}
    while more := {c.address for c in changes if c.address not in out and missing.intersection(c.depends_on)}:
        out |= more
        missing |= more
    return out
