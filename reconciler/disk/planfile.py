"""A plan document ⇄ a sealed JSON file: whole or not at all, readable by its owner only, refused when edited."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from reconciler.disk import storage
from reconciler.errors import ConfigurationError, Refused

#: Format of the file; another major version is refused.
FORMAT_VERSION = "1.0"
#: A plan file is at most this many bytes.
LARGEST = 1 << 30

#: Makes the keyed integrity code of some bytes, or None where there is no key.
Seal = Callable[[bytes], str] | None


def write(path: Path, document: dict[str, Any], seal: Seal) -> None:
    """Write ``document`` with its integrity code. Raises ConfigurationError when the place takes no file."""
    content = {"format_version": FORMAT_VERSION, **document}
    code = {"hmac": seal(_canonical(content))} if seal else {"sha256": _sha256(content)}
    text = json.dumps({**content, "integrity": code}, ensure_ascii=False, indent=1)
    try:
        if path.is_dir():
            raise ConfigurationError(f"{path} is a folder; name a file for the plan")
        storage.write(path, text.encode())
    except OSError as error:
        raise ConfigurationError(f"the plan cannot be written to {path}: {error.strerror}") from error


def read(path: Path, seal: Seal) -> dict[str, Any]:
    """The document of a plan file, integrity checked; raises ConfigurationError or Refused with the reason."""
    document, checked = look(path, seal)
    if not checked:
        raise Refused(f"{path} is sealed with a key that is not here; set RECONCILER_LEDGER_KEY, or use its ledger")
    return document


def look(path: Path, seal: Seal) -> tuple[dict[str, Any], bool]:
    """The same for showing: the document, and whether its integrity could be checked; without the key it cannot."""
    document = load(path)
    version = document.get("format_version")
    if not isinstance(version, str) or version.partition(".")[0] != FORMAT_VERSION.partition(".")[0]:
        raise Refused(f"{path} has format {version}, and this reconciler reads {FORMAT_VERSION}; plan again")
    code = document.pop("integrity", None)
    if not isinstance(code, dict) or len(code) != 1:
        raise Refused(f"{path} has no integrity code; plan again")
    (way, value), *_ = code.items()
    if way == "hmac" and seal is None:
        return document, False
    if way == "sha256" and seal is not None and document.get("keyed"):
        raise Refused(f"{path} has lost its seal; plan again")
    expected = seal(_canonical(document)) if way == "hmac" and seal else _sha256(document)
    if not isinstance(value, str) or not hmac.compare_digest(expected, value):
        raise Refused(f"{path} was edited after it was planned, or sealed with another key; plan again")
    return document, True


def says_sealed(path: Path) -> bool:
    """Whether the file claims to hold a sealed plan; :func:`read` finds out whether that is so."""
    try:
        return load(path).get("sealed") is True
    except ConfigurationError:
        return False


def load(path: Path, what: str = "plan", command: str = "plan --out FILE") -> dict[str, Any]:
    """A JSON object as it stands; raises ConfigurationError. ``command`` writes ``what`` it should be."""
    try:
        document = json.loads(storage.read(path, LARGEST))
    except OSError as error:
        raise ConfigurationError(f"the {what} file {path} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        again = f"`reconciler {command}` writes one"
        raise ConfigurationError(f"{path} is no {what} file: it is cut or not JSON; {again}") from error
    if not isinstance(document, dict):
        raise ConfigurationError(f"{path} is no {what} file; `reconciler {command}` writes one")
    return document


def _canonical(document: dict[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def _sha256(document: dict[str, Any]) -> str:
    return hashlib.sha256(_canonical(document)).hexdigest()
