"""Formats values, addresses and numbers for people, without terminal escapes."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable
from typing import Any

from reconciler.model.values import Address, Ref, Secret, unescape

#: Letters and marks that show nothing: fillers, joiners, the empty Braille pattern, tags, selectors of variants.
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180e\u180f\u2800\u3164\uffa0")
_UUID = r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
#: Values longer than this are cut in plans.
LONGEST = 60


def printable(text: str) -> str:
    """The text with control and direction characters written as escapes, so that no terminal interprets them."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(char if _is_harmless(char) else _spelled(char) for char in text)


def _is_harmless(char: str) -> bool:
    if char in _BLANK or "\U000e0000" <= char <= "\U000e0fff":
        return False
    return unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")


def _spelled(char: str) -> str:
    number = ord(char)
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def shown(address: Address) -> str:
    """An address without percent-encoding, as users write it."""
    return printable(address.shown)


def unescaped(text: str) -> str:
    """Each part of a key without percent-encoding."""
    return "/".join(map(unescape, text.split("/"))) if "%" in text else text


def name_of(address: Address) -> str:
    """The last part of an address, unescaped."""
    return printable(unescape(address.key.rpartition("/")[2]))


def value(content: Any, longest: int = LONGEST) -> str:
    r"""One value: text in quotes, nothing as ``unset``, a set as its sorted items; cut where it is very long.

    Quotes and backslashes inside a text are escaped, so that the end of the text is clear.
    """
    if content is None:
        return "unset"
    if isinstance(content, bool):
        return "true" if content else "false"
    if isinstance(content, int):
        return str(content)
    if isinstance(content, Secret):
        return printable(str(content))
    if isinstance(content, Ref):
        return name_of(content.target)
    if isinstance(content, frozenset):
        return f"[{items(content)}]"
    text = _inside(content)
    return f'"{text[: longest - 1]}…"' if len(text) > longest else f'"{text}"'


def items(content: Iterable[Any]) -> str:
    """The items of a set, sorted."""
    return ", ".join(sorted(_inside(item) if isinstance(item, str) else value(item) for item in content))


def _inside(content: Any) -> str:
    return printable(str(content).replace("\\", "\\\\").replace('"', '\\"'))


def connection_name(connection: str | None) -> str:
    """A connection as headings name it: whole, but a UUID by its beginning and end (``3f9c…e21``)."""
    if connection is None:
        return "default"
    return f"{connection[:4]}…{connection[-3:]}" if re.fullmatch(_UUID, connection) else printable(connection)


def spaced(name: str) -> str:
    """A kind or class as words: ``contact field``."""
    return name.replace("_", " ")


def plural(kind: str) -> str:
    """Several of a kind: ``contact fields``, ``communities``."""
    words = spaced(kind)
    return f"{words[:-1]}ies" if words.endswith("y") else f"{words}s"


def count(number: int, one: str, many: str = "") -> str:
    """``1 call``, ``1,204 calls``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def rate(per_second: float) -> str:
    """``10 per second``; slow rates ``30 per minute``."""
    return f"{per_second:g} per second" if per_second > 2 else f"{per_second * 60:g} per minute"


def duration(seconds: float) -> str:
    """``under 1 s``, ``about 2 s``, ``about 3 min``, ``about 2 h``."""
    if seconds < 1:
        return "under 1 s"
    if seconds < 100:
        return f"about {seconds:.0f} s"
    return f"about {seconds / 60:.0f} min" if seconds < 6000 else f"about {seconds / 3600:.1f} h"


#: Characters that JSON allows and terminals interpret: deletion, C1 controls, marks of direction, surrogates, blanks.
_UNSEEN = (
    "[\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164"
    "\ud800-\udfff\ufeff\uffa0\U000e0000-\U000e0fff]"
)


def json_text(document: Any, indent: int | None = 2, *, plain: bool = False) -> str:
    """The document as JSON with control characters escaped; ``plain``: ASCII only."""
    text = json.dumps(document, ensure_ascii=plain, indent=indent)
    return re.sub(_UNSEEN, lambda char: json.dumps(char.group())[1:-1], text)
