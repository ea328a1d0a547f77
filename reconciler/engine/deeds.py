"""Outcomes of a run, step by step → what it did to each resource, and which fields it changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from reconciler.kinds import KINDS
from reconciler.kinds.base import Kind
from reconciler.model.plan import Action, Verb
from reconciler.model.report import Past, Status
from reconciler.model.resource import EMPTY
from reconciler.model.values import Address, Attrs, Origin, Value

MADE = frozenset({Action.CREATE})


def written(past: Past) -> dict[str, tuple[Value, Value]]:
    """The fields that one outcome changed: (before, after); what was made has no before, what went no after."""
    before, after = past.before or EMPTY, past.after or EMPTY
    kind = KINDS[past.address.kind]
    if past.action in MADE:
        return {name: (None, value) for name, value in after.items() if value is not None}
    if past.verb == Verb.DROP.value or past.after is None:
        return {name: (value, None) for name, value in before.items() if value is not None}
    changed = {name: (before.get(name), value) for name, value in after.items() if before.get(name) != value}
    released = {
        name: (value, kind.field(name).reset)
        for name, value in before.items()
        if name not in after and kind.field(name).reset not in (None, value)
    }
    return changed | released


@dataclass(frozen=True, slots=True)
class Deed:
    """All that a run did to one resource, which takes up to three steps."""

    address: Address
    action: Action
    remote_ids: frozenset[str]
    before: Attrs | None
    fields: Mapping[str, tuple[Value, Value]]
    place: Origin

    @property
    def kind(self) -> Kind:
        return KINDS[self.address.kind]


def deeds(past: Sequence[Past]) -> Iterator[Deed]:
    """One for each resource, of what was done; what failed or was not run is none."""
    by_address: dict[Address, list[Past]] = {}
    for each in past:
        half = each.address.key.startswith("#") and each.action is Action.REPLACE
        if each.status in (Status.DONE, Status.PENDING) and not half:
            by_address.setdefault(each.address, []).append(each)
    for address, rows in by_address.items():
        first, last = rows[0], rows[-1]
        whole = last._replace(before=first.before)
        yield Deed(
            address, last.action, frozenset(each.remote_id for each in rows if each.remote_id),
            first.before, written(whole), Origin(f"run {last.run}", last.seq, 1),
        )  # fmt: skip
