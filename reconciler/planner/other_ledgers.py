"""Blocks changes of resources that another ledger of the same account manages."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import replace

from reconciler.kinds import KINDS
from reconciler.model.plan import Action, Cause, Change
from reconciler.model.resource import OtherLedgers
from reconciler.model.values import Address

NO_OTHERS = OtherLedgers()
_TAKEOVERS = frozenset({Action.ADOPT, Action.DELETE})


def block_takeovers(
    changes: Sequence[Change], others: OtherLedgers, own: Container[Address], *, allowed: bool
) -> Sequence[Change]:
    """The changes; adoptions and deletions of what other ledgers manage are blocked, unless ``allowed``."""
    if not others:
        return changes
    return tuple(_blocked(each, others, own, allowed) for each in changes)


def _blocked(change: Change, others: OtherLedgers, own: Container[Address], allowed: bool) -> Change:
    if change.action not in _TAKEOVERS or change.address in own or not KINDS[change.address.kind].writable:
        return change
    manager = others.manager(change.address, change.remote_id)
    if manager is None:
        return change
    why = f"managed by {manager}"
    if allowed:
        return replace(change, cause=Cause.TAKEOVER, note="; ".join(filter(None, (change.note, why))))
    return replace(change, blocked=f"{why}; --allow takeover=N takes it over")
