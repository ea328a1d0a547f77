"""The bytes of a roster → text, or the one sentence that says which encoding to name."""

from __future__ import annotations

import codecs
import io
from pathlib import Path
from typing import IO, TextIO

from reconciler.disk.findings import Finding
from reconciler.kinds.rosters import ENCODINGS
from reconciler.model.values import Origin

#: A byte order mark at the beginning is accepted.
_CODECS = {"utf-8": "utf-8-sig"}
_CHUNK = 65_536


def is_known(name: object) -> bool:
    """Whether a block may name this encoding."""
    return name in ENCODINGS


def opened(raw: IO[bytes], encoding: str) -> TextIO:
    """The stream as text, with line breaks as they stand."""
    return io.TextIOWrapper(raw, encoding=_CODECS.get(encoding, encoding), newline="")


def marked(head: bytes, encoding: str) -> tuple[str, str] | None:
    """What is wrong when the file begins with the mark of another encoding."""
    if head.startswith(codecs.BOM_UTF8) and encoding != "utf-8":
        return f"this file is marked as UTF-8, and not {encoding}", "leave `encoding` away"
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) and encoding != "utf-16":
        return "this file is marked as UTF-16", "say `encoding: utf-16`, or save it as UTF-8"
    return None


def undecodable(path: Path, encoding: str, name: str) -> Finding:
    """Where the first byte stands that is not of the encoding, and which one the file seems to have."""
    decoder = codecs.getincrementaldecoder(_CODECS.get(encoding, encoding))()
    line, width = 1, 0
    with path.open("rb") as raw:
        while chunk := raw.read(_CHUNK):
            try:
                text = decoder.decode(chunk)
            except UnicodeDecodeError as error:
                good = error.object[: error.start].decode(encoding, "replace")
                line, width = _after(good, line, width)
                return Finding(
                    Origin(name, line, width + 1), f"this is not {encoding}", _advice(error.object, encoding)
                )
            line, width = _after(text, line, width)
    return Finding(Origin(name, line, width + 1), f"this {encoding} ends too early", "save it again, as UTF-8")


def _after(text: str, line: int, width: int) -> tuple[int, int]:
    """Line and characters on it, once ``text`` follows."""
    breaks = text.count("\n")
    return line + breaks, len(text) - text.rfind("\n") - 1 if breaks else width + len(text)


def _advice(sample: bytes, encoding: str) -> str:
    """UTF-8 is tried first, then Windows-1252, which knows all of Latin-1 that people write."""
    for guess in ("utf-8", "cp1252"):
        try:
            codecs.getincrementaldecoder(guess)().decode(sample)
        except UnicodeDecodeError:
            continue
        if guess != encoding:
            return f"it looks like {guess}: say `encoding: {guess}`, or save it as UTF-8"
    return "say `encoding: latin-1` if it is that, or save it as UTF-8"
