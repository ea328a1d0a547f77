"""Renders connections as styled text, without their URL, which opens a session."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from reconciler.output.history import moment_of
from reconciler.output.layout import Line
from reconciler.output.wording import printable

_STYLES = {"ACTIVE": "green", "PENDING": "yellow", "FAILED": "red"}
#: Texts for the uses of a connection.
USED = {
    "configured": "configured in this project",
    "ledger": "bound to this project's ledger",
    "default": "default",
}


def connection_lines(documents: Iterable[Mapping[str, Any]]) -> Iterator[Line]:
    """One line each: id, status, since when, and who uses it."""
    for each in documents:
        users = "; ".join(USED[user] for user in each["used_by"])
        status = printable(each["status"] or "unknown")
        yield [
            (f"{printable(each['id']):<38} ", "bold"),
            (f"{status:<8} ", _STYLES.get(status, "")),
            (f"{_moment(each['created']):<24} ", "dim"),
            (users, ""),
        ]


def connection_detail(document: Mapping[str, Any]) -> Iterator[Line]:
    """One connection: a line for each known value, then its uses."""
    for name in ("id", "status", "app", "method", "created", "updated"):
        if document[name]:
            style = _STYLES.get(document[name], "") if name == "status" else ""
            text = _moment(document[name]) if name in ("created", "updated") else printable(document[name])
            yield [(f"{name:<8} ", "dim"), (text, style)]
    for user in document["used_by"]:
        yield [("         ", ""), (USED[user], "")]


def _moment(text: str) -> str:
    """A time without fractions of a second; any other text is unchanged."""
    return printable(re.sub(r"\.\d+", "", moment_of(text).replace("Z", " UTC")))
