"""Attribute values to JSON and back."""

import json
from typing import Any

import pytest

from reconciler.model.serialization import attrs_from_json, attrs_to_json, from_json, to_json
from reconciler.model.values import Address, Ref, Secret

VIP, GOLD = Ref(Address("tag", "VIP")), Ref(Address("tag", "Gold"))


@pytest.mark.parametrize(
    "value", [None, True, False, 0, 12, "", "text", VIP, frozenset(), frozenset({"b", "a"}), frozenset({VIP, GOLD})]
)
def test_every_value_comes_back(value: Any) -> None:
    """Through real JSON text, so that nothing but JSON is in between."""
    assert from_json(json.loads(json.dumps(to_json(value)))) == value


def test_a_secret_comes_back_without_its_value() -> None:
    """Only its source travels."""
    text = json.dumps(to_json(Secret("env:NAME", "hush")))
    assert "hush" not in text
    assert from_json(json.loads(text)) == Secret("env:NAME", "")


def test_equal_attributes_give_equal_text() -> None:
    """Names and sets are sorted, whatever their order was."""
    one = {"b": frozenset({"y", "x"}), "a": None}
    other = {"a": None, "b": frozenset({"x", "y"})}
    assert json.dumps(attrs_to_json(one)) == json.dumps(attrs_to_json(other))
    assert attrs_from_json(attrs_to_json(one)) == one


@pytest.mark.parametrize(
    "content", [1.5, [], {}, {"a": 1, "b": 2}, {"$ref": 1}, {"$secret": None}, {"$set": "x"}, {"$what": "x"}]
)
def test_anything_else_is_refused(content: Any) -> None:
    """A file that somebody edited by hand is not believed."""
    with pytest.raises(ValueError, match=r"not an attribute value|no address"):
        from_json(content)
