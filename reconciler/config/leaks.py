"""A text → what in it looks like a secret that somebody wrote down: the position and a word for it, never the secret.

Lines are looked at as they stand, so comments and CSV sources count like values. Three things are told: what has the
form of a secret (a private key, a token of a known service, a URL with a password), what stands behind a name that
says secret and is neither a reference nor a word, and what only a generator writes: long, with letters of both cases
and digits in no order.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

#: On a line with these words nothing is told.
ALLOWED = "reconciler: not-a-secret"


class Leak(NamedTuple):
    """Where something starts that looks like a secret, from 1, and what it looks like."""

    line: int
    column: int
    what: str


#: What needs no name beside it: its form tells. A group named ``it`` is the secret, where that is not the whole.
_FORMS = tuple(
    (what, re.compile(pattern))
    for what, pattern in (
        ("a private key", r"-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----"),
        (
            "a URL with a password",
            r"\b[A-Za-z][A-Za-z0-9+.-]{1,30}://[^\s/?#:@'\"]{0,200}:(?P<it>[^\s/?#@'\"]{1,200})@",
        ),
        ("a token of GitHub", r"\b(?:gh[pousr]_[A-Za-z0-9]{30,}|github_pat_\w{40,})"),
        ("a token of GitLab", r"\bgl(?:pat|dt|rt|cbt|ptt|soat)-[\w.-]{20,}"),
        ("a key of AWS", r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
        ("a key of Google", r"\bAIza[\w-]{35}(?![\w-])"),
        ("a key of Stripe", r"\b(?:[rs]k_(?:live|test)_|whsec_)[A-Za-z0-9+/=]{16,}"),
        ("a token of Slack", r"\bxox[abeoprs]-[\w-]{10,}"),
        ("an address that is a secret", r"\bhooks\.slack\.com/services/(?P<it>\w+/\w+/\w+)"),
        ("an address that is a secret", r"\bdiscord(?:app)?\.com/api/webhooks/(?P<it>\d+/[\w-]+)"),
        ("a signed token", r"\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,}"),
        ("a bearer token", r"\b[Bb]earer\s+(?P<it>[\w.~+/=-]{12,})"),
    )
)

#: A name that says secret, what sets the value apart, and the value.
_NAMED = re.compile(
    r"""(?ix) (?P<name> [\w.-]{0,40}
        (?: secret | passw(?:or)?d | passphrase | token | credentials?
          | (?: api | access | private | auth | ledger | signing ) [_-]? key )
        [\w.-]{0,20} )
        ["']? \s* (?: [:=] | => | ,(?=\S) ) \s*
        (?: "(?P<double>[^"]{1,300})" | '(?P<single>[^']{1,300})' | (?P<plain>[^\s"'#,;&{}\[\]()]{1,300}) )""",
)
#: Lines without any of these are not looked through for names.
_HINTS = re.compile(r"(?i)secret|passw|passphrase|token|key|credential")
#: What a generator makes, by its length and signs.
_LONG = re.compile(r"(?<![\w+/=.~%@-])[A-Za-z0-9_+/-]{32,200}={0,2}(?![\w+/=.~%@-])")
_URL = re.compile(r"[a-z][a-z0-9+.-]{1,30}://\S{1,2000}", re.IGNORECASE)

#: What stands for a secret and is none.
_PLACEHOLDER = re.compile(
    r"(?i)^\W*$|^[$<*&!|>{%]|\$\{|\{\{|<[\w -]+>|^(?:your|my|a|the)[-_ ]|example"
    r"|change[-_ ]?me|placeholder|dummy|redacted|hidden"
    r"|\.\.\.|…|x{4,}|\*{3,}|^(?:none|null|true|false|env|file|vault|secrets?)\b|_here$|^(?-i:PASS(?:WORD|WD)?)$"
)
_VARIABLE = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+|\$?[A-Za-z_]+(?:\.[A-Za-z_]+)+")
_PATH = re.compile(r"(?:[.~]{0,2}/)?[\w.-]+(?:/[\w.-]+)*\.[A-Za-z]{1,6}|(?:\.{0,2}/)[\w./-]+")
_UUID_OR_DATE = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|\d{4}-\d\d-\d\d\S*|[\d.,:+-]+")
#: The signs of words: their letters in one case, or as a title has them.
_WORDS = re.compile(r"(?:[A-Z]?[a-z]+|[A-Z]+)(?:[-_ ./:](?:[A-Z]?[a-z]+|[A-Z]+|\d{1,4}))*")

#: Bits a sign below which a long text is no generator's.
_RANDOM = 3.8


def leaks(text: str) -> Iterator[Leak]:
    """Everything in ``text`` that looks like a secret, in order; at most one for a place."""
    for number, line in enumerate(text.splitlines(), 1):
        if ALLOWED not in line:
            taken: list[tuple[int, int]] = []
            found = []
            for what, start, end in _in_line(line):
                if not any(start < other_end and other < end for other, other_end in taken):
                    taken.append((start, end))
                    found.append(Leak(number, start + 1, what))
            yield from sorted(found)


def _in_line(line: str) -> Iterator[tuple[str, int, int]]:
    """What, from, to; the surest first."""
    for what, form in _FORMS:
        for match in form.finditer(line):
            group: str | int = "it" if "it" in form.groupindex else 0
            if not _stands_for(match[group]):
                yield what, *match.span(group)
    for match in _NAMED.finditer(line) if _HINTS.search(line) else ():
        way = next(way for way in ("double", "single", "plain") if match[way] is not None)
        if _is_secret(match[way]):
            yield f"the value of {match['name'].strip('.-')}", *match.span(way)
    long = list(_LONG.finditer(line))
    addresses = [match.span() for match in _URL.finditer(line)] if long else []
    for match in long:
        inside = any(start <= match.start() < end for start, end in addresses)
        if not inside and _is_random(match[0]):
            yield "a key: long and random", *match.span()


def _stands_for(value: str) -> bool:
    return bool(_PLACEHOLDER.search(value) or _VARIABLE.fullmatch(value))


def _is_secret(value: str) -> bool:
    """Whether what stands behind a name that says secret is one: no reference, path, number, date or word."""
    if len(value) < 6 or _stands_for(value):
        return False
    if any(form.fullmatch(value) for form in (_PATH, _UUID_OR_DATE, _WORDS)) or "://" in value:
        return False
    return not value.count(" ") > 1 and _classes(value) >= 2


def _is_random(value: str) -> bool:
    upper, lower, digits = (any(test(char) for char in value) for test in (str.isupper, str.islower, str.isdigit))
    return (
        upper
        and lower
        and digits
        and _bits(value) >= _RANDOM
        and not _PATH.fullmatch(value)
        and (sum(char.isdigit() for char in value) > 2 and value.count("/") < 4)
    )


def _classes(value: str) -> int:
    tests = (str.islower, str.isupper, str.isdigit, lambda char: not char.isalnum())
    return sum(any(test(char) for char in value) for test in tests)


def _bits(value: str) -> float:
    """Shannon's entropy of the signs, in bits each."""
    return -sum(n / len(value) * math.log2(n / len(value)) for n in Counter(value).values())
