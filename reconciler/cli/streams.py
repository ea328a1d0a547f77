"""Configures standard streams to replace characters that they cannot encode, by similar ones or by their code."""

from __future__ import annotations

import codecs
import io
import os
import sys
from collections.abc import Mapping
from typing import TextIO

#: Characters of reconciler's own texts, and their ASCII replacements.
PLAIN = {
    "→": "->",
    "…": "...",
    "·": "-",
    "–": "-",
    "—": "-",
    "“": '"',
    "”": '"',
    "‘": "'",
    "’": "'",
    "×": "x",
    "≤": "<=",
    "≥": ">=",
    "─": "-",
    "━": "-",
    "╸": "-",
    "╺": "-",
    "│": "|",
    "✓": "ok",
    "✗": "x",
}
_TABLE = str.maketrans(PLAIN)
_SIGNS = "→…·–━é"

#: Locales without characters beyond ASCII.
_BARE = ("C", "POSIX")

#: Name of the error handler that writes PLAIN, and JSON escapes for other characters.
SPELL_OUT = "reconciler_spell_out"


def can_encode(stream: TextIO) -> bool:
    """Whether the stream can encode the characters of reconciler's own texts."""
    try:
        _SIGNS.encode(getattr(stream, "encoding", None) or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def speaks_unicode(stream: TextIO, environ: Mapping[str, str] = os.environ) -> bool:
    """Whether the reader can see arrows and the like: by the stream's encoding, on a terminal also by its locale.

    Python writes UTF-8 even under LANG=C (PEP 538, 540), but a terminal with that locale may not read it.
    """
    if not can_encode(stream):
        return False
    if not stream.isatty():
        return True
    forced = environ.get("PYTHONIOENCODING") or environ.get("PYTHONUTF8") == "1"
    named = environ.get("LC_ALL") or environ.get("LANG") or environ.get("LC_CTYPE")
    return bool(forced) or named not in _BARE


def plainly(text: str) -> str:
    """The text with reconciler's own characters replaced by ASCII."""
    return text if text.isascii() else text.translate(_TABLE)


def configure_streams() -> None:
    """Let standard output and standard error replace what they cannot encode, instead of failing."""
    codecs.register_error(SPELL_OUT, _spelled)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            encoding = None if speaks_unicode(stream) else "ascii"
            stream.reconfigure(encoding=encoding, errors=SPELL_OUT)


def _spelled(error: UnicodeError) -> tuple[str, int]:
    """Error handler: ``->`` or ``\\u00e9``; a character beyond U+FFFF becomes two escapes, as in JSON."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    found = error.object[error.start : error.end]
    return "".join(PLAIN.get(char) or _escaped(char) for char in found), error.end


def _escaped(char: str) -> str:
    units = char.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))
