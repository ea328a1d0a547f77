"""Every member of a closed list has its sentence, its sign and its place."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any

import pytest

from reconciler.kinds.effects import Consequence
from reconciler.model.plan import Action, Cause, Verb
from reconciler.model.policy import Allow, Prune
from reconciler.model.report import Status
from reconciler.output import change_text, html, meanings
from reconciler.output.plan_sheet import SIGNS

TABLES = [
    (Action, meanings.ACTIONS),
    (Cause, meanings.CAUSES),
    (Allow, meanings.ALLOWS),
    (Prune, meanings.PRUNES),
    (Consequence, meanings.CONSEQUENCES),
    (Status, meanings.STATUSES),
    (Verb, meanings.VERBS),
]


@pytest.mark.parametrize(("words", "table"), TABLES)
def test_every_word_has_its_entry(words: type[Enum], table: Mapping[Any, str]) -> None:
    """In the order of the list; no sentence is there twice."""
    assert list(table) == list(words)
    assert len(set(table.values())) == len(table)


def test_every_word_has_its_place_in_totals() -> None:
    """Plans count every action but the one that does nothing, and each has a sign; the page lists every status."""
    assert {action for action, _ in change_text.VERBS} == set(Action) - {Action.NO_CHANGE}
    assert set(html.STATUSES) == set(Status)
    assert {action.value for action in Action} < set(SIGNS)
