"""E-mail addresses: identity of two spellings, validity, and the likely intended address of an invalid one."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import NamedTuple

_KELVIN = "\u212a"
_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}

#: Ranges of invisible characters: controls, blanks and formats.
_UNSEEN = (
    r"\u0000-\u0020\u007f-\u00a0\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200f"
    r"\u2028-\u202f\u205f-\u206f\u2800\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffd" + "\U000e0000-\U000e0fff"
)
#: Look-alikes of @ and the dot, and typographic quotes.
_ODD = r"\u00ab\u00bb\u2018-\u201f\u2039\u203a\u3002\ufe52\ufe6b\uff0e\uff20\uff61"
_LOCAL = r'[^"(),.:;<>@\[\\\]|]+'
_HOST = r"[^!-,./:-@\[-`{-~-]+"
_LABEL = rf"{_HOST}(?:-+{_HOST})*"

#: The rule for an address, in the syntax that JSON Schema shares with Python and Rust: parts joined by single dots,
#: no white space, invisible characters, quotes or brackets; host names of letters, digits and inner hyphens.
_STRICT = rf"^(?!')(?![\s\S]*[{_UNSEEN}{_ODD}]){_LOCAL}(?:\.{_LOCAL})*@{_LABEL}(?:\.{_LABEL})+$"

#: The same for files before variables are replaced; the result is checked again.
PATTERN = rf"\$\{{(?:var|env)\.|{_STRICT}"

_AROUND = " \t\r\n\"'`<>()[]{},;:.=|\u00ab\u00bb\u2018\u2019\u201a\u201c\u201d\u201e\u2039\u203a"
_BETWEEN = r"[\s\"<>()\[\]{},;:|=?&]+"


class Fault(NamedTuple):
    """Why a text is not an address: ``unseen`` names the first invisible character, ``at`` is its position from 1.

    ``meant`` is the likely intended address, or empty.
    """

    unseen: str
    at: int
    meant: str


def identity(address: str) -> str:
    """The form in which addresses are compared: Unicode NFC with ASCII letters in lower case.

    Servers ignore the case of ASCII letters; case folding and compatibility forms would match other mailboxes.
    """
    if address.isascii():
        lower = address.lower()
        return address if address == lower else lower  # one object for both, as there may be hundreds of thousands
    # NFC turns the Kelvin sign into an ASCII letter, which would then be lowered.
    parts = address.split(_KELVIN)
    return _KELVIN.join(unicodedata.normalize("NFC", part).translate(_LOWER) for part in parts)


def spellings(address: str) -> tuple[str, ...]:
    """The spellings under which a server may store the address: as written, composed and decomposed."""
    if address.isascii():
        return (address,)
    forms = (unicodedata.normalize(form, address) for form in ("NFC", "NFD") if _KELVIN not in address)
    return tuple(dict.fromkeys((address, *forms)))


def is_valid(address: str) -> bool:
    """Whether a text is a valid address."""
    return re.match(_STRICT, address) is not None


def fault(address: str) -> Fault | None:
    """The fault of an address, or None if it is valid."""
    if is_valid(address):
        return None
    found = re.search(f"[{_UNSEEN}]", address)
    if found is None or found.group() in " \t":
        return Fault("", 0, _meant(address))
    char = found.group()
    name = unicodedata.name(char, "a control character").lower()
    return Fault(f"U+{ord(char):04X} ({name})", found.start() + 1, _meant(address))


def refusal(address: str, quote: Callable[[str], str] | None) -> tuple[str, str]:
    """Message and remedy for an invalid address; without ``quote`` neither contains text from the files."""
    what, found = "invalid e-mail address", fault(address) or Fault("", 0, "")
    if quote:
        what += f" {quote(address)}"
    if found.unseen:
        what += f": {found.unseen} at character {found.at}"
    return what, f"did you mean {quote(found.meant)}?" if quote and found.meant else ""


def _meant(text: str) -> str:
    """The first correction that gives a valid address, or empty."""
    seen = re.sub(f"[{_UNSEEN}]", lambda found: " " if found.group().isspace() else "", text).translate(_PLAIN)
    tidy = re.sub(r"\s*@[\s@]*", "@", re.sub(r"\.{2,}", ".", seen).strip(_AROUND))
    tidy = re.sub(r"(?i)^mailto:\s*", "", tidy.replace(".@", "@").replace("@.", "@"))
    pieces = (each.strip(_AROUND) for each in re.split(_BETWEEN, seen))
    guesses = (tidy, tidy.partition("?")[0], *pieces, tidy.replace(",", "."))
    return next((guess for guess in guesses if is_valid(guess) and guess != text), "")


_PLAIN = {
    **dict.fromkeys((0x2018, 0x2019), "'"),
    **dict.fromkeys((0x201C, 0x201D, 0x201E), '"'),
    **dict.fromkeys((0x3002, 0xFF0E, 0xFF61, 0xFE52), "."),
    **dict.fromkeys((0xFF20, 0xFE6B), "@"),
}
