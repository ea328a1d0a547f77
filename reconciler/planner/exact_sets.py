"""Authoritative lists: live relations that are not in them, and targets whose names are unknown."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from reconciler.kinds import KINDS
from reconciler.model.resource import DesiredState, Live
from reconciler.model.values import Address, Origin, Ref, unescape
from reconciler.planner.matched_state import MatchedState


class EnclosingSet(NamedTuple):
    """The set that a relation stands in without being named: whose it is, and the line that says so."""

    owner: Address
    origin: Origin


class ExactSets:
    """The sets of one state; several blocks for one course are one set."""

    def __init__(self, state: DesiredState, found: MatchedState) -> None:
        aliases = found.aliases
        self._lines = {(kind, aliases.get(owner, owner)): line for (kind, owner), line in state.exact.items()}
        self._kinds = {kind for kind, _ in self._lines}
        self._desired = found.desired

    def around(self, live: Live) -> EnclosingSet | None:
        """The set that has no place for this one; None for what is declared, if only once and live twice."""
        if live.address.kind not in self._kinds:
            return None
        kind = KINDS[live.address.kind]
        owner = live.attrs.get(kind.claimed_by)
        if not isinstance(owner, Ref):
            return None
        line = self._lines.get((kind.name, owner.target))
        if line is None or kind.address(live.attrs) in self._desired:
            return None
        return EnclosingSet(owner.target, line)


def nameless(state: DesiredState, found: MatchedState, swept: Collection[str] = ()) -> dict[str, set[str]]:
    """Remote ids, by kind, of those who are one too many and of whom no more than the id was read.

    ``swept`` are the kinds of which all are one too many that the files do not name.
    """
    if not state.exact and not swept:
        return {}
    sets, ids = ExactSets(state, found), dict[str, set[str]]()
    for live in found.live.kept.values():
        if (live.address.kind in swept and live.address not in found.desired) or sets.around(live):
            for target in KINDS[live.address.kind].refers_to(live.attrs):
                if target.key.startswith("#") and target not in found.live:
                    ids.setdefault(target.kind, set()).add(unescape(target.key[1:]))
    return ids
