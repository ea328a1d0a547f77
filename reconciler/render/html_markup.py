"""Texts and actions → the pieces of markup that every part of the page is made of."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from reconciler.model.plan import Action, Change
from reconciler.render import sentences, words

#: What is withheld is told apart from what its action would be.
WITHHELD = "withheld"
#: Signs and words by mood, in the order in which they are listed.
SYMBOL = {
    **{action.value: words.SYMBOLS[action] for action, _ in sentences.VERBS},
    Action.NOOP.value: "·", WITHHELD: "!",
}  # fmt: skip
WORD = {
    **{action.value: word for action, word in sentences.VERBS},
    Action.NOOP.value: "to know by a new address", WITHHELD: "withheld",
}  # fmt: skip


def mood(change: Change) -> str:
    """The action, or that it is withheld."""
    return WITHHELD if change.withheld else change.action.value


def name(kind: str) -> str:
    """``contact field``."""
    return kind.replace("_", " ")


def text(content: object) -> str:
    """Any text as markup that stays text, between tags and in attributes; control characters are spelled out."""
    return escape(words.clean(str(content)))


def items(lines: Iterable[str], style: str = "") -> str:
    """A list of texts, each escaped; nothing where there are none."""
    found = "".join(f"<li>{text(line)}</li>" for line in lines)
    return f'<ul class="{style}">{found}</ul>' if found else ""
