"""Nodes: packed positions, keys borrowed from another file, copies."""

from hypothesis import given
from hypothesis import strategies as st

from reconciler.config.positions import copied, pack, unpack
from reconciler.config.yaml_loader import parse
from reconciler.model.values import Origin


@given(st.integers(0, 2**30), st.integers(0, 2**30), st.integers(0, 1))
def test_marks_hold_line_and_column(line, column, plain):
    """Packing loses nothing."""
    assert unpack(pack(line, column, plain), "f") == Origin("f", line + 1, column + 1)


def test_borrowed_keys_keep_their_own_file():
    """A default is reported where the default stands."""
    item = parse("a: 1\n", "site.yaml")
    item.borrow("b", "null", parse("\nb: null\n", "reconciler.yaml"))
    assert item == {"a": "1", "b": "null"}
    assert item.origin("b") == Origin("reconciler.yaml", 2, 1)
    assert item.value_origin("b") == Origin("reconciler.yaml", 2, 4)
    assert item.is_plain("b")
    assert item.origin("a") == Origin("site.yaml", 1, 1)


def test_copies_are_independent():
    """Resolving a copy leaves the original alone."""
    node = parse("a: {b: [x, {c: d}]}\n", "f")
    node["a"].borrow("z", "1", parse("z: 1", "g"))
    twin = copied(node)
    twin["a"]["b"][1]["c"] = None
    assert node["a"]["b"][1]["c"] == "d"
    assert twin["a"]["b"][1].origin("c") == node["a"]["b"][1].origin("c")
    assert twin["a"].origin("z").file == "g"
