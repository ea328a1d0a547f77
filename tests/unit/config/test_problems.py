"""Findings: order, suggestions, and what of a value is shown."""

import pytest

from reconciler.config.problems import Finding, count, nearest, raise_if_any, shown, suggest
from reconciler.errors import ConfigurationError, Problem
from reconciler.model.values import Origin


def test_findings_are_sorted_by_file_line_and_column_and_said_once():
    """Line 10 comes after line 9."""
    places = [("b", 1, 1), ("a", 10, 1), ("a", 9, 5), ("a", 9, 2), ("a", 9, 2)]
    with pytest.raises(ConfigurationError) as caught:
        raise_if_any([Finding(Origin(*place), "wrong") for place in places], [Problem("z", "missing")])
    assert [problem.where for problem in caught.value.problems] == ["z", "a:9:2", "a:9:5", "a:10:1", "b:1:1"]


def test_nothing_found_is_nothing_raised():
    """Silence is consent."""
    raise_if_any([])


def test_near_misses():
    """The best match, in its own spelling."""
    assert nearest("adress", ["address", "name"]) == "did you mean `address`?"
    assert nearest("EMAIL", ["email"]) == "did you mean `email`?"
    assert nearest("zzz", ["address"]) == ""


def test_suggestions_list_what_there_is():
    """Without a near miss the names are listed, up to twenty."""
    assert suggest("zzz", ["b", "a"], noun="keys") == "keys: a, b"
    assert suggest("zzz", [], noun="variables") == "no variables are defined"
    assert suggest("zzz", [f"n{n:02}" for n in range(30)], noun="keys").endswith("n19 and 10 more")


def test_values_are_cut_and_cleaned():
    """Forty characters at most, and no terminal escapes."""
    assert shown("x" * 50) == '"' + "x" * 39 + '…"'
    assert shown("a\x1b[31m") == '"a\\x1b[31m"'
    assert shown(5) == "5"


def test_counts():
    """One is singular."""
    assert (count(1, "item"), count(2, "item")) == ("1 item", "2 items")
