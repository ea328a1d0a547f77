"""A JSON document → its text, whole and readable, with nothing in it that a terminal would obey."""

from __future__ import annotations

import json
import re
from typing import Any

#: What JSON may hold as it is, and terminals act upon: deletion, C1 controls, marks of direction, surrogates, blanks.
_UNSEEN = re.compile(
    "[\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164"
    "\ud800-\udfff\ufeff\uffa0\U000e0000-\U000e0fff]"
)


def json_text(document: Any, indent: int | None = 2, *, plain: bool = False) -> str:
    """The document with nothing in it that a terminal would obey; ``plain``: in ASCII alone."""
    text = json.dumps(document, ensure_ascii=plain, indent=indent)
    return _UNSEEN.sub(lambda char: json.dumps(char.group())[1:-1], text)
