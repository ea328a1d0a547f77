"""Recognises the dialect of the account from an answer or a refusal."""

from __future__ import annotations

from typing import Any, NamedTuple

from reconciler.errors import GatewayError, Invalid


class DialectMark(NamedTuple):
    """The keys that occur in only one dialect, for the items of one collection (api.md §9)."""

    vendor: frozenset[str]
    skill: frozenset[str]


#: Only collections whose items differ; an item with keys of both dialects decides nothing. Contacts have a
#: ``fields`` list in both dialects, so they can only indicate the skill dialect.
MARKS = {
    "/api/contact_fields": DialectMark(frozenset({"fieldName"}), frozenset({"name"})),
    "/api/contacts": DialectMark(frozenset(), frozenset({"firstName", "lastName", "phoneNumber"})),
}


def recognise_dialect(path: str, answer: object) -> str | None:
    """``"vendor"``, ``"skill"``, or None if the answer does not show it.

    ``answer`` is the decoded JSON of a list or of one item at the native ``path``, or an Invalid whose
    violations name a key of the server's dialect.
    """
    mark = _mark(path)
    if mark is None:
        return None
    if isinstance(answer, Invalid):
        return _verdict(mark, {violation.path for violation in answer.violations})
    item = _first(answer)
    return None if item is None else _verdict(mark, set(item))


def check_dialect(spoken: str, path: str, answer: object) -> None:
    """Raise GatewayError, naming the setting to change, if the answer is in the other dialect."""
    theirs = recognise_dialect(path, answer)
    if theirs is not None and theirs != spoken:
        raise GatewayError(
            f"the account answers in the {theirs} dialect; set dialect: {theirs} (RECONCILER_DIALECT={theirs})",
            status=answer.status if isinstance(answer, Invalid) else None,
        )


def _mark(path: str) -> DialectMark | None:
    """The marks of a collection or of one of its items; None for paths below an item."""
    collection, _, item = path.removeprefix("/api/").partition("/")
    return None if "/" in item else MARKS.get(f"/api/{collection}")


def _first(answer: Any) -> dict[str, Any] | None:
    if isinstance(answer, dict) and isinstance(answer.get("items"), list):
        answer = answer["items"][0] if answer["items"] else None
    return answer if isinstance(answer, dict) else None


def _verdict(mark: DialectMark, keys: set[str]) -> str | None:
    vendor, skill = bool(keys & mark.vendor), bool(keys & mark.skill)
    if vendor == skill:
        return None
    return "vendor" if vendor else "skill"
