"""Formats plain values as YAML that all parsers read alike, and writes sets of files, all or none."""

from __future__ import annotations

import contextlib
import csv
import io
import os
import re
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from reconciler.config import storage
from reconciler.config.csv_source import guarded
from reconciler.errors import ConfigurationError, Refused
from reconciler.planner.documents import CsvFile, Plain, YamlItem

#: Words that some YAML parsers read as booleans or null (1.1: yes, on; 1.2: null, true).
_WORDS = frozenset("null true false yes no on off y n".split())
_PLAIN = re.compile(r"[^\W\d_](?:[\w .@+/&()!'=-]|:(?=/))*")
#: Maximum length of a line with brackets; a longer value is written as a block.
WIDTH = 118

_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r", "\0": "\\0"}


def scalar(text: str, style: str = "") -> str:
    """Text as a scalar that is read as this text in blocks and in brackets; ``${`` is escaped.

    ``style``: quotes to use (``'`` or ``"``); double quotes replace single ones that cannot hold the text.
    """
    literal = text.replace("${", "$${")
    if not style and is_plain(literal):
        return literal
    if style == "'" and literal.isprintable():
        return "'" + literal.replace("'", "''") + "'"
    return '"' + "".join(map(_escaped, literal)) + '"'


def is_plain(text: str) -> bool:
    """Whether text needs no quotes: it begins with a letter and has no character with a meaning in YAML."""
    return bool(_PLAIN.fullmatch(text)) and text[-1:] != " " and text.lower() not in _WORDS


def _escaped(char: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    if char.isprintable():
        return char
    number = ord(char)
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def inline(value: Plain) -> str:
    """A value on one line, in brackets where it has parts."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_key(key)}: {inline(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(inline, value)) + "]"
    if isinstance(value, str):
        return scalar(value)
    return "null" if value is None else str(value).lower()


def _key(key: str) -> str:
    return key if is_word(key) else scalar(key, '"')


def is_word(key: str) -> bool:
    """Whether a key needs no quotes."""
    return re.fullmatch(r"[A-Za-z]\w*(\.\w+)?", key) is not None and key.lower() not in _WORDS


def document(section: str, blocks: Iterable[YamlItem], head: Sequence[str] = ()) -> str:
    """A whole file with one section; ``head`` are the comments above it."""
    lines = [f"# {line}" for line in head]
    written = list(blocks)
    has_items = any(not block.off for block in written)
    lines.append(f"{section}:" if has_items else f"# {section}:")
    for block in written:
        lines += [f"  # {block.note}"] if block.note else []
        body = list(_item(block.value))
        lines += [f"  # {line}" for line in body] if block.off else [f"  {line}" for line in body]
    return "\n".join(lines) + "\n"


def _item(value: Plain) -> Iterator[str]:
    """An item of a block list: short ones on one line, mappings key by key."""
    if not isinstance(value, dict):
        yield f"- {inline(value)}"
        return
    lead = "- "
    for key, each in value.items():
        yield from _pair(lead, key, each)
        lead = "  "


def _pair(lead: str, key: str, value: Plain) -> Iterator[str]:
    """A key of an item: on one line, or as a block if it is long or has many parts."""
    short = f"{lead}{_key(key)}: {inline(value)}"
    many = isinstance(value, list) and len(value) > 3
    if not isinstance(value, list | dict) or (len(short) <= WIDTH - 2 and not many):
        yield short
        return
    yield f"{lead}{_key(key)}:"
    pad = " " * (len(lead) + 2)
    if isinstance(value, list):
        yield from (f"{pad}- {inline(member)}" for member in value)
    else:
        for inner, each in value.items():
            yield from _pair(pad, inner, each)


def table(csv_source: CsvFile) -> str:
    """A CSV source as CSV, with its header."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(csv_source.columns)
    writer.writerows([guarded(cell) for cell in row] for row in csv_source.rows)
    return stream.getvalue()


def create(texts: Mapping[Path, bytes], *, private: bool = False) -> None:
    """Create files, all or none; ``private``: readable by their owner only.

    Raises Refused if one exists already, ConfigurationError if one cannot be written.
    """
    there = [str(path) for path in texts if os.path.lexists(path)]
    if there:
        what = f"{', '.join(there)}: exists already, and nothing is overwritten"
        raise Refused(f"{what}; move it away, or use another folder")
    made: list[Path] = []
    try:
        with _staged(texts) as staged:
            for path, temporary in staged.items():
                _put(temporary, path, private=private)
                made.append(path)
    except OSError as error:
        for path in made:
            path.unlink(missing_ok=True)
        raise ConfigurationError(_cannot(error, texts)) from error


def _put(temporary: Path, path: Path, *, private: bool) -> None:
    """Give a temporary file its name, with ordinary or private permissions. Raises FileExistsError if it is taken."""
    mask = os.umask(0)
    os.umask(mask)
    temporary.chmod(storage.PRIVATE if private else 0o666 & ~mask)
    try:
        os.link(temporary, path)
    except FileExistsError:
        raise
    except OSError:  # a disk without links
        if os.path.lexists(path):
            raise
        temporary.rename(path)


def replace(texts: Mapping[Path, bytes], before: Mapping[Path, bytes]) -> None:
    """Replace the content of files, all or none; permissions are kept.

    Raises Refused if one differs from ``before``, ConfigurationError if one cannot be written.
    """
    done: list[Path] = []
    try:
        with _staged(texts) as staged:
            for path in texts:
                if path.read_bytes() != before[path]:
                    raise Refused(f"{path} was changed meanwhile; nothing was written, run it again")
            for path, temporary in staged.items():
                temporary.chmod(stat.S_IMODE(path.stat().st_mode))
                temporary.replace(path.resolve())
                done.append(path)
    except OSError as error:
        for path in done:
            storage.write(path.resolve(), before[path], stat.S_IMODE(path.stat().st_mode))
        raise ConfigurationError(_cannot(error, texts)) from error


@contextlib.contextmanager
def _staged(texts: Mapping[Path, bytes]) -> Iterator[dict[Path, Path]]:
    """Write each content to a temporary file next to its path, flushed to disk; leftovers are removed at the end."""
    staged: dict[Path, Path] = {}
    try:
        for path, content in texts.items():
            storage.refuse_linked_folder(path)
            handle, staged[path] = storage.create_beside(path.resolve())
            with os.fdopen(handle, "wb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
        yield staged
    finally:
        for temporary in staged.values():
            temporary.unlink(missing_ok=True)


def _cannot(error: OSError, texts: Iterable[Path]) -> str:
    folder = next(iter(texts)).parent if error.filename is None else Path(error.filename).parent
    return f"{folder} cannot be written: {(error.strerror or str(error)).lower()}; nothing was written"
