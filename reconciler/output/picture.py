"""The dependency picture of a plan: boxes for kinds and lines between them, in pixels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from math import log10
from typing import NamedTuple

from reconciler.kinds import KINDS
from reconciler.model.plan import Change
from reconciler.output import wording
from reconciler.output.plan_sheet import BLOCKED, SIGNS
from reconciler.output.plan_view import sign_of

#: Pixels of a box in the picture, and between boxes.
_WIDTH, _HEIGHT, _ACROSS, _DOWN = 180, 52, 76, 16


class PageCount(NamedTuple):
    """Number of changes of a kind with this action."""

    action: str
    sign: str
    word: str
    number: int


class PictureBox(NamedTuple):
    """One kind in the picture: the upper left corner of its box, and its text."""

    kind: str
    anchor: str
    x: int
    y: int
    counts: Sequence[PageCount]
    words: str


class PictureLine(NamedTuple):
    """A line from the right side of a box to the left side of a box that it needs."""

    x: int
    y: int
    to_x: int
    to_y: int
    width: float
    words: str


class Picture(NamedTuple):
    """Boxes and lines, in pixels."""

    width: int
    height: int
    boxes: Sequence[PictureBox]
    lines: Sequence[PictureLine]
    box_width: int = _WIDTH
    box_height: int = _HEIGHT


def counted(changes: Iterable[Change]) -> dict[str, list[PageCount]]:
    """Number of changes by kind and action."""
    found: dict[str, Counter[str]] = {}
    for change in changes:
        found.setdefault(change.address.kind, Counter())[sign_of(change)] += 1
    return {kind: page_counts(counts) for kind, counts in found.items()}


def page_counts(counts: Mapping[str, int]) -> list[PageCount]:
    """The counts that are not zero, in the order of the signs."""
    return [PageCount(each, SIGNS[each].symbol, verb_of(each), counts[each]) for each in SIGNS if counts.get(each)]


def verb_of(sign: str) -> str:
    """``to create``, ``blocked``."""
    return SIGNS[sign].verb if sign == BLOCKED else f"to {SIGNS[sign].verb}"


def picture_of(changes: Sequence[Change], places: Set[str]) -> Picture | None:
    """The picture, or None if no kind needs another one."""
    needs = Counter(
        (change.address.kind, kind)
        for change in changes
        for kind in {target.kind for target in change.depends_on} - {change.address.kind}
    )
    if not needs:
        return None
    counts = counted(changes)
    kinds = [kind for kind in KINDS if kind in counts or any(kind == end for _, end in needs)]
    cells = _cells(kinds, needs)
    corners = {kind: (column * (_WIDTH + _ACROSS), row * (_HEIGHT + _DOWN)) for kind, (column, row) in cells.items()}
    boxes = [
        PictureBox(
            kind,
            f"kind-{kind}" if kind in places else "",
            *corners[kind],
            counts.get(kind, []),
            _words(kind, counts, needs),
        )
        for kind in kinds
    ]
    lines = [
        PictureLine(
            corners[start][0] + _WIDTH,
            corners[start][1] + _HEIGHT // 2,
            corners[end][0],
            corners[end][1] + _HEIGHT // 2,
            round(1.2 + 0.5 * log10(number), 2),
            f"{wording.count(number, 'change')} of {wording.spaced(start)}: "
            f"{'needs' if number == 1 else 'need'} {wording.spaced(end)}",
        )
        for (start, end), number in sorted(needs.items())
    ]
    width, height = (max(corner[side] for corner in corners.values()) for side in (0, 1))
    return Picture(width + _WIDTH, height + _HEIGHT, boxes, lines)


def _cells(kinds: Sequence[str], needs: Iterable[tuple[str, str]]) -> dict[str, tuple[int, int]]:
    """Column and row of each kind; a kind is left of the kinds that it needs.

    Kinds of inner columns come first and share no row with others, so that lines between outer columns pass below.
    """
    levels = dict.fromkeys(kinds, 0)
    for _ in kinds:
        for start, end in needs:
            levels[start] = max(levels[start], levels[end] + 1)
    columns = sorted(set(levels.values()), reverse=True)
    column = {kind: columns.index(levels[kind]) for kind in kinds}
    inner = [kind for kind in kinds if 0 < column[kind] < len(columns) - 1]
    cells = {kind: (column[kind], row) for row, kind in enumerate(inner)}
    rows = dict.fromkeys(column.values(), len(inner))
    for kind in kinds:
        if kind not in cells:
            cells[kind] = (column[kind], rows[column[kind]])
            rows[column[kind]] += 1
    return cells


def _words(kind: str, counts: Mapping[str, Sequence[PageCount]], needs: Iterable[tuple[str, str]]) -> str:
    """``12 to create, 1 to delete; needs contact, tag``."""
    parts = [f"{each.number:,} {each.word}" for each in counts.get(kind, ())]
    ends = sorted(wording.spaced(end) for start, end in needs if start == kind)
    return (", ".join(parts) or "no change") + (f"; needs {', '.join(ends)}" if ends else "")
