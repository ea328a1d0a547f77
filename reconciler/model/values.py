"""Addresses, origins, references and secrets."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from sys import intern
from typing import NamedTuple


class Address(NamedTuple):
    """The name of a resource, written ``kind/key``, e.g. ``tagging/ann@example.com/VIP``.

    ``key`` is escaped: inside one part ``/`` is ``%2F`` and ``%`` is ``%25``, so that the parts of a relation's
    key split unambiguously. Only ``kinds`` creates keys.
    """

    kind: str
    key: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.key}"

    @property
    def shown(self) -> str:
        """The address as people write it: names without escapes, e.g. ``tag/#sale`` and ``tag/A/B``."""
        return f"{self.kind}/{unescape(self.key)}"

    @classmethod
    def parse(cls, text: str) -> Address:
        """``"tag/VIP"`` → ``Address("tag", "VIP")``; raises ValueError when there is no kind or no key."""
        return _parsed(text)


_ESCAPES = {"%": "%25", "/": "%2F", "#": "%23", "@": "%40", "?": "%3F"}
_UNESCAPES = {code: char for char, code in _ESCAPES.items()}


def clean(text: str) -> str:
    """The form in which names are compared: Unicode NFC, stripped."""
    return text.strip() if text.isascii() else unicodedata.normalize("NFC", text).strip()


#: Longer texts are rarely repeated in an account.
_WORD = 20


def shared(text: str) -> str:
    """The text; short texts are interned, since files, ledger and account repeat them."""
    return intern(text) if len(text) <= _WORD else text


def lookalike(text: str) -> str:
    """A form that is equal for names which differ only by case or compatibility forms: ``ß``/``ss``, ligatures.

    Such names are different resources, but a server that ignores case may refuse the second one.
    """
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def escape(part: str) -> str:
    """One part of a key: ``/`` and ``%`` are escaped everywhere, ``#``, ``@`` and ``?`` at the start.

    A leading ``#`` marks a remote id, ``@`` a handle, ``?path=`` another property of the target.
    """
    text = clean(part)
    if "%" in text or "/" in text:
        text = text.replace("%", "%25").replace("/", "%2F")
    if text[:1] in ("#", "@", "?"):
        text = _ESCAPES[text[0]] + text[1:]
    return text


def unescape(part: str) -> str:
    """The name as people write it: the inverse of :func:`escape` for one part."""
    if "%" not in part:
        return part
    return re.sub("%(25|2F|23|40|3F)", lambda match: _UNESCAPES[match.group()], part)


@lru_cache(maxsize=1 << 12)
def _parsed(text: str) -> Address:
    """Cached, since ledgers and plans repeat the same addresses."""
    kind, slash, key = text.partition("/")
    if not (kind and slash and key):
        raise ValueError(f"{text!r} is no address; an address is written kind/key, e.g. tag/VIP")
    return Address(kind, key)


class Origin(NamedTuple):
    """A place in the files: file as the user would type it, line and column from 1.

    With line 0, ``file`` describes another source in words.
    """

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file


@dataclass(frozen=True, slots=True)
class Ref:
    """Placeholder for the remote id of ``target`` until a request is sent."""

    target: Address

    def __str__(self) -> str:
        return str(self.target)


@dataclass(frozen=True, slots=True)
class Secret:
    """A value that is sent but never shown; ``source`` is ``env:NAME`` or ``file:PATH``."""

    source: str
    value: str = field(repr=False)

    def __str__(self) -> str:
        return f"(secret from {self.source})"


#: Value of an attribute. ``None`` means "empty": absent, null and "" compare equal.
Value = None | bool | int | str | Ref | Secret | frozenset["Value"]

#: Attributes by name; the entries of a map field are flat, e.g. ``fields.company``.
Attrs = Mapping[str, Value]


def readable(attrs: Attrs) -> Attrs:
    """The attributes without secrets."""
    if not any(isinstance(value, Secret) for value in attrs.values()):
        return attrs
    return {name: value for name, value in attrs.items() if not isinstance(value, Secret)}
