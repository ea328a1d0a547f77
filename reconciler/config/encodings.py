"""The bytes of a CSV source → text, or the one sentence that says which encoding to name."""

from __future__ import annotations

import codecs
import io
import zipfile
from pathlib import Path
from typing import IO, TextIO

from reconciler.config.problems import Complaint
from reconciler.kinds.csv_options import ENCODINGS
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


#: First bytes → what such a file is, and what to do with it.
_FORMATS = (
    (b"\xd0\xcf\x11\xe0", "an Excel workbook", "export it as CSV"),
    (b"\x1f\x8b", "a gzip archive", "unpack it"),
    (b"BZh", "a bzip2 archive", "unpack it"),
    (b"\xfd7zXZ", "an xz archive", "unpack it"),
    (b"7z\xbc\xaf", "a 7-Zip archive", "unpack it"),
    (b"%PDF", "a PDF document", "export the table as CSV"),
)


def another_format(head: bytes, path: Path) -> tuple[str, str] | None:
    """What the file is instead of text: a workbook or an archive under the name of a CSV file."""
    if head.startswith(b"PK\x03\x04"):
        return _zipped(path)
    return next((("this is " + what, hint) for magic, what, hint in _FORMATS if head.startswith(magic)), None)


def _zipped(path: Path) -> tuple[str, str]:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (OSError, zipfile.BadZipFile):
        names = []
    if any(name.startswith("xl/") for name in names):
        return "this is an Excel workbook", "export it as CSV"
    if "content.xml" in names:
        return "this is an OpenDocument spreadsheet", "export it as CSV"
    return "this is a ZIP archive", "unpack it"


def marked(head: bytes, encoding: str) -> tuple[str, str] | None:
    """What is wrong when the file begins with the mark of another encoding, or lacks the one that it needs."""
    if head.startswith(codecs.BOM_UTF8) and encoding != "utf-8":
        return f"this file is marked as UTF-8, and not {encoding}", "leave `encoding` away"
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) and encoding != "utf-16":
        return "this file is marked as UTF-16", "say `encoding: utf-16`, or save it as UTF-8"
    if encoding == "utf-16" and head and not head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        if b"\0" in head:
            return "this UTF-16 has no byte order mark", "save it as UTF-8, and remove `encoding`"
        return "this file is not UTF-16", "remove `encoding`, or name the right one"
    return None


def undecodable(path: Path, encoding: str, name: str) -> Complaint:
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
                return Complaint(
                    Origin(name, line, width + 1), f"this is not {encoding}", _advice(error.object, encoding)
                )
            line, width = _after(text, line, width)
    return Complaint(Origin(name, line, width + 1), f"this {encoding} ends too early", "save it again, as UTF-8")


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
