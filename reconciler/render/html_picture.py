"""Changes → the picture of what needs what, one box for each kind: inline SVG, and the same as words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import log10

from reconciler.model.plan import Change
from reconciler.render import words
from reconciler.render.html_layers import HEIGHT, WIDTH, Drawing, Point, layered
from reconciler.render.html_markup import SYMBOL, WORD, mood, name, text

_MARGIN = 10


@dataclass(frozen=True)
class Picture:
    """How many changes of each kind do what, and how many of one kind need one of another."""

    counts: Mapping[str, Counter[str]]
    needs: Mapping[tuple[str, str], int]


def gathered(changes: Iterable[Change]) -> Picture:
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
    return Picture(counts, needs)


def is_telling(picture: Picture) -> bool:
    """Whether there is anything to see: one box alone says what the heading says."""
    return len(picture.counts) > 1


def picture_markup(picture: Picture) -> str:
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


def _said(picture: Picture, kind: str) -> str:
    """``tagging: 12 to create, 1 to delete; needs contact, tag``."""
    counts = picture.counts[kind]
    parts = [f"{counts[each]:,} {WORD[each]}" for each in SYMBOL if counts[each]]
    ends = sorted(name(end) for start, end in picture.needs if start == kind)
    return f"{name(kind)}: {', '.join(parts) or 'no change'}" + (f"; needs {', '.join(ends)}" if ends else "")


def _box(picture: Picture, kind: str, corner: Point) -> str:
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


def _line(picture: Picture, drawn: Drawing, pair: tuple[str, str]) -> str:
    points, number = drawn.lines[pair], picture.needs[pair]
    thick = 1.2 + 0.5 * log10(number)
    said = f"{words.count(number, 'change')} of {name(pair[0])}: {'needs' if number == 1 else 'need'} {name(pair[1])}"
    return (
        f'<g class="line"><title>{text(said)}</title>'
        f'<path stroke-width="{thick:.2f}" marker-end="url(#tip)" d="{_curve(points)}"/></g>'
    )


def _curve(points: Sequence[Point]) -> str:
    """Level at every point, bent between columns."""
    path = f"M{points[0].x:g} {points[0].y:g}"
    for one, other in pairwise(points):
        if one.y == other.y:
            path += f"H{other.x:g}"
        else:
            bend = (other.x - one.x) / 2
            path += f"C{one.x + bend:g} {one.y:g} {other.x - bend:g} {other.y:g} {other.x:g} {other.y:g}"
    return path
