"""Texts and actions → the pieces of markup that every part of the page is made of."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from reconciler.model.plan import Action, Change
from reconciler.output import plan_view, wording

#: What is blocked is told apart from what its action would be.
BLOCKED = "blocked"
#: Signs and words by mood, in the order in which they are listed.
SYMBOL = {
    **{action.value: wording.SYMBOLS[action] for action, _ in plan_view.VERBS},
    Action.NO_CHANGE.value: "·",
    BLOCKED: "!",
}
WORD = {
    **{action.value: word for action, word in plan_view.VERBS},
    Action.NO_CHANGE.value: "to know by a new address",
    BLOCKED: "blocked",
}


def mood(change: Change) -> str:
    """The action, or that it is blocked."""
    return BLOCKED if change.blocked else change.action.value


def name(kind: str) -> str:
    """``contact field``."""
    return kind.replace("_", " ")


def text(content: object) -> str:
    """Any text as markup that stays text, between tags and in attributes; control characters are spelled out."""
    return escape(wording.printable(str(content)))


def items(lines: Iterable[str], style: str = "") -> str:
    """A list of texts, each escaped; nothing where there are none."""
    found = "".join(f"<li>{text(line)}</li>" for line in lines)
    return f'<ul class="{style}">{found}</ul>' if found else ""
