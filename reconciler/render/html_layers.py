"""Who needs whom → boxes in columns and lines between them: a layered drawing, in pixels, for a handful of boxes.

What needs stands left of what is needed. A line that passes a column runs through a gap kept free for it; the order
within a column follows the neighbours' (their mean place), so that few lines cross. What has no lines stands below.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

WIDTH, HEIGHT = 180, 52
_ACROSS, _DOWN, _LANE = 76, 16, 14
_SWEEPS = 6

Needs = Mapping[str, Set[str]]
#: A box by its key, or the place where a line passes a column: (start, end, column).
_Slot = str | tuple[str, str, int]


class Point(NamedTuple):
    """Pixels from the upper left corner."""

    x: float
    y: float


@dataclass(frozen=True)
class Drawing:
    """Corners of the boxes, and for each line the points that it goes through, horizontally at each."""

    width: float
    height: float
    boxes: Mapping[str, Point]
    lines: Mapping[tuple[str, str], Sequence[Point]]


def layered(keys: Sequence[str], needs: Needs) -> Drawing:
    """Places for all keys; what would close a circle is drawn all the same."""
    joined = {key for key in keys if needs.get(key)} | {end for ends in needs.values() for end in ends}
    sheet = _Columns([key for key in keys if key in joined], needs)
    sheet.fill()
    sheet.settle()
    boxes = sheet.corners()
    width, height = sheet.width, sheet.height
    alone = [key for key in keys if key not in joined]
    columns = max(len(sheet.columns), min(4, len(alone)))
    top = height + _DOWN if height else 0
    for index, key in enumerate(alone):
        boxes[key] = Point(index % columns * (WIDTH + _ACROSS), top + index // columns * (HEIGHT + _DOWN))
    if alone:
        width = max(width, min(columns, len(alone)) * (WIDTH + _ACROSS) - _ACROSS)
        height = max(corner.y for corner in boxes.values()) + HEIGHT
    return Drawing(width, height, boxes, sheet.lines(boxes))


def _levels(keys: Sequence[str], needs: Needs) -> dict[str, int]:
    """How many steps each is above what needs nothing."""
    levels: dict[str, int] = {}

    def level(key: str, above: frozenset[str]) -> int:
        if key not in levels:
            below = [level(end, above | {key}) for end in sorted(needs.get(key, ())) if end not in above | {key}]
            levels[key] = 1 + max(below, default=-1)
        return levels[key]

    for key in keys:
        level(key, frozenset())
    return levels


@dataclass
class _Columns:
    keys: Sequence[str]
    needs: Needs
    height: float = 0
    columns: list[list[_Slot]] = field(default_factory=list)
    chains: dict[tuple[str, str], list[_Slot]] = field(default_factory=dict)
    middles: dict[_Slot, Point] = field(default_factory=dict)

    def fill(self) -> None:
        """Every box in its column, and lanes for the lines that pass."""
        levels = _levels(self.keys, self.needs)
        top = max(levels.values(), default=-1)
        self.columns = [[key for key in self.keys if levels[key] == top - index] for index in range(top + 1)]
        for start in self.keys:
            for end in sorted(self.needs.get(start, ())):
                first, last = top - levels[start], top - levels[end]
                lanes: list[_Slot] = [(start, end, column) for column in range(first + 1, last)]
                for column, lane in enumerate(lanes, first + 1):
                    self.columns[column].append(lane)
                self.chains[start, end] = [start, *lanes, end]

    def settle(self) -> None:
        """Order each column by its neighbours', to and fro; then give everything its middle."""
        beside: dict[_Slot, set[_Slot]] = {}
        for chain in self.chains.values():
            for one, other in pairwise(chain):
                beside.setdefault(one, set()).add(other)
                beside.setdefault(other, set()).add(one)
        places = [*range(1, len(self.columns)), *range(len(self.columns) - 2, -1, -1)] * _SWEEPS
        back = [False] * max(0, len(self.columns) - 1) + [True] * max(0, len(self.columns) - 1)
        for place, returns in zip(places, back * _SWEEPS, strict=True):
            self._order(place, self.columns[place + 1 if returns else place - 1], beside)
        self.height = max((_tall(column) for column in self.columns), default=0)
        for index, column in enumerate(self.columns):
            self._stack(index, column)

    def _order(self, place: int, other: list[_Slot], beside: Mapping[_Slot, Set[_Slot]]) -> None:
        spots = {slot: index / max(1, len(other) - 1) for index, slot in enumerate(other)}
        means = {}
        for index, slot in enumerate(self.columns[place]):
            found = [spots[each] for each in beside[slot] if each in spots]
            means[slot] = (sum(found) / len(found) if found else 0.5, index)
        self.columns[place].sort(key=means.__getitem__)

    def _stack(self, index: int, column: list[_Slot]) -> None:
        y = (self.height - _tall(column)) / 2
        for slot in column:
            size = _size(slot)
            self.middles[slot] = Point(index * (WIDTH + _ACROSS) + WIDTH / 2, y + size / 2)
            y += size + _DOWN

    @property
    def width(self) -> float:
        return max(0, len(self.columns) * (WIDTH + _ACROSS) - _ACROSS)

    def corners(self) -> dict[str, Point]:
        """The upper left corner of every box."""
        found = {key: self.middles[key] for key in self.keys}
        return {key: Point(middle.x - WIDTH / 2, middle.y - HEIGHT / 2) for key, middle in found.items()}

    def lines(self, boxes: Mapping[str, Point]) -> dict[tuple[str, str], Sequence[Point]]:
        """From the right side of one box to the left side of the other, lanes straight."""
        found: dict[tuple[str, str], Sequence[Point]] = {}
        for (start, end), chain in self.chains.items():
            points = [Point(boxes[start].x + WIDTH, self._port(start, end))]
            for lane in chain[1:-1]:
                middle = self.middles[lane]
                points += [Point(middle.x - WIDTH / 2, middle.y), Point(middle.x + WIDTH / 2, middle.y)]
            found[start, end] = [*points, Point(boxes[end].x, self._port(end, start))]
        return found

    def _port(self, key: str, other: str) -> float:
        """Lines that meet at one side of a box meet it apart, in the order in which they come."""
        leaving = other in self.needs.get(key, ())
        ends = [pair for pair in self.chains if pair[0 if leaving else 1] == key]
        ends.sort(key=lambda pair: self.middles[self.chains[pair][1 if leaving else -2]].y)
        index = ends.index((key, other) if leaving else (other, key))
        return self.middles[key].y + (index - (len(ends) - 1) / 2) * min(12, (HEIGHT - 16) / max(1, len(ends)))


def _size(slot: _Slot) -> float:
    return HEIGHT if isinstance(slot, str) else _LANE


def _tall(column: Sequence[_Slot]) -> float:
    return sum(_size(slot) + _DOWN for slot in column) - _DOWN
