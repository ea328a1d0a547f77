"""Bytes and the complaints of the YAML parser → text, or a finding in plain words at its position."""

from __future__ import annotations

import codecs
import re

import yaml

from reconciler.disk.findings import Finding, shown
from reconciler.model.values import Origin

FORBIDDEN = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufeff\uff00-\ufffd\U00010000-\U0010ffff]")
BREAK = re.compile("\r\n|[\r\n\x85\u2028\u2029]")

_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_INDENT = "check the indentation of this line and of those above it"
_CLOSE = "close it with `{}`, and put values that hold brackets or commas into quotes"
_QUOTE = "put the value into quotes when it holds `: ` or ` #`"

_ESCAPE = "write the character itself; `\\ud83d\\ude00` is how JSON writes one character in two halves"
_PERCENT = "remove the line, or put it into quotes if it is text"

#: What is said best where it began.
_OPENED = ("unexpected end of stream", "expected ',' or ']'", "expected ',' or '}'")

#: What the parser says, by a part of it → what we say and advise; the first match counts.
_WORDS = (
    ("mapping values are not allowed", "a `:` stands where no key can be", f"{_INDENT}; {_QUOTE}"),
    ("tab character", "a tab is used for indentation", "use spaces"),
    ("did not find expected key", "this is neither a key nor the end of the mapping", _INDENT),
    ("could not find expected ':'", "a key has no `:` after it", "write `key: value`, each on its own line"),
    ("expected '-' indicator", "this line does not continue the list above it", _INDENT),
    ("expected ',' or ']'", "the list that began with `[` is not closed", _CLOSE.format("]")),
    ("expected ',' or '}'", "the mapping that began with `{` is not closed", _CLOSE.format("}")),
    ("expected node content", "a value is missing here", "write it, or close what is open before it"),
    ("unexpected end of stream", "a quote is opened here and never closed", "close it"),
    ("found unexpected document indicator", "a quote is not closed before the document ends", "close it"),
    ("unknown escape character", "an escape that YAML does not know", "use single quotes, or double the backslash"),
    ("expected <document start>", "the text goes on after its document has ended", _INDENT),
    ("invalid Unicode character escape", "an escape that stands for no character", _ESCAPE),
    ("block sequence entries are not allowed", "a list cannot begin on this line", "begin each `- ` on its own line"),
    (
        "unknown directive name",
        "an unknown directive of YAML: a line that begins with `%`",
        _PERCENT,
    ),
    ("undefined tag handle", "a tag that is not defined", "leave the tag away"),
    ("incompatible YAML document", "a %YAML version that cannot be read", "leave the %YAML line away"),
    ("while scanning an alias", "a `*` begins an alias, and no name follows", "put the value into quotes"),
    ("while scanning an anchor", "a `&` begins an anchor, and no name follows", "put the value into quotes"),
)


def decode(content: bytes, file: str) -> str | Finding:
    """UTF-8, with or without its mark, or UTF-16 with one (YAML 1.2 §5.2) → text, or where it stops being that."""
    encoding = "utf-16" if content.startswith(_UTF16) else "utf-8-sig"
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        before = error.object[: error.start].decode(encoding, errors="replace")
        name = "UTF-16" if encoding == "utf-16" else "UTF-8"
        return Finding(position(before, len(before), file), f"the file is not {name} here", "save it as UTF-8")


def position(text: str, index: int, file: str) -> Origin:
    """The line and column, from 1, of a character."""
    breaks = list(BREAK.finditer(text, 0, index))
    return Origin(file, len(breaks) + 1, index - (breaks[-1].end() if breaks else 0) + 1)


def forbidden(text: str, file: str) -> Finding | None:
    """The first character that YAML does not allow in a file (YAML 1.2 §5.1), if there is one."""
    found = FORBIDDEN.search(text)
    if found is None:
        return None
    what = f"the character U+{ord(found.group()):04X} is not allowed in YAML"
    return Finding(position(text, found.start(), file), what, "remove it, or write it as an escape in double quotes")


def explain(error: yaml.YAMLError, text: str, file: str) -> Finding:
    """What the parser could not read, in plain words."""
    if not isinstance(error, yaml.MarkedYAMLError):
        return forbidden(text, file) or Finding(Origin(file, 1, 1), "this is not YAML", "")
    said = f"{error.context or ''} {error.problem or ''}"
    mark = error.problem_mark or error.context_mark
    if any(part in said for part in _OPENED) and error.context_mark:
        mark = error.context_mark
    origin = Origin(file, mark.line + 1, mark.column + 1) if mark else Origin(file, 1, 1)
    if "cannot start any token" in said:
        return _stray(origin, text)
    for part, what, hint in _WORDS:
        if part in said:
            return Finding(origin, what, hint)
    return Finding(origin, f"this is not YAML: {error.problem}")


def escape_beyond_unicode(text: str, file: str) -> Finding:
    """The first escape above U+10FFFF, for a parser that raises an error without a position."""
    found = re.finditer(r"\\U([0-9A-Fa-f]{8})", text)
    at = next((each.start() for each in found if int(each.group(1), 16) > 0x10FFFF), 0)
    return Finding(position(text, at, file), "an escape that stands for no character", _ESCAPE)


def _stray(origin: Origin, text: str) -> Finding:
    lines = BREAK.split(text)
    char = lines[origin.line - 1][origin.column - 1 : origin.column] if origin.line <= len(lines) else ""
    if char == "\t":
        return Finding(origin, "a tab is used for indentation", "use spaces")
    return Finding(origin, f"a value without quotes cannot begin with {shown(char)}", "put the value into quotes")
