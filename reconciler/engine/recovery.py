"""What a killed run announced and nobody recorded → what is known of it now that the account was read again.

An intent whose verb is ``create`` says: this was not there, and a request to make it may have left. What shows under
its address is therefore taken to be made by us, whether the files still ask for it or not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from reconciler.engine.identify import Identified
from reconciler.kinds import KINDS
from reconciler.model.plan import Change, Step
from reconciler.model.resource import CREATING, Entry, Intent
from reconciler.model.values import Address

Intents = Mapping[Address, Intent]


def recovered(found: Identified, intents: Intents) -> dict[Address, Entry]:
    """Entries for what an unrecorded create made and the files no longer ask for: it is ours to remove."""
    made = {}
    for address, intent in intents.items():
        live = found.live.get(address)
        if live is None or intent.verb != CREATING or address in found.desired or address in found.entries:
            continue
        refers_to = KINDS[address.kind].refers_to(live.attrs)
        made[address] = Entry(address, live.remote_id, depends_on=refers_to, run=intent.run, managed_since=intent.run)
    return made


def announced(changes: Iterable[Change], intents: Intents) -> frozenset[Address]:
    """The changes whose resource an earlier run may have made without knowing; a rename since then is followed."""
    creating = {address for address, intent in intents.items() if intent.verb == CREATING}
    if not creating:
        return frozenset()
    return frozenset(change.address for change in changes if creating & {change.address, change.former})


def answered(
    changes: Iterable[Change], steps: Iterable[Step], intents: Intents, *, partial: bool
) -> Iterator[Address]:
    """The intents that this plan puts an end to: not those that a step will settle, nor those that it leaves out."""
    ahead = {step.address for step in steps}
    seen = {name for change in changes for name in (change.address, change.former, change.moved_from)}
    for address in intents:
        if address not in ahead and (address in seen or not partial):
            yield address
