"""Redacted plan documents: pseudonyms instead of people, and a keyed digest of everything that a change would do.

A redacted plan can be shown to anybody. The plan that is made when it is applied gets pseudonyms of the same key and
is compared with it, first by what the pseudonyms show, then by the digests, which cover every value.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from reconciler.model.plan import Change
from reconciler.model.serialization import change_to_json, meaning, weighed
from reconciler.output.redact import DOMAIN, Redactor
from reconciler.planner.staleness import BegunPlan, Meanings

#: Makes a keyed digest of (name, text), as the ledger does.
Keyed = Callable[[str, str], str]

#: Domain of the digests of changes.
CHANGE = "change"


def is_redacted(document: Mapping[str, Any]) -> bool:
    """Whether a plan document holds pseudonyms."""
    return bool(document.get("redacted"))


def redacted(document: Mapping[str, Any], changes: Iterable[Change], digest: Keyed) -> dict[str, Any]:
    """Redact a plan document: pseudonyms for people, and a digest in every change."""
    redactor = _redactor(digest)
    known = list(changes)
    redactor.learn((change.address, attrs) for change in known for attrs in (change.attrs, change.before))
    marked: dict[str, Any] = redactor.document(dict(document))
    for shown, change in zip(marked["plan"]["changes"], known, strict=True):
        shown["digest"] = _digest(change, digest)
    return {**marked, "redacted": True}


def compared(
    document: Mapping[str, Any], changes: Iterable[Change], digest: Keyed, begun: BegunPlan | None
) -> tuple[Meanings, Meanings, BegunPlan | None]:
    """The saved changes, the present ones and those begun in between, all redacted, for comparison."""
    redactor = _redactor(digest)
    then = {each["address"]: {**weighed(each), "digest": each["digest"]} for each in document["plan"]["changes"]}
    now = {}
    for change in changes:
        marked = weighed(redactor.document(change_to_json(change)))
        now[marked["address"]] = {**marked, "digest": _digest(change, digest)}
    return then, now, begun and BegunPlan(_marked(begun.done, redactor), _marked(begun.possibly_done, redactor))


def _marked(addresses: Iterable[str], redactor: Redactor) -> frozenset[str]:
    return frozenset(redactor.document(list(addresses)))


def _digest(change: Change, digest: Keyed) -> str:
    """Digest of everything a change does except its new address, which the ledger records first."""
    effect = meaning(change_to_json(replace(change, moved_from=None)))
    return digest(CHANGE, json.dumps(effect, ensure_ascii=False, sort_keys=True, separators=(",", ":")))


def _redactor(digest: Keyed) -> Redactor:
    return Redactor(partial(digest, DOMAIN))
