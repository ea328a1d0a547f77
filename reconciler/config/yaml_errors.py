"""Explains what YAML's parser refuses: bytes that are not text, forbidden characters, errors of syntax."""

from __future__ import annotations

import codecs
import re

import yaml

from reconciler.config.problems import Finding, shown
from reconciler.model.values import Origin

FORBIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]"
)  # the complement compiles slowly
BREAK = re.compile("\r\n|[\r\n\x85\u2028\u2029]")

_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_INDENT = "check the indentation of this line and of those above it"
_CLOSE = "close it with `{}`, and put values that contain brackets or commas into quotes"
_QUOTE = "put the value into quotes if it contains `: ` or ` #`"

_ESCAPE = "write the character itself; `\\ud83d\\ude00` is how JSON writes one character in two halves"
_PERCENT = "remove the line, or put it into quotes if it is text"

#: Errors that are reported at the position where the list or mapping begins.
_OPENED = ("unexpected end of stream", "expected ',' or ']'", "expected ',' or '}'")

#: Part of a message of the parser → the message and advice of reconciler; the first match counts.
_WORDS = (
    ("mapping values are not allowed", "unexpected `:`", f"{_INDENT}; {_QUOTE}"),
    ("tab character", "a tab is used for indentation", "use spaces"),
    ("did not find expected key", "expected a key or the end of the mapping", _INDENT),
    ("could not find expected ':'", "missing `:` after a key", "write `key: value`, each on its own line"),
    ("expected '-' indicator", "this line does not continue the list above it", _INDENT),
    ("expected ',' or ']'", "unclosed `[`", _CLOSE.format("]")),
    ("expected ',' or '}'", "unclosed `{`", _CLOSE.format("}")),
    ("expected node content", "missing value", "add it, or close the bracket before it"),
    ("unexpected end of stream", "unclosed quote", "close it"),
    ("found unexpected document indicator", "unclosed quote before the end of the document", "close it"),
    ("unknown escape character", "unknown escape sequence", "use single quotes, or double the backslash"),
    ("expected <document start>", "unexpected text after the end of the document", _INDENT),
    ("invalid Unicode character escape", "invalid Unicode escape", _ESCAPE),
    ("block sequence entries are not allowed", "a list cannot begin on this line", "begin each `- ` on its own line"),
    (
        "unknown directive name",
        "unknown YAML directive (a line that begins with `%`)",
        _PERCENT,
    ),
    ("undefined tag handle", "undefined YAML tag", "remove the tag"),
    ("incompatible YAML document", "unsupported %YAML version", "remove the %YAML line"),
    ("while scanning an alias", "`*` begins an alias, but no name follows", "put the value into quotes"),
    ("while scanning an anchor", "`&` begins an anchor, but no name follows", "put the value into quotes"),
)


def decode(content: bytes, file: str) -> str | Finding:
    """Decode UTF-8, or UTF-16 with a byte order mark (YAML 1.2 §5.2); a finding at the first invalid byte."""
    encoding = "utf-16" if content.startswith(_UTF16) else "utf-8-sig"
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        before = error.object[: error.start].decode(encoding, errors="replace")
        name = "UTF-16" if encoding == "utf-16" else "UTF-8"
        return Finding(position(before, len(before), file), f"not valid {name}", "save it as UTF-8")


def position(text: str, index: int, file: str) -> Origin:
    """The line and column, from 1, of a character."""
    breaks = list(BREAK.finditer(text, 0, index))
    return Origin(file, len(breaks) + 1, index - (breaks[-1].end() if breaks else 0) + 1)


def forbidden(text: str, file: str) -> Finding | None:
    """The first character that YAML does not allow in a file (YAML 1.2 §5.1), if there is one."""
    found = FORBIDDEN.search(text)
    if found is None:
        return None
    what = f"the character U+{ord(found.group()):04X} is not allowed in a YAML file"
    return Finding(
        position(text, found.start(), file), what, "remove it, or write it as an escape sequence in double quotes"
    )


def explain(error: yaml.YAMLError, text: str, file: str) -> Finding:
    """The finding for an error of the YAML parser."""
    if not isinstance(error, yaml.MarkedYAMLError):
        return forbidden(text, file) or Finding(Origin(file, 1, 1), "invalid YAML", "")
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
    return Finding(origin, f"invalid YAML: {error.problem}")


def escape_beyond_unicode(text: str, file: str) -> Finding:
    """The first escape above U+10FFFF, for a parser that raises an error without a position."""
    found = re.finditer(r"\\U([0-9A-Fa-f]{8})", text)
    at = next((each.start() for each in found if int(each.group(1), 16) > 0x10FFFF), 0)
    return Finding(position(text, at, file), "invalid Unicode escape", _ESCAPE)


def _stray(origin: Origin, text: str) -> Finding:
    lines = BREAK.split(text)
    char = lines[origin.line - 1][origin.column - 1 : origin.column] if origin.line <= len(lines) else ""
    if char == "\t":
        return Finding(origin, "a tab is used for indentation", "use spaces")
    return Finding(origin, f"an unquoted value cannot begin with {shown(char)}", "put the value into quotes")
