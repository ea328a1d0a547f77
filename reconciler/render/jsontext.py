"""A JSON document → its text, whole and readable, with nothing in it that a terminal would obey."""

from __future__ import annotations

import json
import re
from typing import Any

#: What JSON may hold as it is, and terminals act upon: deletion, C1 controls, marks of direction, lone surrogates.
_UNSEEN = re.compile("[\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ud800-\udfff\ufeff]")


def json_text(document: Any, indent: int | None = 2, *, plain: bool = False) -> str:
    """The document with nothing in it that a terminal would obey; ``plain``: in ASCII alone."""
    text = json.dumps(document, ensure_ascii=plain, indent=indent)
    return _UNSEEN.sub(lambda char: f"\\u{ord(char.group()):04x}", text)
