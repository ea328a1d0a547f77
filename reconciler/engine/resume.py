"""A plan that a run has begun, and what is planned now → what is neither done by that run nor still to do.

then                 now                              by the run
──────────────────────────────────────────────────────────────────────────────
the same             the same                         still to do
CREATE, UPDATE …     NOOP with the same attributes    done, or announced
CREATE               ADOPT with nothing to write      announced, its answer was lost
REPLACE              CREATE with the same attributes  dropped, not made again yet
DELETE               gone, or FORGET                  done, or announced
FORGET, adopt as is  gone, NOOP                       the ledger was settled first
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.kinds import KINDS
from reconciler.model.values import Address

#: Changes by address, each as :func:`reconciler.model.planjson.meaning` tells them.
Meanings = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Begun:
    """What a begun run did: addresses with an outcome that is done or accepted, and those still announced."""

    done: frozenset[str] = frozenset()
    announced: frozenset[str] = frozenset()


def differences(then: Meanings, now: Meanings, begun: Begun | None = None) -> Iterator[str]:
    """One line for everything that is not as planned; with ``begun`` what that run did is as planned."""
    for address in sorted({*then, *now}):
        old, new = then.get(address), now.get(address)
        if old == new or (begun is not None and _by_run(address, old, new, begun, then)):
            continue
        if old is None or new is None:
            yield f"{address}: {'not in the plan' if old is None else 'no longer there'}"
        elif old["action"] != new["action"]:
            yield f"{address}: {old['action']} then, {new['action']} now"
        else:
            paths = sorted({path for path, _ in _fields(old) ^ _fields(new)})
            yield f"{address}: {', '.join(paths) or 'another state'}"


def _fields(change: Mapping[str, Any]) -> set[tuple[str, str]]:
    return {(each["path"], repr(each)) for each in change["fields"]}


def _by_run(
    address: str, old: Mapping[str, Any] | None, new: Mapping[str, Any] | None, begun: Begun, then: Meanings
) -> bool:
    touched = address in begun.done or address in begun.announced
    if old is None:
        return new is not None and _is_left_over(address, new, then)
    word = old["action"]
    if new is None:
        return word == "forget" or (word == "delete" and touched)
    if _settled(old) == _settled(new):
        return True
    same = old.get("attrs") == new.get("attrs")
    if new["action"] == "noop":
        return same and (touched or (word in ("adopt", "noop") and not old["fields"]))
    if new["action"] == "adopt":
        return same and word == "create" and not new["fields"] and address in begun.announced
    if word == "replace":
        return same and new["action"] == "create" and touched
    return word == "delete" and new["action"] == "forget" and touched


def _settled(change: Mapping[str, Any]) -> dict[str, Any]:
    """Without the move to a new address: the ledger made it before the first call."""
    return {key: value for key, value in change.items() if key != "moved_from"}


def _is_left_over(address: str, new: Mapping[str, Any], then: Meanings) -> bool:
    """The old one of a replace that had made the new one first, waiting under its id for its end."""
    kind, _, key = address.partition("/")
    if new["action"] != "delete":
        return False
    parked = Address(kind, key)
    return any(
        old["action"] == "replace" and KINDS[kind].by_remote_id(str(old.get("remote_id"))) == parked
        for where, old in then.items()
        if where.startswith(f"{kind}/")
    )
