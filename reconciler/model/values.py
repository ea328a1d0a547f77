"""Addresses, origins, references, secrets and attributes."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain
from sys import intern
from typing import Any, NamedTuple


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


#: Maximum length of an interned text; longer ones are rarely repeated in an account.
MAX_SHARED = 20


def shared(text: str) -> str:
    """The text; short texts are interned, since files, ledger and account repeat them."""
    return intern(text) if len(text) <= MAX_SHARED else text


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
        raise ValueError(f"{text!r} is not an address: use kind/key, e.g. tag/VIP")
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
    """A value that is sent but never shown; ``source`` is ``env:NAME``, ``file:PATH`` or ``command:WORDS``."""

    source: str
    value: str = field(repr=False)

    def __str__(self) -> str:
        return f"(secret from {self.source})"


#: Value of an attribute. ``None`` means "empty": absent, null and "" compare equal.
Value = None | bool | int | str | Ref | Secret | frozenset["Value"]

#: Attributes by name; the entries of a map field are flat, e.g. ``fields.company``.
Attrs = Mapping[str, Value]


class FlatAttrs(tuple[Any, ...], Mapping[str, Value]):
    """Attributes as one tuple ``name, value, name, value``: less than half the size of a dict, for small ones.

    A project may have hundreds of thousands of these. It equals every mapping with the same attributes.
    """

    __slots__ = ()

    @classmethod
    def of(cls, attrs: Attrs) -> FlatAttrs:
        """The same attributes."""
        return attrs if type(attrs) is cls else cls(chain.from_iterable(attrs.items()))

    def extended(self, name: str, value: Value) -> FlatAttrs:
        """These attributes and one more."""
        return FlatAttrs(tuple.__add__(self, (name, value)))

    def __getitem__(self, name: Any) -> Any:
        found = self.get(name, self)
        if found is self:
            raise KeyError(name)
        return found

    def get(self, name: object, default: Any = None) -> Any:
        """The value of ``name``."""
        pairs = tuple.__iter__(self)
        for key in pairs:
            value = next(pairs)
            if key is name or key == name:
                return value
        return default

    def __contains__(self, name: object) -> bool:
        return name in self.keys()

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def __len__(self) -> int:
        return tuple.__len__(self) // 2

    def keys(self) -> Any:
        """The names."""
        return tuple.__getitem__(self, slice(0, None, 2))

    def values(self) -> Any:
        """The values."""
        return tuple.__getitem__(self, slice(1, None, 2))

    def items(self) -> Any:
        """The pairs of name and value."""
        pairs = tuple.__iter__(self)
        return zip(pairs, pairs, strict=True)

    def __eq__(self, other: object) -> bool:
        if type(other) is FlatAttrs and tuple.__eq__(self, other):
            return True
        return isinstance(other, Mapping) and dict(self.items()) == dict(other.items())

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return repr(dict(self.items()))

    def __or__(self, other: Attrs) -> dict[str, Value]:
        return {**dict(self.items()), **other}

    def __ror__(self, other: Attrs) -> dict[str, Value]:
        return {**other, **dict(self.items())}

    def __getnewargs__(self) -> tuple[Sequence[Any]]:
        return (tuple(tuple.__iter__(self)),)


def readable(attrs: Attrs) -> Attrs:
    """The attributes without secrets."""
    if not any(isinstance(value, Secret) for value in attrs.values()):
        return attrs
    return {name: value for name, value in attrs.items() if not isinstance(value, Secret)}


def replace_refs(attrs: Attrs, addresses: Mapping[Address, Address]) -> dict[str, Value] | None:
    """The attributes with references renamed, or None where nothing changes."""
    changed: dict[str, Value] = {}
    for name, value in attrs.items():
        if isinstance(value, Ref) and value.target in addresses:
            changed[name] = Ref(addresses[value.target])
        elif isinstance(value, frozenset) and any(isinstance(e, Ref) and e.target in addresses for e in value):
            changed[name] = frozenset(
                Ref(addresses.get(each.target, each.target)) if isinstance(each, Ref) else each for each in value
            )
    return {**attrs, **changed} if changed else None
