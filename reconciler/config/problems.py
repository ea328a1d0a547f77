"""What is wrong at which position → problems in reading order, with near misses and cut values."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from typing import NamedTuple

from reconciler.errors import ConfigurationError, Problem
from reconciler.model.values import Origin

#: So many problems of one file are told at most; who meets them all has one cause, not a thousand.
MOST = 1_000
#: Values longer than this are cut in messages.
SHOWN = 40


class Complaint(NamedTuple):
    """One problem before it is written out: where it stands, what it is, what to do."""

    origin: Origin
    what: str
    hint: str = ""

    def problem(self) -> Problem:
        """The same with the position as text ``file:line:column``."""
        return Problem(str(self.origin), self.what, self.hint)


def raise_if_any(findings: Iterable[Complaint], others: Iterable[Problem] = ()) -> None:
    """Raise one ConfigurationError with ``others`` first, then all findings by file, line and column, each once."""
    ordered = sorted(set(findings), key=lambda finding: (finding.origin, finding.what))
    problems = [*others, *(finding.problem() for finding in ordered)]
    if problems:
        raise ConfigurationError(problems)


def nearest(word: str, known: Iterable[str]) -> str:
    """A hint that names the best near miss, ``did you mean `tags`?``; empty when nothing is near."""
    names = {name.lower(): name for name in known}
    stem = re.split("[-_.]", word.lower())[0]  # fr-FR is fr
    if stem in names:
        return f"did you mean `{names[stem]}`?"
    cutoff = 0.6 if len(word) > 3 else 0.5  # two letters swapped in a short word are half of it
    matches = difflib.get_close_matches(word.lower(), names, n=1, cutoff=cutoff)
    return f"did you mean `{names[matches[0]]}`?" if matches else ""


def suggest(word: str, known: Iterable[str], *, noun: str) -> str:
    """The near miss, or else what there is: ``the variables are a, b``; with nothing known, that there is none."""
    names = sorted(known)
    if not names:
        return f"there are no {noun} here"
    more = ", …" if len(names) > 20 else ""
    return nearest(word, names) or f"the {noun} are {', '.join(names[:20])}{more}"


def shown(value: object) -> str:
    """A value for a message: text in double quotes, cut at 40 characters, control characters escaped."""
    text = value if isinstance(value, str) else str(value)
    text = "".join(char if char.isprintable() else repr(char)[1:-1] for char in text[: SHOWN + 1])
    if len(text) > SHOWN:
        text = text[: SHOWN - 1] + "…"
    return f'"{text}"' if isinstance(value, str) else text


def count(number: int, noun: str) -> str:
    """``1 character``, ``2 characters``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
