"""Address changes: the entries that get a new address when a managed resource is renamed."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.errors import ConfigurationError
from reconciler.kinds import KINDS
from reconciler.model.did_you_mean import near
from reconciler.model.resource import LedgerEntry
from reconciler.model.values import Address, replace_refs


def moves_of(
    entries: Mapping[Address, LedgerEntry], old: Address, new: Address
) -> tuple[tuple[Address, Address], ...]:
    """(old, new) address of the resource and of every relation that has it in its key.

    Raises ConfigurationError if the move is impossible.
    """
    if old not in entries:
        hint = near(str(old), map(str, entries))
        raise ConfigurationError(f"the ledger has no {old}" + (f"; did you mean {hint}?" if hint else ""))
    _check(entries, old, new)
    moves = [(old, new)]
    for address, entry in sorted(entries.items()):
        kind = KINDS[address.kind]
        keys = {field.name: entry.applied[field.name] for field in kind.parents if field.name in entry.applied}
        if replace_refs(keys, {old: new}) is not None:
            attrs = replace_refs(entry.applied, {old: new}) or entry.applied
            moves.append((address, kind.address(attrs)))
    taken = {target for _, target in moves} & (entries.keys() - {source for source, _ in moves})
    if taken:
        raise ConfigurationError(f"{min(taken)} is already in the ledger; move or forget it first")
    return tuple(moves)


def _check(entries: Mapping[Address, LedgerEntry], old: Address, new: Address) -> None:
    kind = KINDS[old.kind]
    if new.kind != old.kind:
        raise ConfigurationError(f"{old} is a {old.kind} and cannot become {new}")
    if kind.parents:
        ends = " or ".join(f"the {field.name}" for field in kind.parents)
        raise ConfigurationError(f"{old} goes by what it connects; move {ends} instead, and it follows")
    if "/" in new.key:
        key = new.key.replace("/", "%2F")
        raise ConfigurationError(f"{new} has a slash in its name; write it as {new.kind}/{key}")
    if new == old:
        raise ConfigurationError(f"{old} goes by that address already")
