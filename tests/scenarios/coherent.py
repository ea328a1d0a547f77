"""What holds for every plan and every ledger, whatever the scenario: parts that follow from each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

Json = dict[str, Any]
#: Causes of a field, the one first that explains the whole change.
CAUSES = ("both", "drifted", "edited", "rotated", "released")


def check_plan(document: Json) -> None:
    """The totals are those of the list, and each change is explained by its fields."""
    changes = document["changes"]
    assert [each["address"] for each in changes] == sorted(each["address"] for each in changes)
    counted = Counter("blocked" if each["blocked"] else each["action"] for each in changes)
    assert {name: number for name, number in document["summary"].items() if number} == counted
    for each in changes:
        check_change(each)


def check_change(change: Json) -> None:
    """Cause, values and effects belong to the action."""
    action, fields = change["action"], change["fields"]
    causes = {each["cause"] for each in fields}
    if action not in ("no_change", "forget"):
        assert (change["remote_id"] is None) == (action == "create"), change
    if action == "create":
        assert change["cause"] in ("new", "missing"), change
        assert causes <= {"new"}, change
        assert not any("before" in each for each in fields), change
    elif fields:
        assert change["cause"] == next(each for each in CAUSES if each in causes), change
    if action in ("no_change", "forget"):
        assert not fields, change
        assert not change["effects"], change


def check_ledger(entries: Iterable[Json]) -> None:
    """Each entry depends on what its values refer to, and belongs to a run."""
    for entry in entries:
        referred = set(_references(list(entry.get("applied", {}).values())))
        referred |= {name.replace("fields.", "contact_field/") for name in entry.get("applied", ()) if "." in name}
        assert set(entry.get("depends_on", ())) == referred, entry
        assert len(entry.get("depends_on", ())) == len(referred), entry


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for each in value:
            yield from _references(each)
    elif isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"]
        yield from _references(list(value.values()))
