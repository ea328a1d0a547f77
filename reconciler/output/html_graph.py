"""Who needs whom → boxes in columns and lines between them: a layered drawing, in pixels, for a handful of boxes.

What needs stands left of what is needed. A line that passes a column runs through a gap kept free for it; the order
within a column follows the neighbours' (their mean place), so that few lines cross. What has no lines stands below.

Changes → the picture of what needs what, one box for each kind: inline SVG, and the same as words.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from itertools import pairwise
from math import log10
from typing import NamedTuple

from reconciler.model.plan import Change
from reconciler.output import wording
from reconciler.output.html_markup import SYMBOL, WORD, mood, name, text

WIDTH, HEIGHT = 180, 52
_ACROSS, _DOWN, _LANE = 76, 16, 14
_SWEEPS = 6

Needs = Mapping[str, Set[str]]
#: A box by its key, or the place where a line passes a column: (start, end, column).
_Slot = str | tuple[str, str, int]


class GraphPoint(NamedTuple):
    """Pixels from the upper left corner."""

    x: float
    y: float


@dataclass(frozen=True)
class GraphDrawing:
    """Corners of the boxes, and for each line the points that it goes through, horizontally at each."""

    width: float
    height: float
    boxes: Mapping[str, GraphPoint]
    lines: Mapping[tuple[str, str], Sequence[GraphPoint]]


def layered(keys: Sequence[str], needs: Needs) -> GraphDrawing:
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
        boxes[key] = GraphPoint(index % columns * (WIDTH + _ACROSS), top + index // columns * (HEIGHT + _DOWN))
    if alone:
        width = max(width, min(columns, len(alone)) * (WIDTH + _ACROSS) - _ACROSS)
        height = max(corner.y for corner in boxes.values()) + HEIGHT
    return GraphDrawing(width, height, boxes, sheet.lines(boxes))


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
    middles: dict[_Slot, GraphPoint] = field(default_factory=dict)

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
            self.middles[slot] = GraphPoint(index * (WIDTH + _ACROSS) + WIDTH / 2, y + size / 2)
            y += size + _DOWN

    @property
    def width(self) -> float:
        return max(0, len(self.columns) * (WIDTH + _ACROSS) - _ACROSS)

    def corners(self) -> dict[str, GraphPoint]:
        """The upper left corner of every box."""
        found = {key: self.middles[key] for key in self.keys}
        return {key: GraphPoint(middle.x - WIDTH / 2, middle.y - HEIGHT / 2) for key, middle in found.items()}

    def lines(self, boxes: Mapping[str, GraphPoint]) -> dict[tuple[str, str], Sequence[GraphPoint]]:
        """From the right side of one box to the left side of the other, lanes straight."""
        found: dict[tuple[str, str], Sequence[GraphPoint]] = {}
        for (start, end), chain in self.chains.items():
            points = [GraphPoint(boxes[start].x + WIDTH, self._port(start, end))]
            for lane in chain[1:-1]:
                middle = self.middles[lane]
                points += [GraphPoint(middle.x - WIDTH / 2, middle.y), GraphPoint(middle.x + WIDTH / 2, middle.y)]
            found[start, end] = [*points, GraphPoint(boxes[end].x, self._port(end, start))]
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


_MARGIN = 10


@dataclass(frozen=True)
class DependencyPicture:
    """How many changes of each kind do what, and how many of one kind need one of another."""

    counts: Mapping[str, Counter[str]]
    needs: Mapping[tuple[str, str], int]


def gathered(changes: Iterable[Change]) -> DependencyPicture:
    """Counts by kind and by pair of kinds; a kind that is only needed has no counts."""
    counts: dict[str, Counter[str]] = {}
    needs: Counter[tuple[str, str]] = Counter()
    for change in changes:
        kind = change.address.kind
        counts.setdefault(kind, Counter())[mood(change)] += 1
        for target in {each.kind for each in change.depends_on} - {kind}:
            needs[kind, target] += 1
    for _, target in sorted(needs):
        counts.setdefault(target, Counter())
    return DependencyPicture(counts, needs)


def is_telling(picture: DependencyPicture) -> bool:
    """Whether there is anything to see: one box alone says what the heading says."""
    return len(picture.counts) > 1


def picture_markup(picture: DependencyPicture) -> str:
    """The drawing: each box leads to the changes of its kind; all of it is said in words too."""
    needs: dict[str, set[str]] = {}
    for start, end in picture.needs:
        needs.setdefault(start, set()).add(end)
    drawn = layered(sorted(picture.counts), needs)
    width, height = drawn.width + 2 * _MARGIN, drawn.height + 2 * _MARGIN
    lines = "".join(_line(picture, drawn, pair) for pair in sorted(drawn.lines))
    boxes = "".join(_box(picture, kind, drawn.boxes[kind]) for kind in sorted(picture.counts))
    said = " ".join(_said(picture, kind) + "." for kind in sorted(picture.counts))
    return (
        f'<svg class="picture" role="group" aria-labelledby="picture-title" aria-describedby="picture-said"'
        f' width="{width:g}" height="{height:g}" viewBox="{-_MARGIN} {-_MARGIN} {width:g} {height:g}">'
        f'<title id="picture-title">What needs what, by kind</title><desc id="picture-said">{text(said)}</desc>'
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8"'
        ' markerUnits="userSpaceOnUse" orient="auto"><path class="tip" d="M0 0.5 8 4 0 7.5z"/></marker></defs>'
        f'<g aria-hidden="true">{lines}</g>{boxes}</svg>'
    )


def _said(picture: DependencyPicture, kind: str) -> str:
    """``tagging: 12 to create, 1 to delete; needs contact, tag``."""
    counts = picture.counts[kind]
    parts = [f"{counts[each]:,} {WORD[each]}" for each in SYMBOL if counts[each]]
    ends = sorted(name(end) for start, end in picture.needs if start == kind)
    return f"{name(kind)}: {', '.join(parts) or 'no change'}" + (f"; needs {', '.join(ends)}" if ends else "")


def _box(picture: DependencyPicture, kind: str, corner: GraphPoint) -> str:
    counts = picture.counts[kind]
    pieces = [f'<tspan class="{each}">{SYMBOL[each]}{counts[each]:,}</tspan>' for each in SYMBOL if counts[each]] or [
        '<tspan class="quiet">no change</tspan>'
    ]
    inner = (
        f'<rect x="{corner.x:g}" y="{corner.y:g}" width="{WIDTH}" height="{HEIGHT}" rx="6"/>'
        f'<text class="kind" x="{corner.x + 14:g}" y="{corner.y + 21:g}">{text(name(kind))}</text>'
        f'<text class="counts" x="{corner.x + 14:g}" y="{corner.y + 40:g}">{"&#160;&#160;".join(pieces)}</text>'
    )
    if not counts:
        return f'<g class="box outside">{inner}</g>'
    seen = " ".join([name(kind), *(f"{SYMBOL[each]}{counts[each]:,}" for each in SYMBOL if counts[each])])
    label = f"{seen}: {_said(picture, kind).partition(': ')[2]}"  # begins with the visible words (WCAG 2.5.3)
    return f'<a class="box" href="#kind-{text(kind)}" aria-label="{text(label)}">{inner}</a>'


def _line(picture: DependencyPicture, drawn: GraphDrawing, pair: tuple[str, str]) -> str:
    points, number = drawn.lines[pair], picture.needs[pair]
    thick = 1.2 + 0.5 * log10(number)
    said = (
        f"{wording.count(number, 'change')} of {name(pair[0])}: {'needs' if number == 1 else 'need'} {name(pair[1])}"
    )
    return (
        f'<g class="line"><title>{text(said)}</title>'
        f'<path stroke-width="{thick:.2f}" marker-end="url(#tip)" d="{_curve(points)}"/></g>'
    )


def _curve(points: Sequence[GraphPoint]) -> str:
    """Level at every point, bent between columns."""
    path = f"M{points[0].x:g} {points[0].y:g}"
    for one, other in pairwise(points):
        if one.y == other.y:
            path += f"H{other.x:g}"
        else:
            bend = (other.x - one.x) / 2
            path += f"C{one.x + bend:g} {one.y:g} {other.x - bend:g} {other.y:g} {other.x:g} {other.y:g}"
    return path
