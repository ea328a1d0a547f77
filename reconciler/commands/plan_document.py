"""Writes and reads plan files: atomic, mode 0600, with an integrity code.

The integrity code is an HMAC if a key was available, else a SHA-256 checksum. With a key available, only an HMAC of
that key is accepted; nothing in the document can change that.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from reconciler.config import storage
from reconciler.errors import ConfigurationError, Refused

#: Format of the file; another major version is refused.
FORMAT_VERSION = "1.0"
#: A plan file is at most this many bytes.
MAX_PLAN_BYTES = 1 << 30

#: Returns the HMAC of bytes; None without a key.
Sign = Callable[[bytes], str] | None
#: Decides whether a document with only a checksum is accepted although a key is available.
Trusted = Callable[[dict[str, Any]], bool]


def write(path: Path, document: dict[str, Any], sign: Sign) -> None:
    """Write ``document`` with its integrity code. Raises ConfigurationError if the file cannot be written."""
    try:
        if path.is_dir():
            raise ConfigurationError(f"{path} is a folder; use a file name for the plan")
        storage.write(path, text_of(document, sign).encode())
    except OSError as error:
        raise ConfigurationError(f"cannot write the plan to {path}: {error.strerror}") from error


def text_of(document: dict[str, Any], sign: Sign) -> str:
    """The content of a plan file: the document with its integrity code."""
    content = {"format_version": FORMAT_VERSION, **document}
    code = {"hmac": sign(_canonical(content))} if sign else {"sha256": _sha256(content)}
    return json.dumps({**content, "integrity": code}, ensure_ascii=False, indent=1)


def read(path: Path, sign: Sign, trusted: Trusted = lambda document: False) -> dict[str, Any]:
    """Read a plan file and check its integrity; raises ConfigurationError or Refused with the reason."""
    return verified(load(path), str(path), sign, trusted)


def verified(document: dict[str, Any], name: str, sign: Sign, trusted: Trusted) -> dict[str, Any]:
    """The document without its integrity code; raises Refused unless it is intact. ``name`` is for messages."""
    found, checked = _examined(document, name, sign, trusted)
    if not checked:
        raise Refused(
            f"{name} is signed, but the key is missing; set RECONCILER_LEDGER_KEY, or use the ledger of that plan"
        )
    return found


def look(path: Path, sign: Sign, trusted: Trusted = lambda document: False) -> tuple[dict[str, Any], bool]:
    """Read a plan file for display; also returns whether its integrity was checked, which needs the key."""
    return _examined(load(path), str(path), sign, trusted)


def _examined(document: dict[str, Any], path: str, sign: Sign, trusted: Trusted) -> tuple[dict[str, Any], bool]:
    version = document.get("format_version")
    if not isinstance(version, str) or version.partition(".")[0] != FORMAT_VERSION.partition(".")[0]:
        raise Refused(f"{path} has format {version}, but this reconciler reads {FORMAT_VERSION}; plan again")
    document = dict(document)
    code = document.pop("integrity", None)
    if not isinstance(code, dict) or len(code) != 1:
        raise Refused(f"{path} has no integrity code; plan again")
    (way, value), *_ = code.items()
    if way == "hmac" and sign is None:
        return document, False
    expected = sign(_canonical(document)) if way == "hmac" and sign else _sha256(document)
    if not isinstance(value, str) or not hmac.compare_digest(expected.encode(), value.encode(errors="replace")):
        raise Refused(f"{path} was modified after it was created, or signed with another key; plan again")
    if way != "hmac" and sign is not None and not trusted(document):
        raise Refused(f"{path} is not signed, but this project has a key; plan again with that key")
    return document, True


def says_redacted(path: Path) -> bool:
    """Whether the file claims to hold a redacted plan; only :func:`read` verifies it."""
    try:
        return load(path).get("redacted") is True
    except ConfigurationError:
        return False


def load(path: Path, what: str = "plan", command: str = "plan --out FILE") -> dict[str, Any]:
    """Parse a JSON object; raises ConfigurationError. ``what`` and ``command`` name the file and how to create it."""
    try:
        content = storage.read(path, MAX_PLAN_BYTES)
    except OSError as error:
        raise ConfigurationError(f"cannot read the {what} file {path}: {error.strerror}") from error
    return parse(content, str(path), what, command)


def parse(content: bytes | str, name: str, what: str = "plan", command: str = "plan --out FILE") -> dict[str, Any]:
    """The JSON object in the content of a file; raises ConfigurationError."""
    again = f"create one with `reconciler {command}`"
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"{name} is not a {what} file: truncated or not JSON; {again}") from error
    if not isinstance(document, dict):
        raise ConfigurationError(f"{name} is not a {what} file; {again}")
    return document


def _canonical(document: dict[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def _sha256(document: dict[str, Any]) -> str:
    return hashlib.sha256(_canonical(document)).hexdigest()
