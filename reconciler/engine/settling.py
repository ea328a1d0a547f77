"""The state of one account → the same in another: under the names of its ledger, without what leads nowhere there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from reconciler.engine.cloning import Left
from reconciler.engine.identify import replace_refs
from reconciler.kinds import KINDS
from reconciler.model.resource import Desired, DesiredState, Ledger
from reconciler.model.values import Address, Attrs, Ref, unescape


def settled_in(state: DesiredState, ledger: Ledger) -> DesiredState:
    """The state under the addresses by which the target's ledger knows things, and with what it manages of them.

    What a clone does not speak of stays managed as it was: it is no file that stopped to say it.
    """
    whole = {address: e for address, e in ledger.entries.items() if KINDS[address.kind].key[0] in e.applied}
    known = {KINDS[a.kind].address(entry.applied): a for a, entry in whole.items() if not KINDS[a.kind].parents}
    settled = {}
    for desired in state.resources.values():
        kind = KINDS[desired.address.kind]
        attrs: Attrs = replace_refs(desired.attrs, known) or desired.attrs
        address = kind.address(attrs) if kind.parents else known.get(desired.address, desired.address)
        each = replace(desired, address=address, attrs=attrs)
        if entry := ledger.entries.get(address):
            each = replace(
                each, attrs={**entry.applied, **attrs}, lifecycle=entry.lifecycle, former=entry.former,
                part_of=entry.part_of,
            )  # fmt: skip
        settled[address] = each
    return replace(state, resources=settled)


def referred(state: DesiredState) -> frozenset[Address]:
    """Everything that the state refers to and does not hold."""
    resources = state.resources
    targets = (t for each in resources.values() for t in KINDS[each.address.kind].refers_to(each.attrs))
    return frozenset(target for target in targets if target not in resources)


def without(state: DesiredState, lost: Mapping[Address, str]) -> tuple[DesiredState, tuple[Left, ...]]:
    """The state without what refers to one of ``lost``, which maps an address to why; a map loses its entry only."""
    kept: dict[Address, Desired] = {}
    left: list[Left] = []
    for desired in state.resources.values():
        kind = KINDS[desired.address.kind]
        whole = [v.target for v in desired.attrs.values() if isinstance(v, Ref) and v.target in lost]
        if whole:
            left.append(Left(kind.name, _name(whole[0]), lost[whole[0]]))
            continue
        loose = {name: t for name in desired.attrs for t in kind.refers_to({name: None}) if t in lost}
        left += [Left(kind.name, name, lost[target]) for name, target in loose.items()]
        attrs = {name: value for name, value in desired.attrs.items() if name not in loose}
        kept[desired.address] = replace(desired, attrs=attrs) if loose else desired
    return replace(state, resources=kept), tuple(left)


def _name(address: Address) -> str:
    return unescape(address.key.rpartition("/")[2])
