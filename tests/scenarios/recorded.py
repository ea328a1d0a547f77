"""Ledger and plan of a scenario in compact lines: only what does not follow from the plan is written down."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from tests.scenarios.coherent import check_ledger
from tests.support.project import Project

Json = dict[str, Any]
#: What an action leaves in the ledger when it is carried out; other actions keep the provenance.
_LEAVES = {"create": "created", "adopt": "adopted", "delete": None, "forget": None}


def ledger_of(project: Project, env: Mapping[str, Any] | None) -> dict[str, Json]:
    """Entries by address, as ``ledger export`` prints them, with what is announced in ``announced``."""
    exported = project.run("--no-redact", "ledger", "export", env=env)
    listed = project.run("--no-redact", "ledger", "list", "--json", env=env)
    if exported.code:
        return {}
    check_ledger(exported.document["entries"])
    entries = {each["address"]: each for each in exported.document["entries"]}
    for intent in listed.document["intents"]:
        entries.setdefault(intent["address"], {"address": intent["address"]})["announced"] = intent["verb"]
    return entries


def ledger_lines(changes: Iterable[Json], before: Mapping[str, Json], after: Mapping[str, Json]) -> list[Any]:
    """What the ledger holds beyond the obvious, one line for each resource.

    Obvious is the provenance that the plan's actions lead to, or that there was; a tagging that is part of its
    contact; nothing announced, no lifecycle, no secret, no other value than what was sent.
    """
    planned = {each["address"]: each for each in changes}
    lines = []
    for address in sorted({*planned, *before, *after}):
        change = planned.get(address, {})
        old = before.get(change.get("moved_from") or address, {})
        leaves = _LEAVES.get(change.get("action", ""), old.get("provenance"))
        if change.get("blocked") or any(each.get("moved_from") == address for each in planned.values()):
            leaves = old.get("provenance") if change.get("blocked") else None
        found = _words(after.get(address, {}))
        if found != _words({"address": address, "provenance": leaves, "part_of": _owner(address)} if leaves else {}):
            lines.append({address: ", ".join(found) or "not recorded"})
    return lines


def _words(entry: Json) -> list[str]:
    if not entry:
        return []
    words = [entry.get("provenance") or "not recorded"]
    words += ["pending"] if entry.get("state") == "pending" else []
    owner = entry.get("part_of")
    if entry.get("provenance") and owner != _owner(entry["address"]):
        words.append(f"part of {owner}" if owner else "on its own")
    words += [f"digest of {name}" for name in sorted(entry.get("digests", {}))]
    words += [f"{name} {value}".lower() for name, value in (entry.get("lifecycle") or {}).items() if value]
    words += [f"formerly {entry['former']}"] if entry.get("former") else []
    words += [f"{name} answered {value}" for name, value in sorted((entry.get("answered") or {}).items())]
    words += [f"announced {entry['announced']}"] if entry.get("announced") else []
    return words


def _owner(address: str) -> str | None:
    """The contact of a tagging: most are declared in its block."""
    found = re.fullmatch(r"tagging/((?:[^/\\]|\\.)+)/.*", address)
    return f"contact/{found[1]}" if found else None


def plan_lines(document: Json) -> list[Any]:
    """``update contact/ann@example.com: {first_name: [Ann, Anna, edited]}``: what a plan in JSON says, in short.

    What needs no change is left out, unless there is a remark on it.
    """
    return [_change_line(each) for each in document["changes"] if _is_effective(each) or _remarks(each)]


def has_changes(document: Json) -> bool:
    """Whether an apply of that plan would do anything."""
    return any(_is_effective(each) and not each["blocked"] for each in document["changes"])


def _is_effective(change: Json) -> bool:
    return change["action"] != "no_change" or change["moved_from"] is not None


def _change_line(change: Json) -> Any:
    line = f"{change['action']} {change['address']}"
    words = [change["cause"]] if change["cause"] == "missing" else []
    words += [f"was {change['moved_from']}"] if change["moved_from"] else []
    words += _loss(change["loss"] or {}) + _remarks(change)
    line += f" ({'; '.join(words)})" if words else ""
    if change["action"] == "create" or not change["fields"]:
        return line
    return {line: {each["path"]: _values(each) for each in change["fields"]}}


def _loss(loss: Json) -> list[str]:
    """``from 2 people, 1 unmanaged``: whom a deletion takes something from."""
    if not loss.get("people"):
        return []
    unmanaged = f", {loss['unmanaged']} unmanaged" if loss["unmanaged"] else ""
    return [f"from {loss['people']}{' or more' if loss['least'] else ''} people{unmanaged}"]


def _remarks(change: Json) -> list[str]:
    """Why it is held back, and the remark on it, without what follows from the action."""
    words = [f"blocked: {change['blocked']}"] if change["blocked"] else []
    note = change["note"] or ""
    if change["action"] == "adopt":
        note = note.partition("; ")[2]
    plain = change["action"] == "delete" and change["cause"] == "removed"
    return [*words, note] if note and not plain else words


def _values(field: Json) -> list[Any]:
    if field.get("sensitive"):
        return ["secret", field["cause"]]
    return [field.get("before"), field.get("after"), field["cause"]]


def totals(document: Json) -> Json:
    """Its numbers that no line says: unchanged, unmanaged by kind, calls that write, people."""
    numbers = {
        "unchanged": document["summary"]["no_change"],
        "unmanaged": document["unmanaged"],
        "writes": document["calls"]["writes"],
        **document["people"],
    }
    return {name: number for name, number in numbers.items() if number}


def approvals(document: Json) -> list[str]:
    """``deletes=3`` for each approval that a plan needs."""
    return [f"{each['allow']}={each['count']}" for each in document["needs"]]
