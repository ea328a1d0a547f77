"""What a killed run announced and nobody recorded → what is known of it now that the account was read again.

An intent whose verb is ``create`` says: this was not there, and a request to make it may have left. An object under
its address that shows the values that were sent counts as created by us, whether the files still ask for it or not.
One that shows others was not made by that request: it belongs to somebody else.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from reconciler.engine.identify import Identified
from reconciler.kinds import KINDS
from reconciler.model.plan import Action, Change, Step
from reconciler.model.resource import EMPTY, Entry, Intent
from reconciler.model.values import Address

Intents = Mapping[Address, Intent]


def recovered(found: Identified, intents: Intents) -> dict[Address, Entry]:
    """Entries for what an unrecorded create made and the files no longer ask for: it is ours to remove."""
    made = {}
    for address, intent in intents.items():
        live = found.live.get(address)
        if live is None or not intent.made(live.attrs) or address in found.desired or address in found.entries:
            continue
        refers_to = KINDS[address.kind].refers_to(live.attrs)
        made[address] = Entry(address, live.remote_id, depends_on=refers_to, run=intent.run, managed_since=intent.run)
    return made


def announced(changes: Iterable[Change], intents: Intents) -> frozenset[Address]:
    """The changes whose resource an earlier run may have made without knowing; a rename since then is followed."""
    return frozenset(change.address for change in changes if _is_made(change, intents)) if intents else frozenset()


def _is_made(change: Change, intents: Intents) -> bool:
    """Of what the account does not show, the intent is all that is known."""
    found = [intents[name] for name in (change.address, change.former) if name and name in intents]
    return any(intent.made(EMPTY if change.action is Action.CREATE else change.before) for intent in found)


def answered(changes: Iterable[Change], steps: Iterable[Step], intents: Intents, *, whole: bool) -> Iterator[Address]:
    """The intents that a plan resolves: not those that a step will, nor those that it blocks or leaves out.

    ``whole``: nothing was left out, so an intent without a change has left no trace in the account.
    """
    stays_open = {step.address for step in steps} | {change.address for change in changes if change.withheld}
    seen = {name for change in changes for name in (change.address, change.former, change.moved_from)}
    for address in intents:
        if address not in stays_open and (address in seen or whole):
            yield address
