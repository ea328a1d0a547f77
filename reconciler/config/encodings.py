"""Decodes a CSV file, or reports which encoding to set."""

from __future__ import annotations

import codecs
import io
from pathlib import Path
from typing import IO, TextIO

from reconciler.config.problems import Finding
from reconciler.kinds.csv_options import ENCODINGS
from reconciler.model.values import Origin

#: A byte order mark at the beginning is accepted.
_CODECS = {"utf-8": "utf-8-sig"}
_CHUNK = 65_536
_LABELS = {"utf-8": "UTF-8", "cp1252": "Windows-1252, as saved by Excel"}


def is_known(name: object) -> bool:
    """Whether a block may name this encoding."""
    return name in ENCODINGS


def opened(raw: IO[bytes], encoding: str) -> TextIO:
    """The stream as text, with its line breaks unchanged."""
    return io.TextIOWrapper(raw, encoding=_CODECS.get(encoding, encoding), newline="")


#: First bytes of a file, its format, and the advice.
_FORMATS = (
    (b"\xd0\xcf\x11\xe0", "an Excel workbook", "export it as CSV"),
    (b"\x1f\x8b", "a gzip archive", "unpack it"),
    (b"BZh", "a bzip2 archive", "unpack it"),
    (b"\xfd7zXZ", "an xz archive", "unpack it"),
    (b"7z\xbc\xaf", "a 7-Zip archive", "unpack it"),
    (b"%PDF", "a PDF document", "export the table as CSV"),
)


def another_format(head: bytes, path: Path) -> tuple[str, str] | None:
    """The message for a workbook or an archive that is named as a CSV file; None for any other file."""
    if head.startswith(b"PK\x03\x04"):
        return _zipped(path)
    return next(
        ((f"this is {what}, not a CSV file", hint) for magic, what, hint in _FORMATS if head.startswith(magic)), None
    )


def _zipped(path: Path) -> tuple[str, str]:
    import zipfile  # with all compression libraries, which no valid file needs

    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (OSError, zipfile.BadZipFile):
        names = []
    if any(name.startswith("xl/") for name in names):
        return "this is an Excel workbook, not a CSV file", "export it as CSV"
    if "content.xml" in names:
        return "this is an OpenDocument spreadsheet, not a CSV file", "export it as CSV"
    return "this is a ZIP archive, not a CSV file", "unpack it"


def marked(head: bytes, encoding: str) -> tuple[str, str] | None:
    """The message for a file whose byte order mark contradicts ``encoding``, or is missing; else None."""
    if head.startswith(codecs.BOM_UTF8) and encoding != "utf-8":
        return f"the file has a UTF-8 byte order mark, but `encoding` is {encoding}", "remove `encoding`"
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) and encoding != "utf-16":
        return "the file has a UTF-16 byte order mark", "add `encoding: utf-16`, or save the file as UTF-8"
    if encoding == "utf-16" and head and not head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        if b"\0" in head:
            return "UTF-16 without a byte order mark", "save the file as UTF-8 and remove `encoding`"
        return "not valid UTF-16", "remove `encoding`, or set the right one"
    return None


def undecodable(path: Path, encoding: str, name: str) -> Finding:
    """The finding at the first byte that is invalid in the encoding, with the probable encoding."""
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
                    Origin(name, line, width + 1), f"not valid {encoding}", _advice(error.object, encoding)
                )
            line, width = _after(text, line, width)
    return Finding(
        Origin(name, line, width + 1),
        f"incomplete character at the end of the file ({encoding})",
        "save it again as UTF-8",
    )


def _after(text: str, line: int, width: int) -> tuple[int, int]:
    """Line and characters on it, once ``text`` follows."""
    breaks = text.count("\n")
    return line + breaks, len(text) - text.rfind("\n") - 1 if breaks else width + len(text)


def _advice(sample: bytes, encoding: str) -> str:
    """The encoding to set: UTF-8 is tried first, then Windows-1252, which includes printable Latin-1."""
    for guess in ("utf-8", "cp1252"):
        try:
            codecs.getincrementaldecoder(guess)().decode(sample)
        except UnicodeDecodeError:
            continue
        if guess != encoding:
            return f'looks like {_LABELS[guess]}: add `encoding: {guess}`, or save it as "CSV UTF-8"'
    return "add `encoding: latin-1` if it is Latin-1, or save it as UTF-8"
