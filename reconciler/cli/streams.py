"""Text streams that spell out characters they cannot show, and a stream of log records as JSON lines."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import TextIO

#: What plain ASCII says instead of the signs that our own texts use.
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

#: What a locale without signs beyond ASCII is called.
_BARE = ("C", "POSIX")


def speaks_unicode(stream: TextIO, environ: Mapping[str, str] = os.environ) -> bool:
    """Whether arrows and the like reach the reader: by the stream's encoding, on a terminal by its locale too.

    Python itself writes UTF-8 under LANG=C (PEP 538, 540); a terminal of that locale need not read it.
    """
    try:
        _SIGNS.encode(getattr(stream, "encoding", None) or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    if not stream.isatty():
        return True
    forced = environ.get("PYTHONIOENCODING") or environ.get("PYTHONUTF8") == "1"
    named = environ.get("LC_ALL") or environ.get("LANG") or environ.get("LC_CTYPE")
    return bool(forced) or named not in _BARE


def plainly(text: str) -> str:
    """The text in ASCII as far as our own signs go."""
    return text if text.isascii() else text.translate(_TABLE)


class WrappedStream:
    """A text stream in front of another one; ``write`` is what differs."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        """Write the text; what the stream cannot show is spelled out rather than not shown."""
        try:
            self.stream.write(text)
        except UnicodeEncodeError:
            encoding = self.stream.encoding
            self.stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        """Write each."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> object:
        if name == "buffer":  # bytes would pass by
            raise AttributeError(name)
        return getattr(self.stream, name)


class PlainStream(WrappedStream):
    """Spells out what ASCII cannot show: our own signs in their like, everything else by its code."""

    def write(self, text: str) -> int:
        """Write the text; JSON with the escapes that JSON has, and no other sign in it."""
        shown = text if text.lstrip()[:1] in ("{", "[") else plainly(text)
        super().write(shown if shown.isascii() else "".join(_spelled(char) for char in shown))
        return len(text)


def _spelled(char: str) -> str:
    """``\\u00e9``; beyond the first plane two of them, as in JSON."""
    return char if char.isascii() else json.dumps(char)[1:-1]


class JsonLogStream(WrappedStream):
    """Standard error as one JSON object a line, for collectors of logs (``--log-format json``).

    Whatever is written becomes the message of a line; :meth:`log` says more. Keys: ``time`` (RFC 3339, UTC),
    ``level`` (debug, info, warning, error), ``event``, ``message``, and the fields of the event.
    """

    def __init__(self, stream: TextIO, now: Callable[[], float] = time.time) -> None:
        super().__init__(stream)
        self._now, self._rest = now, ""

    def isatty(self) -> bool:
        """No bars, no colours, nobody to ask."""
        return False

    def write(self, text: str) -> int:
        """Every whole line becomes an object; a started one waits for its end."""
        *whole, self._rest = (self._rest + text).split("\n")
        for line in whole:
            if line.strip():
                self.log(line.strip())
        return len(text)

    def log(self, message: str, level: str = "info", event: str = "message", **fields: object) -> None:
        """One object, at once."""
        at = datetime.fromtimestamp(self._now(), UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        said = {"time": at, "level": level, "event": event, "message": message, **fields}
        self.stream.write(json.dumps(said, default=str) + "\n")
        self.stream.flush()

    def close(self) -> None:
        """Say what never got its end of line."""
        if self._rest.strip():
            self.write("\n")
        self.stream.flush()
