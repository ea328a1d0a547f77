"""Finds the part of files and ledger that a plan with ``--target`` depends on; only that part is read.

kind                       what is kept
──────────────────────────────────────────────────────────────────────────────
of a target                the targets, and what they refer to, directly or not
tags, fields, webhooks     all of the kind, once one of it is kept: their names must be unique among all of them
contacts, relations        the kept ones alone
any other kind             nothing

Everything is kept where a pattern matches nothing before the account is read: it may match a name found there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import NamedTuple

from reconciler.kinds import KINDS
from reconciler.model.resource import DesiredState, Ledger, LedgerEntry, Resources
from reconciler.model.values import Address
from reconciler.planner.matched_state import Entries
from reconciler.planner.targeting import Patterns


class Part(NamedTuple):
    """The desired state and the ledger that a plan is made from."""

    state: DesiredState
    ledger: Ledger


def part_for(state: DesiredState, ledger: Ledger, targets: Iterable[str]) -> Part | None:
    """The part that these targets depend on; None where everything is needed."""
    targets = list(targets)
    patterns = Patterns(targets)
    known = dict.fromkeys([*state.resources, *ledger.entries])
    wanted = {address for address in known if patterns.match(address)}
    if patterns.unused():
        return None
    kinds = [target.partition("/")[0] for target in targets]
    wanted |= {each for each in known if _is_nameless(each) and any(fnmatchcase(each.kind, kind) for kind in kinds)}
    kept = _closed(wanted, state, ledger)
    small = {each.kind for each in kept if not (KINDS[each.kind].parents or KINDS[each.kind].person)}
    return _cut(state, ledger, kept, small)


def _is_nameless(address: Address) -> bool:
    """Whether its name is only known once the account was read: a course by id or path."""
    return any(part.startswith(("#", "?")) for part in address.key.split("/"))


def _closed(wanted: Iterable[Address], state: DesiredState, ledger: Ledger) -> set[Address]:
    """These, and all that they refer to, as declared or as recorded."""
    kept, waiting = set(wanted), list(wanted)
    while waiting:
        new = set(_needs(waiting.pop(), state, ledger)) - kept
        kept |= new
        waiting += new
    return kept


def _needs(address: Address, state: DesiredState, ledger: Ledger) -> Iterator[Address]:
    kind = KINDS[address.kind]
    if desired := state.resources.get(address):
        yield from kind.refers_to(desired.attrs)
        if desired.former:
            yield desired.former
    if address in ledger.entries:
        yield from kind.refers_to(ledger.entries[address].applied)


def _cut(state: DesiredState, ledger: Ledger, kept: set[Address], small: set[str]) -> Part:
    def is_kept(address: Address) -> bool:
        return address in kept or address.kind in small

    kinds = {each.kind for each in kept}
    authoritative = {key: line for key, line in state.authoritative.items() if key[0] in kinds and is_kept(key[1])}
    resources = Resources({a: state.resources[a] for a in state.resources if is_kept(a)})
    entries = Entries(Resources({a: ledger.entries[a] for a in ledger.entries if is_kept(a)}))
    intents = {a: intent for a, intent in ledger.intents.items() if is_kept(a)}
    return Part(
        replace(state, resources=resources, kinds=state.kinds & kinds, authoritative=authoritative),
        replace(ledger, entries=entries, intents=intents),
    )


def with_ids(part: Ledger, whole: Ledger, kind: str, ids: Iterable[str]) -> Ledger:
    """The part of the ledger, with what is recorded under ids that were read: an address may have changed hands."""
    known = Entries.of(whole.entries).keys_by_id(kind)
    found = {Address(kind, known[each]) for each in ids if each in known}
    more: Mapping[Address, LedgerEntry] = {each: whole.entries[each] for each in found if each not in part.entries}
    return replace(part, entries=Entries(Resources({**part.entries, **more}))) if more else part
