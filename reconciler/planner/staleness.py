"""Compares a saved plan with the plan made now; what a begun run of the saved plan did itself is no difference.

saved                now                                 by the run
─────────────────────────────────────────────────────────────────────────────────────────────────
the same             the same                            still to do
CREATE, UPDATE …     NO_CHANGE with the same attributes  done, or its intent is open
CREATE … REPLACE     ADOPT or UPDATE that writes         its intent is open: the outcome was not recorded
                     nothing but unreadable values
REPLACE              CREATE with the same attributes     deleted, not created again yet
DELETE               gone, or FORGET                     done, or its intent is open
DELETE of a contact  without a value or a tag            the run deleted that field or tag
FORGET, adopt as is  gone, NO_CHANGE                     the ledger was updated first
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from typing import Any

from reconciler.kinds import KINDS
from reconciler.model.plan import Action
from reconciler.model.values import Address
from reconciler.planner.impact import growth

Meaning = Mapping[str, Any]
#: Changes by address, each as :func:`reconciler.model.serialization.weighed` gives them.
Meanings = Mapping[str, Meaning]


@dataclass(frozen=True, slots=True)
class BegunPlan:
    """The progress of an interrupted run: addresses of completed or accepted steps, and of open intents."""

    done: frozenset[str] = frozenset()
    possibly_done: frozenset[str] = frozenset()

    @property
    def touched(self) -> Set[str]:
        """Addresses of which something was done, or may have been."""
        return self.done | self.possibly_done


def differences(then: Meanings, now: Meanings, begun: BegunPlan | None = None) -> Iterator[str]:
    """One line for each change that differs between the plans; what the run ``begun`` did itself does not count."""
    for address in sorted({*then, *now}):
        old, new = then.get(address), now.get(address)
        if old and new and (more := growth(old.get("people", 0), new.get("people", 0))):
            yield f"{address}: {more}"
            continue
        old, new = _without_people(old), _without_people(new)
        if old == new or (begun is not None and _by_run(address, old, new, begun, then)):
            continue
        if old is None or new is None:
            yield f"{address}: {'not in the plan' if old is None else 'no longer there'}"
        elif old["action"] != new["action"]:
            yield f"{address}: was {_word(old)}, is now {_word(new)}"
        else:
            yield f"{address}: {_changed(old, new)}"


def _without_people(change: Meaning | None) -> Meaning | None:
    """The change without the number of people who lose something: only a greater number is a difference."""
    return change and {key: value for key, value in change.items() if key != "people"}


def _word(change: Meaning) -> str:
    return "no change" if change["action"] == Action.NO_CHANGE.value else str(change["action"])


#: Which side of a comparison a part of a change comes from.
_SIDES = {"attrs": "in the files", "after": "in the files", "before": "in the account"}


def _changed(old: Meaning, new: Meaning) -> str:
    """The differences between two changes with the same action, as DeepDiff finds them."""
    from deepdiff import DeepDiff

    parts: dict[str, None] = {}
    for kind, levels in DeepDiff(_comparable(old), _comparable(new), view="tree", threshold_to_diff_deeper=0).items():
        for level in levels:
            parts[_sentence(kind, *level.path(output_format="list"), old=old, new=new)] = None
    found = sorted(part for part in parts if part)
    return "; ".join(found) or "a value changed that the redacted plan does not show"


def _comparable(change: Meaning) -> dict[str, Any]:
    """A change with its fields and the relations it removes by name, so that DeepDiff matches them."""
    return {
        **change,
        "fields": {each["path"]: {"before": each["before"], "after": each["after"]} for each in change["fields"]},
        "cascades": dict.fromkeys(change.get("cascades", ()), True),
    }


def _sentence(kind: str, part: str, name: str = "", side: str = "", *_deeper: Any, old: Meaning, new: Meaning) -> str:
    if part == "cascades":
        return f"has {name} since then" if kind == "dictionary_item_added" else f"no longer has {name}"
    if part == "blocked":
        return f"is blocked: {new['blocked']}" if new.get("blocked") else "is no longer blocked"
    if part == "remote_id":
        return "is now another resource, with another id"
    if part == "moved_from":
        return f"is now recorded in the ledger under {new.get(part) or 'this address'}"
    if part == "former":
        return "renamed_from changed in the files"
    if part == "fields" and not side:
        return f"{name} would {'now' if kind == 'dictionary_item_added' else 'no longer'} be written"
    if name:
        return f"{name} changed {_SIDES[side if part == 'fields' else part]}"
    return ""


def _by_run(address: str, old: Meaning | None, new: Meaning | None, begun: BegunPlan, then: Meanings) -> bool:
    touched = address in begun.touched
    if old is None:
        return new is not None and _is_left_over(address, new, begun, then)
    word = old["action"]
    if new is None:
        return word == "forget" or (word == "delete" and touched)
    if _rest_of(address, old, begun, then) == _rest_of(address, new, begun, then):
        return True
    same = old.get("attrs") == new.get("attrs")
    if new["action"] == "no_change":
        return same and (touched or (word in ("adopt", "no_change") and not old["fields"]))
    if new["action"] in ("adopt", "update"):
        return same and address in begun.possibly_done and _is_unreadable(address, new)
    if word == "replace":
        return same and new["action"] == "create" and touched
    return word == "delete" and new["action"] == "forget" and touched


def _is_unreadable(address: str, change: Meaning) -> bool:
    """Whether the change writes only values that no answer shows; they are sent once more."""
    kind = KINDS[address.partition("/")[0]]
    return all(kind.field(each["path"]).write_only for each in change["fields"])


def _rest_of(address: str, change: Meaning, begun: BegunPlan, then: Meanings) -> dict[str, Any]:
    """The change without what the run itself altered.

    The ledger makes moves to new addresses before the first call. A replacement gives the old one a temporary name.
    A contact that is to be deleted has lost the values and tags that the run deleted.
    """
    rest = {key: value for key, value in change.items() if key != "moved_from"}
    kind = KINDS[address.partition("/")[0]]
    if change["action"] == "replace" and address in begun.touched:
        rest["before"] = {name: value for name, value in change.get("before", {}).items() if name not in kind.key}
        rest["fields"] = [each for each in change["fields"] if each["path"] not in kind.key]
    if change["action"] == "delete":
        gone = {each for each in begun.touched if then.get(each, {}).get("action") == "delete"}
        values = change.get("before", {})
        kept = {name for name in values if not gone & {str(each) for each in kind.refers_to({name: None})}}
        rest["before"] = {name: values[name] for name in kept}
        rest["cascades"] = sorted(set(change.get("cascades", ())) - gone)
    return rest


def _is_left_over(address: str, new: Meaning, begun: BegunPlan, then: Meanings) -> bool:
    """Whether this is the deletion of a replaced resource whose replacement was created first.

    The ledger has the old resource under its remote id until it is deleted; if the outcome of the deletion was not
    recorded, it is forgotten.
    """
    kind, _, key = address.partition("/")
    if new["action"] != "delete" and not (new["action"] == "forget" and address in begun.possibly_done):
        return False
    parked = Address(kind, key)
    return any(
        old["action"] == "replace" and KINDS[kind].by_remote_id(str(old.get("remote_id"))) == parked
        for where, old in then.items()
        if where.startswith(f"{kind}/")
    )
