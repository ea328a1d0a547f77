"""Values, addresses and numbers in words."""

from __future__ import annotations

import json
from typing import Any

import pytest

from reconciler.model.values import Address, Ref, Secret
from reconciler.output import wording
from reconciler.output.wording import json_text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("Zo\u00eb \u4f60\u597d \U0001f600", "Zo\u00eb \u4f60\u597d \U0001f600"),
        ("\x1b[31mred", "\\u001b[31mred"),
        ("a\nb\tc\r", "a\\u000ab\\u0009c\\u000d"),
        ("\x7f", "\\u007f"),
        ("\x9b31m", "\\u009b31m"),
        ("\u202etxt.exe", "\\u202etxt.exe"),
        ("a\u200bb", "a\\u200bb"),
        ("\ufeff", "\\ufeff"),
        ("\u2028\u2029", "\\u2028\\u2029"),
        ("\ue000", "\\ue000"),
        ("\ud800", "\\ud800"),
        ("", ""),
    ],
)
def test_nothing_gets_through_that_a_terminal_obeys(text: str, shown: str) -> None:
    """Escapes, controls, direction marks, invisible and private characters, halves of pairs."""
    assert wording.printable(text) == shown


@pytest.mark.parametrize(
    ("content", "shown"),
    [
        (None, "unset"),
        (True, "true"),
        (False, "false"),
        (12, "12"),
        ("Ann", '"Ann"'),
        ("", '""'),
        ("x" * 60, f'"{"x" * 60}"'),
        ("x" * 61, f'"{"x" * 59}…"'),
        (Secret("env:S", "hush"), "(secret from env:S)"),
        (Ref(Address("module", "C/a%2Fb")), "a/b"),
        (frozenset({"b", "a"}), "[a, b]"),
        (frozenset(), "[]"),
        (frozenset({Ref(Address("module", "C/B")), Ref(Address("module", "C/A"))}), "[A, B]"),
        ("\x1b", '"\\u001b"'),
        ('a" → "b', '"a\\" → \\"b"'),
        ("C:\\", '"C:\\\\"'),
        ("\\u001b", '"\\\\u001b"'),
        (frozenset({'"a"', "b"}), '[\\"a\\", b]'),
    ],
)
def test_values_are_shown_so_that_they_can_be_told_apart(content: Any, shown: str) -> None:
    """Text in quotes, cut when it is long; secrets by their source."""
    assert wording.value(content) == shown


@pytest.mark.parametrize(("number", "text"), [(0, "0 calls"), (1, "1 call"), (2, "2 calls"), (1204, "1,204 calls")])
def test_counts(number: int, text: str) -> None:
    """With thousands apart; an odd plural is given."""
    assert wording.count(number, "call") == text
    assert wording.count(2, "person", "people") == "2 people"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.2, "under 1 s"), (1.6, "about 2 s"), (99, "about 99 s"), (120, "about 2 min"), (7200, "about 2.0 h")],
)
def test_durations(seconds: float, text: str) -> None:
    """Rounded to what a person waits."""
    assert wording.duration(seconds) == text


def test_addresses_and_names_are_cleaned() -> None:
    """The address as it is typed, the name as it is called."""
    address = Address("tag", "a%2Fb\x1b")
    assert wording.shown(address) == "tag/a/b\\u001b"
    assert wording.name_of(address) == "a/b\\u001b"


@pytest.mark.parametrize(
    ("char", "spelled"),
    [
        ("\u115f", "\\u115f"),
        ("\u3164", "\\u3164"),
        ("\uffa0", "\\uffa0"),
        ("\u2800", "\\u2800"),
        ("\u034f", "\\u034f"),
        ("\U000e0041", "\\U000e0041"),
        ("\U000e0101", "\\U000e0101"),
    ],
)
def test_what_shows_nothing_is_spelled_out(char: str, spelled: str) -> None:
    """In words, and in JSON so that it reads as the same text."""
    assert wording.printable(f"a{char}b") == f"a{spelled}b"
    text = json_text({"a": f"x{char}y"})
    assert char not in text
    assert json.loads(text) == {"a": f"x{char}y"}
