"""Values that the tests of the engine are made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.config.compile import compile_state
from reconciler.kinds.dialect import Dialect
from reconciler.model.plan import Change
from reconciler.model.policy import Policy
from reconciler.model.resource import Declared, DesiredState, Ledger, LedgerEntry
from reconciler.model.values import Address, Origin, Ref
from reconciler.planner.matched_state import MatchedState
from reconciler.planner.matching import identify
from reconciler.planner.planner import PlanRules, plan_changes

VIP, GOLD = Address("tag", "VIP"), Address("tag", "Gold")
ANN = Address("contact", "ann@example.com")
ANN_VIP = Address("tagging", "ann@example.com/VIP")
RULES = PlanRules(Policy(), Dialect.VENDOR, lambda name, value: f"{name}={value}", now=1e9)


def state(**sections: Any) -> DesiredState:
    """The desired state of these sections; the line of an item is its number."""
    items = [(section, raw) for section, rows in sections.items() for raw in rows or [None]]
    return compile_state(Declared(section, raw, Origin("a.yaml", n, 1)) for n, (section, raw) in enumerate(items, 1))


def tag_items(*names: str) -> list[dict[str, Any]]:
    """Tags with the ids 1, 2, 3 …"""
    return [{"id": number, "name": name} for number, name in enumerate(names, 1)]


def contact_item(email: str, number: int = 1, tags: tuple[int, ...] = (), **fields: str) -> dict[str, Any]:
    """A contact as the vendor shows it."""
    rows = [{"slug": slug, "value": value} for slug, value in fields.items()]
    return {"id": number, "email": email, "locale": "en", "fields": rows, "tags": [{"id": n} for n in tags]}


def entry(
    address: Address, remote_id: str | None = "1", applied: Mapping[str, Any] | None = None, **more: Any
) -> LedgerEntry:
    """One that is ours; a tag needs no attributes."""
    return LedgerEntry(address, remote_id, applied if applied is not None else {"name": address.key}, **more)


def ledger(*entries: LedgerEntry) -> Ledger:
    """A ledger of these."""
    return Ledger(entries={each.address: each for each in entries})


def identified(desired: DesiredState, known: Ledger | None = None, **items: Any) -> MatchedState:
    """The three sides; ``items`` by kind."""
    return identify(desired, known or Ledger(), items, Dialect.VENDOR)


def planned(
    desired: DesiredState, known: Ledger | None = None, rules: PlanRules = RULES, **items: Any
) -> dict[Address, Change]:
    """The changes by address."""
    found = identified(desired, known, **items)
    return {change.address: change for change in plan_changes(found, desired, rules)}


def tagging(contact: Address = ANN, tag: Address = VIP) -> dict[str, Ref]:
    """The attributes of a tagging."""
    return {"contact": Ref(contact), "tag": Ref(tag)}
