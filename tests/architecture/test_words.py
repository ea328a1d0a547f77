"""One term for one thing: the words that docs/words.md replaces occur in no message, docstring, help text or page."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

#: Pattern of a replaced term → the standard one.
TERMS = {
    r"as (it|they) should be|as the files say": "unchanged; matches the configuration",
    r"\bours\b|\bowned (one|resource)s?|\bforeign\b(?! key)": "managed, unmanaged",
    r"\bgates?\b": "approval (--allow)",
    r"\bwithheld\b": "blocked",
    r"\brosters?\b": "CSV source",
    r"\bsealed\b": "redacted plan; signed",
    r"\bleases?\b": "lock",
    r"\bcontrol API\b": "connections API",
    r"\bapp path\b": "API base URL",
    r"\btak(e|es|en|ing) back\b": "accept; revert",
    r"\bmade-up\b": "anonymized",
    r"\band no others\b": "authoritative",
    r"\b(told|tells) (of|the|what|that|you|us|at|apart)\b|\bis told\b|\bare told\b": "reported, prints",
    r"\bmends?\b|\bmended\b": "fix",
    r"\banew\b": "again",
    r"\bbeforehand\b": "first",
    r"\bnoop\b": "no change",
    r"\bso many (seconds|bytes|rounds|cycles)\b": "the given number",
    r"behind our backs?": "outside of reconciler",
    r"\btend it\b|say everything about|write the account down": "maintain; explain",
    r"\bagain and again\b": "repeatedly, in a loop",
    r"\bwhat needs what\b": "dependencies",
    r"as if it stood|whatever a terminal would obey|\bspell out what\b": "say it with a noun",
    r"\bleave (it|the file|--redact) away\b|\bbelongs? to --\w+": "omit; needs --flag",
    r"\bthe same as --output\b": "short for --output json",
    r"\b(is|are) no (format|domain|ordinary file|address of)\b": "unknown, not a …",
    r"\bboth want standard output\b": "cannot share standard output",
    r"\bAPI requests?\b": "API call",
    r"\basks nobody\b": "without authentication",
    r"\btalk to (standard error|stderr)\b": "diagnostics go to stderr",
}
#: Where people who use the tool read: here Systeme.io is called by its name.
USER_TERMS = {r"\bthe vendor\b": "Systeme.io"}
PATTERN = re.compile("|".join(f"({term})" for term in TERMS), re.IGNORECASE)
PAGES = sorted([*(ROOT / "docs").rglob("*.md"), *ROOT.glob("*.md")])
MODULES = sorted((ROOT / "reconciler").rglob("*.py"))


def texts(module: Path) -> Iterator[tuple[int, str]]:
    """Line and text of every docstring, message and other string constant with more than one word."""
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value:
            yield node.lineno, node.value


def found(text: str, first: int, pattern: re.Pattern[str]) -> Iterator[str]:
    for match in pattern.finditer(text):
        yield f"{first + text.count(chr(10), 0, match.start())}: {match.group()!r}"


def test_modules_use_the_standard_terms() -> None:
    """Messages, help texts and docstrings."""
    hits = {
        str(module.relative_to(ROOT)): [hit for line, text in texts(module) for hit in found(text, line, PATTERN)]
        for module in MODULES
    }
    assert {name: each for name, each in hits.items() if each} == {}


def test_pages_use_the_standard_terms() -> None:
    """All pages of the documentation, and those at the top level."""
    pattern = re.compile("|".join([PATTERN.pattern, *USER_TERMS]), re.IGNORECASE)
    hits = {str(page.relative_to(ROOT)): list(found(page.read_text(), 1, pattern)) for page in PAGES}
    assert {name: each for name, each in hits.items() if each} == {}
