"""Detects a deletion and a creation that look like a rename, and suggests the line of YAML for it.

They stop an apply until the line is added or the deletion is approved: a rename keeps the id, all assignments and all
values, while a deletion loses them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Set
from dataclasses import dataclass
from difflib import SequenceMatcher

from reconciler.kinds import KINDS
from reconciler.kinds.base import Kind
from reconciler.model.plan import Action, Change, differing
from reconciler.model.resource import Desired
from reconciler.model.values import Address, Attrs, Origin, unescape
from reconciler.planner.impact import bearers_of, least, live_relations, values_lost, values_of
from reconciler.planner.matched_state import MatchedState

#: Similarity (0 to 1) from which a pair counts as a rename.
ALIKE = 0.7
#: Maximum number of deletions and creations to compare; more of them exceed the limits anyway.
MAX_COMPARED = 200


@dataclass(frozen=True, slots=True)
class RenameSuggestion:
    """``old`` was probably renamed to ``new``; ``advice`` is the line to write."""

    old: Address
    new: Address
    origin: Origin | None
    advice: str

    def __str__(self) -> str:
        where = f"{self.origin}: " if self.origin else ""
        return f"{where}{self.old} would be deleted and {self.new} created. {self.advice}"


def suggest_renames(
    changes: Iterable[Change], found: MatchedState, incomplete: Set[str] = frozenset()
) -> tuple[RenameSuggestion, ...]:
    """Suggestions for similar pairs, most similar first, then in the order of the changes; each address occurs once.

    ``incomplete`` are the kinds that were not read completely.
    """
    open_changes = [c for c in differing(changes) if not c.blocked and _can_be_renamed(KINDS[c.address.kind])]
    gone = [c for c in open_changes if c.action is Action.DELETE][:MAX_COMPARED]
    come = [c for c in open_changes if c.action is Action.CREATE][:MAX_COMPARED]
    pairs = [(old, new) for old in gone for new in come if old.address.kind == new.address.kind]
    if not pairs:
        return ()
    had = bearers_of(live_relations(found), {old.address for old, _ in pairs})
    get = bearers_of(_named(found.desired.values()), {new.address for _, new in pairs})
    alike = [
        (_likeness(old, new, had.get(old.address, set()), get.get(new.address, set())), old, new)
        for old, new in pairs
    ]
    made: list[RenameSuggestion] = []
    paired: set[Address] = set()
    for likeness, old, new in sorted(alike, key=lambda pair: -pair[0]):
        if likeness >= ALIKE and not paired & {old.address, new.address}:
            paired |= {old.address, new.address}
            made.append(RenameSuggestion(old.address, new.address, new.origin, _advice(old, new, found, incomplete)))
    return tuple(made)


def _named(some: Iterable[Desired]) -> Iterable[tuple[str, Attrs]]:
    return ((each.address.kind, each.attrs) for each in some)


def _can_be_renamed(kind: Kind) -> bool:
    """Kinds with a name, or with a label besides their id."""
    return not (kind.parents or kind.person)


def _likeness(old: Change, new: Change, had: set[Address], get: set[Address]) -> float:
    """The highest of: similarity of names, equal other fields, the same related contacts."""
    kind = KINDS[old.address.kind]
    others = [name for name in new.attrs if name not in kind.key and not kind.field(name).write_only]
    same = [old.before.get(name) == new.attrs[name] for name in others]
    fields = sum(same) / len(same) if same else 0.0
    shared = len(had & get) / max(1, len(had | get))
    alike = max(fields, shared)
    return alike if alike >= ALIKE else max(alike, _ratio(unescape(old.address.key), unescape(new.address.key)))


def _ratio(one: str, other: str) -> float:
    """Similarity of two names; names that differ only in numbers are not similar."""
    if re.sub(r"\d+", "", one) == re.sub(r"\d+", "", other):
        return 0.0
    return SequenceMatcher(None, one.casefold(), other.casefold()).ratio()


def _advice(old: Change, new: Change, found: MatchedState, incomplete: Set[str]) -> str:
    kind = KINDS[old.address.kind]
    name = unescape(old.address.key)
    if kind.renameable:
        return f"If this is a rename, add `renamed_from: {name}`"
    lost = values_of(old.address, found)
    label = next((value for key, value in new.attrs.items() if key not in kind.key), "")
    return f"A {kind.key[0]} cannot change: keep `{kind.key[0]}: {name}` and change only the label to {label}" + (
        f", or {least(old.address, incomplete)}{values_lost(lost)}" if lost else ""
    )
