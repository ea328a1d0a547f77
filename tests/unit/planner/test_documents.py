"""Values of the account as the files write them, whatever their type."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.edit.yaml_writer import inline
from reconciler.errors import GatewayError
from reconciler.kinds import KINDS
from reconciler.model.values import Ref, Value
from reconciler.planner.documents import cells_of, plain_of
from reconciler.refresh import reader
from tests.unit.planner.made import VIP

CODED = replace(KINDS["tag"], fields=(replace(KINDS["tag"].field("name"), wire="tagName"),))


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (-5, "-5"), (True, "true"), (None, "null"), ("a", "a"), ("5", '"5"'), (frozenset("ba"), "[a, b]")],
)
def test_values_are_written(value: Value, text: str) -> None:
    """None of them becomes another one."""
    assert inline(plain_of(value)) == text


def test_what_is_no_plain_value_is_not_written_as_null() -> None:
    """A reference has a name, which somebody else knows."""
    with pytest.raises(TypeError):
        plain_of(Ref(VIP))


def test_cells_hold_what_columns_can_fill() -> None:
    """Text fields and entries; whatever else is shown makes the row a block."""
    person = {"email": "a@example.com", "fields": {"company": "Acme"}}
    assert cells_of(KINDS["contact"], {**person}) == {"email": "a@example.com", "fields.company": "Acme"}
    for other in ({"points": 5}, {"active": True}, {"secret": {"env": "A"}}, {"list": ["a"]}):
        assert cells_of(KINDS["contact"], {**person, **other}) is None


def test_a_key_with_another_name_in_answers() -> None:
    """An item has to hold it under that name."""
    item = {"id": 1, "tagName": "VIP"}
    assert reader._checked(CODED, [item]) == [item]
    with pytest.raises(GatewayError):
        reader._checked(CODED, [{"id": 1, "name": "VIP"}])
