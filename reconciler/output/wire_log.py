"""Renders one HTTP exchange for the log, without keys, secrets and sessions."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlsplit

from reconciler.kinds import KINDS
from reconciler.output.wording import printable

HIDDEN = "(hidden)"
#: Longer bodies are cut: a page of contacts is some 25 kB.
LONGEST = 4000

#: Keys whose values are hidden: sensitive fields of the kinds, and usual names of keys and sessions.
_SECRET = frozenset(
    {"secret", "token", "key", "apikey", "password", "authorization", "sessiontoken"}
    | {re.sub(r"[^a-z]", "", f.name) for kind in KINDS.values() for f in kind.fields if f.write_only and f.sensitive}
)


def body_text(content: bytes | None, hidden: Iterable[str] = (), marked: Callable[[Any], Any] | None = None) -> str:
    """A body as one line of JSON. ``hidden`` texts and the values of secret keys are masked, URLs down to their host.

    ``marked`` replaces people by pseudonyms. Of a body that is not JSON only the length is shown.
    """
    if not content:
        return ""
    try:
        body = masked(json.loads(content), tuple(text for text in hidden if text))
    except (ValueError, RecursionError):
        return f"{len(content):,} bytes that are not JSON"
    text = json.dumps(body if marked is None else marked(body), ensure_ascii=False)
    return printable(text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}… ({len(text):,} characters)")


def masked(value: Any, hidden: tuple[str, ...] = ()) -> Any:
    """The value without keys, secrets and paths of URLs."""
    if isinstance(value, dict):
        return {key: _of_key(key, each, hidden) for key, each in value.items()}
    if isinstance(value, list):
        return [masked(each, hidden) for each in value]
    if isinstance(value, str):
        for secret in hidden:
            value = value.replace(secret, HIDDEN)
    return value


def _of_key(key: str, value: Any, hidden: tuple[str, ...]) -> Any:
    name = re.sub(r"[^a-z]", "", key.lower())
    if name in _SECRET and isinstance(value, str) and value:
        return HIDDEN
    if name.endswith("url") and isinstance(value, str):
        return _host(value)
    return masked(value, hidden)


def _host(url: str) -> str:
    """``https://crm.example.com/(hidden)``: paths and queries of addresses hold tokens."""
    try:
        parts = urlsplit(url)
        return f"{parts.scheme}://{parts.hostname}/{HIDDEN}" if parts.hostname else HIDDEN
    except ValueError:
        return HIDDEN
