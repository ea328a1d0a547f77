"""A plan document ⇄ a sealed one: marks instead of people, and a keyed digest of everything that it would do.

A sealed plan can be shown to anybody and cannot be applied alone. Whoever applies it plans again from the same
files; what is planned then is marked with the same key and compared, first by what the marks show, then by the
digests, which know more than any mark.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from reconciler.engine.resume import Begun, Meanings
from reconciler.model.plan import Change
from reconciler.model.planjson import change_to_json, meaning
from reconciler.render.redact import DOMAIN, Redactor

#: Makes a keyed digest of (name, text), as the ledger does.
Keyed = Callable[[str, str], str]

#: The name under which changes are digested.
CHANGE = "change"


def is_sealed(document: Mapping[str, Any]) -> bool:
    """Whether a plan document holds marks."""
    return bool(document.get("sealed"))


def sealed(document: Mapping[str, Any], changes: Iterable[Change], digest: Keyed) -> dict[str, Any]:
    """The document without the desired state, with marks, and with a digest in every change."""
    redactor = _redactor(digest)
    known = list(changes)
    redactor.learn((change.address, attrs) for change in known for attrs in (change.attrs, change.before))
    open_part = {key: value for key, value in document.items() if key != "desired"}
    marked: dict[str, Any] = redactor.document(open_part)
    for shown, change in zip(marked["plan"]["changes"], known, strict=True):
        shown["digest"] = _digest(change, digest)
    return {**marked, "sealed": True}


def compared(
    document: Mapping[str, Any], changes: Iterable[Change], digest: Keyed, begun: Begun | None
) -> tuple[Meanings, Meanings, Begun | None]:
    """What was planned then, what is planned now, and what was begun between, all of it under marks."""
    redactor = _redactor(digest)
    then = {each["address"]: {**meaning(each), "digest": each["digest"]} for each in document["plan"]["changes"]}
    now = {}
    for change in changes:
        marked = meaning(redactor.document(change_to_json(change)))
        now[marked["address"]] = {**marked, "digest": _digest(change, digest)}
    return then, now, begun and Begun(_marked(begun.done, redactor), _marked(begun.announced, redactor))


def _marked(addresses: Iterable[str], redactor: Redactor) -> frozenset[str]:
    return frozenset(redactor.document(list(addresses)))


def _digest(change: Change, digest: Keyed) -> str:
    """Of all that it would do. A move to a new address is told by the marks: the ledger makes it early."""
    told = meaning(change_to_json(replace(change, moved_from=None)))
    return digest(CHANGE, json.dumps(told, ensure_ascii=False, sort_keys=True, separators=(",", ":")))


def _redactor(digest: Keyed) -> Redactor:
    return Redactor(partial(digest, DOMAIN))
