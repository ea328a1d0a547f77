"""Places of boxes and lines."""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.output.html_graph import HEIGHT, WIDTH, layered

KEYS = list("abcdefghijkl")
#: How fast the machine is says nothing about a drawing.
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def graphs(draw: st.DrawFn) -> dict[str, set[str]]:
    """Who needs whom, among so many; never in a circle."""
    keys = KEYS[: draw(st.integers(1, len(KEYS)))]
    pairs = [(one, other) for index, one in enumerate(keys) for other in keys[index + 1 :]]
    needs: dict[str, set[str]] = {key: set() for key in keys}
    for one, other in draw(st.lists(st.sampled_from(pairs), unique=True, max_size=20)) if pairs else ():
        needs[one].add(other)
    return needs


@unhurried
@given(graphs())
def test_nothing_lies_on_anything_else(needs: Mapping[str, set[str]]) -> None:
    """Boxes are apart and inside the drawing; what needs stands left of what it needs."""
    drawn = layered(sorted(needs), needs)
    corners = [drawn.boxes[key] for key in sorted(needs)]
    for index, one in enumerate(corners):
        assert one.x >= 0 and one.x + WIDTH <= drawn.width and one.y >= 0 and one.y + HEIGHT <= drawn.height
        assert [o for o in corners[:index] if abs(o.x - one.x) < WIDTH and abs(o.y - one.y) < HEIGHT] == []
    for start, ends in needs.items():
        for end in ends:
            assert drawn.boxes[start].x < drawn.boxes[end].x


@unhurried
@given(graphs())
def test_lines_join_their_boxes_and_run_beside_others(needs: Mapping[str, set[str]]) -> None:
    """From side to side; where a line passes a column it meets no box of it."""
    drawn = layered(sorted(needs), needs)
    assert set(drawn.lines) == {(start, end) for start, ends in needs.items() for end in ends}
    for (start, end), points in drawn.lines.items():
        one, other = drawn.boxes[start], drawn.boxes[end]
        assert points[0].x == one.x + WIDTH and one.y < points[0].y < one.y + HEIGHT
        assert points[-1].x == other.x and other.y < points[-1].y < other.y + HEIGHT
        between = {box.x for box in drawn.boxes.values() if one.x < box.x < other.x}
        assert between == {point.x for point in points[1:-1:2]}
        for point in points[1:-1]:
            passed = [box for box in drawn.boxes.values() if box.x <= point.x <= box.x + WIDTH]
            assert all(not box.y <= point.y <= box.y + HEIGHT for box in passed)


def test_a_circle_is_drawn_all_the_same() -> None:
    """References make none; if they did, it would be seen."""
    drawn = layered(["a", "b", "c"], {"a": {"b"}, "b": {"c"}, "c": {"a"}})
    assert set(drawn.lines) == {("a", "b"), ("b", "c"), ("c", "a")}


def test_what_has_no_lines_fills_rows() -> None:
    """Four in a row at most."""
    drawn = layered(KEYS[:6], {})
    assert len({corner.y for corner in drawn.boxes.values()}) == 2
    assert len({corner.x for corner in drawn.boxes.values()}) == 4
