"""Sorts problems by position and formats their values and suggestions."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from typing import NamedTuple

from reconciler.errors import ConfigurationError, Problem
from reconciler.model.values import Origin

#: Maximum number of findings that are reported per file; more of them usually have one cause.
MAX_FINDINGS = 1_000
#: Maximum length of a value in a message; longer ones are cut.
MAX_SHOWN = 40


class Finding(NamedTuple):
    """One error in a file: its position, what is wrong, and what to do."""

    origin: Origin
    what: str
    hint: str = ""

    def problem(self) -> Problem:
        """The finding with its position as text, ``file:line:column``."""
        return Problem(str(self.origin), self.what, self.hint)


def raise_if_any(findings: Iterable[Finding], others: Iterable[Problem] = ()) -> None:
    """Raise one ConfigurationError with all problems, each once."""
    ordered = sorted(set(findings), key=lambda finding: (finding.origin, finding.what))
    problems = list(dict.fromkeys([*others, *(finding.problem() for finding in ordered)]))
    if problems:
        raise ConfigurationError(problems)


def nearest(word: str, known: Iterable[str]) -> str:
    """A suggestion such as ``did you mean `tags`?``; empty when no known word is similar."""
    names = {name.lower(): name for name in known}
    stem = re.split("[-_.]", word.lower())[0]  # fr-FR is fr
    if stem in names:
        return f"did you mean `{names[stem]}`?"
    cutoff = 0.6 if len(word) > 3 else 0.5  # two letters swapped in a short word are half of it
    matches = difflib.get_close_matches(word.lower(), names, n=1, cutoff=cutoff)
    return f"did you mean `{names[matches[0]]}`?" if matches else ""


def suggest(word: str, known: Iterable[str], *, noun: str) -> str:
    """``did you mean …?`` for a similar known word, else the known words: ``variables: a, b``."""
    names = sorted(known)
    if not names:
        return f"no {noun} are defined"
    more = f" and {len(names) - 20:,} more" if len(names) > 20 else ""
    return nearest(word, names) or f"{noun}: {', '.join(names[:20])}{more}"


def shown(value: object) -> str:
    """A value for a message: text in double quotes, cut at 40 characters, control characters escaped."""
    text = value if isinstance(value, str) else str(value)
    text = "".join(char if char.isprintable() else repr(char)[1:-1] for char in text[: MAX_SHOWN + 1])
    if len(text) > MAX_SHOWN:
        text = text[: MAX_SHOWN - 1] + "…"
    return f'"{text}"' if isinstance(value, str) else text


def count(number: int, noun: str) -> str:
    """``1 character``, ``2 characters``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
