"""Classifies replies: a usable answer, or the GatewayError that status and body stand for (api.md §2, 10)."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from reconciler.errors import (
    GatewayError,
    Invalid,
    NoAnswer,
    NotConnected,
    NotFound,
    Throttled,
    Unauthorized,
    Violation,
)
from reconciler.gateway.headers import quota
from reconciler.gateway.transport import Reply
from reconciler.model.report import Answer

#: Maximum length of raw error text.
SHOWN = 200
#: Bytes of a body that is not JSON in which a text or a title is looked for.
MAX_DECODED = 65_536

_ESCAPES = r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|.)?|\x9b[0-?]*[ -/]*[@-~]"
_INVISIBLE = (
    r"[\x00-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    r"\u2800\u3164\ud800-\udfff\ufeff\uffa0\U000e0000-\U000e0fff]"
)
_UNSEEN = f"{_INVISIBLE}+"
_BETWEEN = f"{_INVISIBLE}*"
#: Shorter secrets are not searched in base64, where they would match by chance.
_SHORTEST = 6
_TITLE = r"(?is)<title[^>]*>(.*?)</title"
_HTML = r"(?i)^\s*<(?:!doctype|html|head|body|\?xml)"

KEY_REFUSED = "Maton rejected the API key. Check MATON_API_KEY."
VENDOR_KEY_REFUSED = (
    "Systeme.io rejected the key stored in the connection. Create a new connection, then delete this one."
)
DISCONNECTED = (
    "check --connection (RECONCILER_CONNECTION) against `reconciler connections list`, or create one with "
    "`reconciler connections create`"
)
NO_APP = (
    "this is not the address of the gateway: set RECONCILER_GATEWAY_URL (--gateway-url) to its base, such as "
    "https://api.maton.ai, without a path"
)
NO_CONNECTIONS = (
    "there is no connections API at this address: set RECONCILER_CONTROL_URL (--control-url) to its base, such as "
    "https://api.maton.ai, or https://ctrl.maton.ai beside https://gateway.maton.ai"
)
STALE = "often the Systeme.io key stored in the connection has become invalid: create a new connection"


class RequestContext(NamedTuple):
    """The call that a reply belongs to: method, path without query, connection, secrets to mask in messages, and
    whether it was forwarded to Systeme.io (or answered by the gateway itself)."""

    method: str
    path: str
    connection: str | None = None
    hidden: tuple[str, ...] = ()
    vendor: bool = True

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def read(asked: RequestContext, reply: Reply) -> Answer:
    """The answer of a 2xx; raises the matching GatewayError for any other reply (api.md §2, 10).

    A reply that this API does not send (HTML, cut or empty JSON, an unexpected status) is NoAnswer.
    """
    status = reply.status
    if 200 <= status < 300:
        return _success(asked, reply)
    body = _decoded(reply.content)
    text = message(asked, reply, body)
    if 300 <= status < 400:
        raise _redirect(asked, reply)
    if status == 404 and body is None and reply.content.strip():
        raise NoAnswer(f"{asked}: 404, but not from Systeme.io: {text}", status=status)
    if b"invalid app name" in reply.content.lower():
        raise GatewayError(f"{asked}: {NO_APP if asked.vendor else NO_CONNECTIONS} ({text})", status=status)
    if status in (400, 401, 404, 429):
        raise _named(asked, reply, body, text)
    if 400 <= status < 500 and status != 408:
        raise Invalid(f"{asked}: {text}", status=status, violations=violations(asked, body))
    raise _broken(asked, status, text)


def _success(asked: RequestContext, reply: Reply) -> Answer:
    """A GET must be answered by 200 with an object; a write also by 202 or 204 without a body."""
    writes = asked.method != "GET"
    body = _decoded(reply.content)
    if writes and reply.status in (202, 204):
        return Answer(reply.status, body)
    if isinstance(body, dict) and (reply.status == 200 or (writes and reply.status == 201)):
        return Answer(reply.status, body)
    raise NoAnswer(f"{asked}: {_unlike(asked, reply, body)}", status=reply.status)


def _unlike(asked: RequestContext, reply: Reply, body: Any) -> str:
    if not reply.content.strip():
        return f"{reply.status} with an empty body instead of JSON"
    if body is not None:
        return f"{reply.status} with unexpected JSON"
    return f"{reply.status} with a body that is not JSON: {message(asked, reply, None)}"


def _redirect(asked: RequestContext, reply: Reply) -> GatewayError:
    """Redirects are refused. After a POST, 302 and 303 may mean that the write was done."""
    try:
        parts = urlsplit(reply.headers.get("Location") or "")
        goal = f"{parts.scheme}://{parts.hostname or ''}{parts.path}" if parts.scheme else parts.path
    except ValueError:
        goal = "an unreadable place"
    error = NoAnswer if asked.method == "POST" and reply.status in (302, 303) else GatewayError
    goal = clean(goal, asked.hidden) or "nowhere"
    return error(
        f"{asked}: the server redirects to {goal}; redirects are refused, check RECONCILER_GATEWAY_URL",
        status=reply.status,
    )


def _named(asked: RequestContext, reply: Reply, body: Any, text: str) -> GatewayError:
    """The exception of a 4xx status that has one of its own."""
    status = reply.status
    if status == 401:
        remedy = VENDOR_KEY_REFUSED if asked.vendor and _from_vendor(reply, body) else KEY_REFUSED
        return Unauthorized(remedy, status=status, detail=f"{asked}: {status}, {text}")
    if status == 404:
        return NotFound(f"{asked}: not found ({text})", status=status)
    if status == 429:
        after = quota(reply.headers, 0.0).retry_after  # a date is only usable together with the server's clock
        return Throttled(f"{asked}: too many calls ({text})", status=status, retry_after=after)
    if asked.vendor and not _from_vendor(reply, body) and not (isinstance(body, dict) and "errors" in body):
        which = f'active connection "{asked.connection}"' if asked.connection else "active connection"
        return NotConnected(f"The gateway finds no {which} ({text}); {DISCONNECTED}", status=status)
    return Invalid(f"{asked}: {text}", status=status, violations=violations(asked, body))


def _broken(asked: RequestContext, status: int, text: str) -> GatewayError:
    """5xx and 408: a POST may have been carried out; every other method can be repeated."""
    hint = f"; {STALE}" if status == 500 and asked.vendor else ""
    error = NoAnswer if asked.method == "POST" else GatewayError
    return error(f"{asked}: the server answered {status} ({text}){hint}", status=status)


def _from_vendor(reply: Reply, body: Any) -> bool:
    """Whether Systeme.io wrote the error: problem+json with ``detail``; the gateway's form is unknown (§2.4)."""
    if "api key" in (reply.headers.get("WWW-Authenticate") or "").lower():
        return True
    if not isinstance(body, dict):
        return False
    if "problem+json" in (reply.headers.get("Content-Type") or "").lower():
        return True
    return "violations" in body or ("detail" in body and ("title" in body or "type" in body))


def violations(asked: RequestContext, body: Any) -> tuple[Violation, ...]:
    """The entries of a 422 body, cleaned; malformed entries are omitted."""
    entries = body.get("violations") if isinstance(body, dict) else None
    return tuple(
        Violation(*(clean(str(entry.get(key) or ""), asked.hidden) for key in ("propertyPath", "message", "code")))
        for entry in (entries if isinstance(entries, list) else ())
        if isinstance(entry, dict)
    )


def message(asked: RequestContext, reply: Reply, body: Any) -> str:
    """The server's error text: the first of violations, detail, title, raw text."""
    found = violations(asked, body)
    if found:
        return "; ".join(f"{item.path}: {item.message}" if item.path else item.message for item in found)
    for key in ("detail", "title"):
        said = body.get(key) if isinstance(body, dict) else None
        if isinstance(said, str) and said.strip():
            return clean(said, asked.hidden)
    return clean(_raw(reply.content), asked.hidden) or f"status {reply.status}, no text"


def _raw(content: bytes) -> str:
    """The text of a body that is not JSON; of HTML only the title."""
    text = content[:MAX_DECODED].decode("utf-8", "replace")
    if re.match(_HTML, text):
        title = re.search(_TITLE, text)
        return f"an HTML page, {title[1].strip()}" if title else "an HTML page"
    return text


def clean(text: str, hidden: tuple[str, ...] = ()) -> str:
    """One line of at most 200 characters, without terminal escapes, control characters and secrets.

    Escapes and invisible characters are removed first: inside a secret they would prevent its masking.
    """
    text = re.sub(_ESCAPES, "", text)
    for form in sorted({form for secret in hidden for form in _forms(secret)}, key=len, reverse=True):
        text = re.sub(_BETWEEN.join(map(re.escape, form)), "(hidden)", text)
    text = re.sub(_UNSEEN, " ", text).strip()
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"


def _forms(secret: str) -> Iterator[str]:
    """A secret as plain text, as JSON text, and in base64 up to the part that depends on the following bytes."""
    yield from filter(None, (secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]))
    content = secret.encode("utf-8", "surrogateescape")
    whole = content[: len(content) // 3 * 3]
    if len(whole) >= _SHORTEST:
        yield from (base64.b64encode(whole).decode(), base64.urlsafe_b64encode(whole).decode())


def _decoded(content: bytes) -> Any:
    """The parsed JSON of a body, or None."""
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None
