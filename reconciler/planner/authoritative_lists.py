"""Finds live relations that an authoritative list does not have, and those of their targets that were not read."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from reconciler.kinds import KINDS
from reconciler.model.resource import DesiredState, Live
from reconciler.model.values import Address, Origin, Ref, unescape
from reconciler.planner.matched_state import MatchedState


class ExcludingList(NamedTuple):
    """An authoritative list that does not have a relation: the resource whose relations it lists, its position."""

    owner: Address
    origin: Origin


class AuthoritativeLists:
    """The authoritative lists of a desired state; several blocks for one course are one list."""

    def __init__(self, state: DesiredState, found: MatchedState) -> None:
        aliases = found.aliases
        self._lines = {(kind, aliases.get(owner, owner)): line for (kind, owner), line in state.authoritative.items()}
        self._kinds = {kind for kind, _ in self._lines}
        self._desired = found.desired

    def excluding(self, live: Live) -> ExcludingList | None:
        """The list that does not have this relation; None if it is declared, also if the account has it twice."""
        if live.address.kind not in self._kinds:
            return None
        kind = KINDS[live.address.kind]
        owner = live.attrs.get(kind.authoritative_end)
        if not isinstance(owner, Ref):
            return None
        line = self._lines.get((kind.name, owner.target))
        if line is None or kind.address(live.attrs) in self._desired:
            return None
        return ExcludingList(owner.target, line)


def unnamed_targets(state: DesiredState, found: MatchedState, swept: Collection[str] = ()) -> dict[str, set[str]]:
    """Remote ids, by kind, of the targets of relations to delete of which only the id was read.

    ``swept``: the kinds of which all undeclared resources are deleted.
    """
    if not state.authoritative and not swept:
        return {}
    lists, ids = AuthoritativeLists(state, found), dict[str, set[str]]()
    for live in found.live.kept.values():
        if live.address.kind in swept or lists.excluding(live):
            for target in KINDS[live.address.kind].refers_to(live.attrs):
                if target.key.startswith("#") and target not in found.live:
                    ids.setdefault(target.kind, set()).add(unescape(target.key[1:]))
    return ids
