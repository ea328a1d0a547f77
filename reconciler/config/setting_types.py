"""Readers of flags, variables and settings: each returns a value or raises a ValueError with the expected format."""

from __future__ import annotations

import ipaddress
import math
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

Reader = Callable[[Any], Any]

_TRUTH = {"true": True, "1": True, "yes": True, "on": True, "false": False, "0": False, "no": False, "off": False}
_SPECIFIER = r"(>=|<=|==|!=|>|<)\s*([0-9]+(?:\.[0-9]+)*)"
_LEDGERS = ("sqlite", "postgres", "postgresql", "postgresql+psycopg")


def text(value: Any) -> str:
    """Text that is not blank and has no control characters."""
    found = str(value).strip()
    if not found or not found.isprintable():
        raise ValueError("expected one line of text")
    return found


def number(value: Any) -> float:
    """A finite number, 0 or greater."""
    try:
        found = float(value)
    except (TypeError, ValueError):
        found = math.nan
    if not math.isfinite(found) or found < 0:
        raise ValueError("expected 0 or greater")
    return found


#: Requests per minute that Systeme.io allows in each plan; None: no limit of its own.
PLANS: Mapping[str, int | None] = {"free": 30, "startup": 60, "webinar": 120, "unlimited": None}
#: Requests per second that the gateway allows.
GATEWAY_RATE = 10.0
_RATE = r"([0-9]{1,9}(?:\.[0-9]{1,9})?) *(?:/|per) *(second|minute)"
#: The texts that ``rate`` reads, for the schema.
RATE_PATTERN = rf"^([0-9]{{1,9}}(\.[0-9]{{1,9}})?( *(/|per) *(second|minute))?|{'|'.join(PLANS)})$"
RATE_HINT = f"expected 10/second, 30/minute, 0 (no limit), or a plan: {', '.join(PLANS)}"


def rate(value: Any) -> float:
    """``10``, ``10/second``, ``30/minute`` or the name of a Systeme.io plan → requests per second; 0: no limit."""
    name = str(value).strip().lower()
    if name in PLANS:
        limit = PLANS[name]
        return GATEWAY_RATE if limit is None else limit / 60
    if matched := re.fullmatch(_RATE, name):
        return float(matched.group(1)) / (60 if matched.group(2) == "minute" else 1)
    try:
        return number(value)
    except ValueError:
        raise ValueError(RATE_HINT) from None


def whole(lowest: int, highest: int | None = None) -> Reader:
    """A reader of whole numbers within bounds."""
    words = f"of {lowest} or greater" if highest is None else f"from {lowest} to {highest}"

    def read(value: Any) -> int:
        if not re.fullmatch(r"[0-9]{1,9}", str(value)) or not lowest <= int(value) <= (highest or 10**9):
            raise ValueError(f"expected a whole number {words}")
        return int(value)

    return read


def truth(value: Any) -> bool:
    """``true`` or ``false``, or one of their usual spellings in shells."""
    found = _TRUTH.get(str(value).strip().lower())
    if found is None:
        raise ValueError("expected true or false")
    return found


def choice(names: Iterable[str]) -> Reader:
    """A reader of one of the names."""
    allowed = tuple(names)

    def read(value: Any) -> str:
        if value not in allowed:
            raise ValueError(f"expected one of {', '.join(allowed)}")
        return str(value)

    return read


def address(value: Any) -> str:
    """A gateway URL: https, or http on loopback; no user, query or fragment. A trailing slash is removed."""
    found = str(value)
    try:
        parts = urlsplit(found)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise ValueError("expected a URL such as https://api.maton.ai") from error
    if not host or parts.scheme not in ("https", "http") or re.search(r"[\s\\]", found) or not found.isprintable():
        raise ValueError("expected a URL such as https://api.maton.ai")
    if parts.scheme == "http" and not _is_loopback(host):
        raise ValueError("expected https: plain http would expose the API key")
    if "@" in parts.netloc or "?" in found or "#" in found:
        raise ValueError("expected a URL without user, query and fragment")
    if parts.path.rstrip("/").endswith("/systeme"):
        raise ValueError(f"remove /systeme, which is added to each request: {found.rstrip('/')[: -len('/systeme')]}")
    return found.rstrip("/")


def hook(value: Any) -> str:
    """A notification URL: https, or http on loopback; never shown, as its path or query may be a secret."""
    found, scheme, host = _address_parts(value)
    if scheme == "http" and not _is_loopback(host):
        raise ValueError("expected https: plain http would expose the URL, which is a secret")
    return found


def link(value: Any) -> str:
    """An http or https URL for people to open."""
    return _address_parts(value)[0]


def _address_parts(value: Any) -> tuple[str, str, str]:
    """The URL, its scheme and its host; without user, fragment and characters that need encoding."""
    found, wrong = str(value).strip(), "expected an https URL without user and fragment"
    try:
        parts = urlsplit(found)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise ValueError(wrong) from error
    sound = found.isascii() and found.isprintable() and not re.search(r"[\s\\<>|\"#]", found)
    if not host or not sound or parts.scheme not in ("https", "http") or "@" in parts.netloc:
        raise ValueError(wrong)
    return found, parts.scheme, host


def several(names: Iterable[str]) -> Reader:
    """A reader of one or more of the names, as a list or with commas; gives them with commas."""
    allowed = tuple(names)

    def read(value: Any) -> str:
        given = value if isinstance(value, list) else [part.strip() for part in str(value).split(",")]
        if not given or any(part not in allowed for part in given):
            raise ValueError(f"expected one or more of {', '.join(allowed)}")
        return ",".join(name for name in allowed if name in given)

    return read


_DURATION = r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?"


def duration(value: Any) -> float:
    """``90s``, ``5m``, ``1h30m``, ``2d``, or a bare number of seconds → seconds, above 0."""
    found = str(value).strip().lower().replace(" ", "")
    matched = re.fullmatch(_DURATION, found + ("s" if found[-1:].isdigit() else ""), re.ASCII)
    parts = [float(part or 0) for part in matched.groups()] if matched else []
    seconds = sum(part * size for part, size in zip(parts, (86400, 3600, 60, 1), strict=False))
    if not 0 < seconds <= 366 * 86400:
        raise ValueError("expected a duration such as 30s, 5m or 1h30m")
    return seconds


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def ledger(value: Any) -> str:
    """``none``, or the URL of an SQLite or PostgreSQL database."""
    found = text(value)
    scheme, separator, rest = found.partition("://")
    if found != "none" and not (separator and scheme in _LEDGERS):
        raise ValueError("expected none, sqlite:///PATH or postgresql://USER@HOST/DATABASE")
    if scheme != "sqlite" and rest.partition("?")[0].count("@") > 1:
        raise ValueError("percent-encode special characters of the user name and password (@ as %40)")
    return found


def is_server(url: str) -> bool:
    """Whether a ledger URL names a PostgreSQL database."""
    scheme, separator, _ = url.partition("://")
    return bool(separator) and scheme in _LEDGERS and scheme != "sqlite"


def with_schema(url: str, name: str) -> str:
    """The URL of the ledger in that schema of a PostgreSQL database."""
    return f"{url}{'&' if '?' in url else '?'}schema={name}"


def without_password(url: str) -> str:
    """The URL of a ledger for display: ``***`` for the password and for the value of every option.

    The login ends at the last ``@``, as a password may contain any character. With an ``@`` in the options their
    beginning is ambiguous, and everything after the scheme is hidden.
    """
    scheme, separator, rest = url.partition("://")
    if not separator or scheme == "sqlite":
        return url
    place, mark, options = rest.partition("?")
    if "@" in options:
        return f"{scheme}://***"
    login, at, host = place.rpartition("@")
    user, colon, _ = login.partition(":")
    shown = re.sub(r"=[^&]*", "=***", options)
    return f"{scheme}://{user}{colon and ':***'}{at}{host}{mark}{shown}"


def sqlite_path(url: str, root: Path) -> Path | None:
    """The file of an SQLite ledger, relative paths below ``root``; None for other databases and for one in memory."""
    name = url.removeprefix("sqlite:///")
    return None if name == url or not name or name.startswith(":memory:") else root / name


def admits(specifier: str, version: str) -> bool:
    """Whether ``>=0.1,<1`` includes a version, by its leading dotted numbers. Raises ValueError if invalid."""
    ours = _numbers(re.split(r"[^0-9.]", version)[0])
    for part in specifier.split(","):
        found = re.fullmatch(_SPECIFIER, part.strip())
        if found is None:
            raise ValueError("expected a range such as >=0.1,<1")
        if not _compares(found.group(1), ours, _numbers(found.group(2))):
            return False
    return True


def _numbers(version: str) -> tuple[int, ...]:
    """``0.1.0`` → (0, 1): trailing zeros do not count."""
    numbers = [int(part) for part in version.split(".") if part]
    while numbers and not numbers[-1]:
        numbers.pop()
    return tuple(numbers)


def _compares(operator: str, ours: tuple[int, ...], theirs: tuple[int, ...]) -> bool:
    return {
        ">=": ours >= theirs,
        "<=": ours <= theirs,
        ">": ours > theirs,
        "<": ours < theirs,
        "==": ours == theirs,
        "!=": ours != theirs,
    }[operator]
