"""Wishes → edits: one value, one item, one key; everything else to the byte as it was."""

from __future__ import annotations

import pytest

from reconciler.edit.accept import AcceptAction, AcceptedChange
from reconciler.edit.splice import splice
from reconciler.model.values import Address, Origin, Value

ADDRESS = Address("contact", "ann@example.com")


def spliced(
    text: str,
    *ways: tuple[str, ...],
    value: Value = None,
    act: AcceptAction = AcceptAction.SET,
    line: int = 2,
    **more: bool,
) -> str:
    """The text after one choice for the block on ``line``, which has to be met."""
    column = text.splitlines()[line - 1].index("- ") + 3
    done = splice(text, [AcceptedChange(ADDRESS, Origin("f", line, column), "", act, ways, value, **more)])
    assert done.hard == []
    return done.text


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("c:\n  - k: old # c\n", "c:\n  - k: new # c\n"),
        ("c:\r\n  - k:   'old'\r\n", "c:\r\n  - k:   'new'\r\n"),
        ("c:\n  - k:\n    l: 1\n", "c:\n  - k: new\n    l: 1\n"),
        ("c:\n  - {k: , l: 1}\n", "c:\n  - {k: new, l: 1}\n"),
        ("c:\n  - {k: old}", "c:\n  - {k: new}"),
        ("c:\n  - k: |\n      old\n\n  # end\n", "c:\n  - k: new\n\n  # end\n"),
        ("c:\n  - k: old\n      and more  # c\n", "c:\n  - k: new  # c\n"),
        ("c:\n  - ? k\n    : old\n", "c:\n  - ? k\n    : new\n"),
    ],
)
def test_a_value(before: str, after: str) -> None:
    """Whatever its style."""
    assert spliced(before, ("k",), value="new") == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "c:\n  - a: 1 # c\n    b:\n      x: 1\n\n  - d: 1\n",
            "c:\n  - a: 1 # c\n    b:\n      x: 1\n    k: new\n\n  - d: 1\n",
        ),
        ("c:\n  - {a: 1 }\n", "c:\n  - {a: 1, k: new }\n"),
        ("c:\n  - {a: 1,}\n", "c:\n  - {a: 1, k: new,}\n"),
        ("c:\n  - a: 1", "c:\n  - a: 1\n    k: new"),
        ("c:\r\n  - a:\r\n", "c:\r\n  - a:\r\n    k: new\r\n"),
    ],
)
def test_a_new_key(before: str, after: str) -> None:
    """After its siblings, in their indentation, with the line break of the file."""
    assert spliced(before, ("k",), value="new", declared=False) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("c:\n  - k: [A, B, C]\n", "c:\n  - k: [B, D]\n"),
        ("c:\n  - k: [A , C]\n", "c:\n  - k: [B, D]\n"),
        ("c:\n  - k: []\n", "c:\n  - k: [B, D]\n"),
        ("c:\n  - k: [B, C,]\n", "c:\n  - k: [B, D,]\n"),
        ("c:\n  - k: # c\n    - A # a\n    - B # b\n", "c:\n  - k: # c\n    # a\n    - B # b\n    - D\n"),
        ("c:\n  - k:\n      - A\n    l: 1\n", "c:\n  - k:\n      - B\n      - D\n    l: 1\n"),
        ("c:\n  - k: [\n    A, # a\n    B\n    ]\n", "c:\n  - k: [\n    # a\n    B, D\n    ]\n"),
    ],
)
def test_a_set(before: str, after: str) -> None:
    """Items leave and join in the style of the list; comments stay."""
    assert spliced(before, ("k",), value=frozenset({"B", "D"})) == after


def test_the_last_item_leaves() -> None:
    """Nothing left is said as such: an empty list, not nothing at all."""
    assert (
        spliced("t:\n  - a: [x]\n    k:\n      - A\n", act=AcceptAction.REMOVE, line=4)
        == "t:\n  - a: [x]\n    k: []\n"
    )


@pytest.mark.parametrize(
    "text",
    [
        "c:\n  - k: ${var.x}\n",
        "c:\n  - k: &a old\n",
        "c:\n  - &a {k: old}\n",
        "x: &x old\nc: [{k: *x}]\n",
        "c:\n  - k: {env: X}\n",
        "c:\n  - k: !!str old\n",
        "c: &c\n  - k: old\n",
        "c:\n  - {<<: {k: old}}\n",
    ],
)
def test_what_is_left_alone(text: str) -> None:
    """Values that stand elsewhere too, or come from elsewhere: the text stays, and a reason is given."""
    line = next(index for index, each in enumerate(text.splitlines(), 1) if "- " in each or "[{" in each)
    at = text.splitlines()[line - 1]
    column = at.index("- ") + 3 if "- " in at else at.index("[{") + 2
    done = splice(text, [AcceptedChange(ADDRESS, Origin("f", line, column), "", AcceptAction.SET, (("k",),), "new")])
    assert (done.text, len(done.hard)) == (text, 1)
