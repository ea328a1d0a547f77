"""All changes and the user's choice of addresses → the changes of a partial plan."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from reconciler.engine.suggest import near
from reconciler.errors import ConfigurationError
from reconciler.model.plan import Action, Change
from reconciler.model.values import Address


def select(changes: Sequence[Change], targets: Iterable[str], excludes: Iterable[str]) -> tuple[Change, ...]:
    """Patterns are addresses with ``*`` and ``?``, or a kind alone.

    A target brings along what it needs and never deletes; an excluded one takes along what needs it. Raises
    ConfigurationError for a pattern that matches nothing.
    """
    targets, excludes = tuple(targets), tuple(excludes)
    by_address = {change.address: change for change in changes}
    for pattern in (*targets, *excludes):
        if not any(_matches(address, pattern) for address in by_address):
            hint = near(pattern, map(str, by_address))
            raise ConfigurationError(f"{pattern} matches no resource" + (f"; did you mean {hint}?" if hint else ""))
    chosen = [change for change in changes if not targets or _is_any(change.address, targets)]
    if targets:
        chosen = [change for change in _with_needs(chosen, by_address) if change.action is not Action.DELETE]
    out = _with_dependants({c.address for c in changes if _is_any(c.address, excludes)}, changes)
    return tuple(change for change in chosen if change.address not in out)


def _is_any(address: Address, patterns: Iterable[str]) -> bool:
    return any(_matches(address, pattern) for pattern in patterns)


def _matches(address: Address, pattern: str) -> bool:
    return address.kind == pattern or fnmatchcase(str(address), pattern) or str(address) == pattern


def _with_needs(chosen: Iterable[Change], by_address: dict[Address, Change]) -> list[Change]:
    found: dict[Address, Change] = {}
    waiting = list(chosen)
    while waiting:
        change = waiting.pop()
        if change.address not in found:
            found[change.address] = change
            waiting += [by_address[each] for each in change.depends_on if each in by_address]
    return [found[address] for address in sorted(found)]


def _with_dependants(out: set[Address], changes: Sequence[Change]) -> set[Address]:
    """A resource whose parent is left out and does not exist yet cannot be made either."""
    missing = {c.address for c in changes if c.address in out and c.action is Action.CREATE}
    while more := {c.address for c in changes if c.address not in out and missing.intersection(c.depends_on)}:
        out |= more
        missing |= more
    return out
