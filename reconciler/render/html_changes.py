"""Changes → their part of the page: a heading for each kind, and one folded block for each change."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

from reconciler.engine.guard import REMOVING
from reconciler.kinds.effects import Consequence, classes_of
from reconciler.model.plan import Cause, Change
from reconciler.model.values import Address
from reconciler.render import sentences, words
from reconciler.render.html_markup import SYMBOL, WORD, mood, name, text
from reconciler.render.html_outcomes import BAD, End, differs_markup, end_markup, ends_of
from reconciler.render.sentences import Call, Sheet, Sides

#: Plans of up to this many changes are shown unfolded.
UNFOLDED = 30
#: So many links of one change are shown.
LINKED = 12

_GRAVE = frozenset({Consequence.TAKES_ALONG, Consequence.ONE_WAY})
_MOVED = frozenset({Cause.DRIFTED, Cause.BOTH, Cause.MISSING})


class Places(NamedTuple):
    """Where on the page a change stands, by its address, who on it needs whom, and what came of it."""

    ids: Mapping[Address, str]
    needed_by: Mapping[Address, Sequence[Address]]
    ends: Mapping[Address, End]


def needs_attention(change: Change, end: End | None = None) -> bool:
    """Whether it failed, is withheld, takes something away, cannot be put back, or meets what somebody else did."""
    causes = {change.cause, *(field.cause for field in change.fields)}
    grave = change.action in REMOVING or bool(_GRAVE.intersection(classes_of(change.effects)))
    failed = end is not None and end.status in BAD
    return failed or bool(change.withheld) or grave or bool(causes & _MOVED)


def placed(sheet: Sheet, changes: Sequence[Change]) -> Places:
    """A place for each."""
    ids = {change.address: f"c{number}" for number, change in enumerate(changes, 1)}
    needed_by: dict[Address, list[Address]] = {}
    for change in changes:
        for target in change.depends_on:
            needed_by.setdefault(target, []).append(change.address)
    return Places(ids, needed_by, ends_of(sheet.report))


def change_groups(sheet: Sheet, changes: Sequence[Change], places: Places) -> Iterator[str]:
    """A section for each kind."""
    unfolded = len(changes) <= UNFOLDED
    for kind, found in groupby(changes, lambda change: change.address.kind):
        group = list(found)
        moods = Counter(mood(change) for change in group)
        counts = " ".join(f'<span class="{each}">{_count(moods, each)}</span>' for each in SYMBOL if moods[each])
        rows = "".join(_block(each, sheet.requests.get(each.address, ()), places, unfolded) for each in group)
        yield (
            f'<section class="group" id="kind-{text(kind)}" aria-labelledby="head-{text(kind)}">'
            f'<h3 id="head-{text(kind)}">{text(name(kind))} <span class="counts">{counts}</span></h3>{rows}</section>'
        )


def _count(moods: Counter[str], each: str) -> str:
    said = f'<span class="sr">{moods[each]:,} {WORD[each]}</span>'
    return f'<span aria-hidden="true">{SYMBOL[each]}{moods[each]:,}</span>{said}'


def _block(change: Change, calls: Iterable[Call], places: Places, unfolded: bool) -> str:
    """One change: the line that a terminal shows, and folded in it everything else."""
    sort, classes = mood(change), " ".join(each.value for each in classes_of(change.effects))
    end = places.ends.get(change.address)
    flags = f' data-o="{end.status.value}"' if end else ""
    flags += (" data-x" if needs_attention(change, end) else "") + (" open" if unfolded else "")
    return (
        f'<details class="change {sort}" id="{places.ids[change.address]}" data-k="{text(change.address.kind)}"'
        f' data-a="{sort}" data-c="{classes}"{flags}><summary>{_line(change, sort, end)}</summary>'
        f'<div class="more">{_diff(sentences.sides(change))}{_facts(change, places)}{_calls(list(calls))}</div>'
        "</details>"
    )


def _line(change: Change, sort: str, end: End | None) -> str:
    kind, slash, rest = sentences.title(change).partition("/")
    remarks, where = text("; ".join(sentences.remarks(change))), sentences.where(change)
    remarks = " · ".join(filter(None, (end_markup(end), remarks)))
    return (
        f'<span class="sign" aria-hidden="true">{SYMBOL[sort]}</span><span class="sr">{WORD[sort]}:</span> '
        f'<span class="title"><span class="dim">{text(kind + slash)}</span>{text(rest)}</span>'
        + (f' <span class="remarks">{remarks}</span>' if remarks else "")
        + (f' <span class="where">{text(where)}</span>' if where else "")
    )


def _diff(sides: Iterable[Sides]) -> str:
    rows = "".join(_field(each) for each in sides)
    if not rows:
        return ""
    head = '<tr><th scope="col">field</th><th scope="col">before and after</th><th scope="col">why</th></tr>'
    return f'<table class="diff"><thead class="sr">{head}</thead><tbody>{rows}</tbody></table>'


def _field(side: Sides) -> str:
    before = "" if side.before is None else f"<del>{text(side.before)}</del>"
    after = "" if side.after is None else f"<ins>{text(side.after)}</ins>"
    both = f"<i>{text(side.hidden)}</i>" if side.hidden else " → ".join(filter(None, (before, after)))
    return f'<tr><th scope="row">{text(side.path)}</th><td>{both}</td><td class="why">{text(side.cause)}</td></tr>'


def _facts(change: Change, places: Places) -> str:
    classes = ", ".join(name(each.value) for each in classes_of(change.effects))
    found = [
        ("effects", text("; ".join(change.effects))),
        ("consequence", text(classes)),
        ("needs", _links(change.depends_on, places)),
        ("needed by", _links(places.needed_by.get(change.address, ()), places)),
        ("lets go", _links(change.lets_go, places)),
        ("id", text(change.remote_id or "")),
        ("answered", differs_markup(places.ends.get(change.address))),
    ]
    lines = "".join(f"<div><dt>{term}</dt><dd>{said}</dd></div>" for term, said in found if said)
    return f'<dl class="facts">{lines}</dl>'


def _links(targets: Sequence[Address], places: Places) -> str:
    """Those that change lead to where they stand; of many, the first."""
    shown = [link(target, words.shown(target), places) for target in targets[:LINKED]]
    more = len(targets) - len(shown)
    return ", ".join(shown) + (f" and {more:,} more" if more else "")


def link(target: Address, said: str, places: Places) -> str:
    """To where it stands; what is not on the page is named only."""
    place = places.ids.get(target)
    return f'<a href="#{place}">{text(said)}</a>' if place else f"<span>{text(said)}</span>"


def _calls(calls: Sequence[Call]) -> str:
    if not calls:
        return ""
    rows = "".join(f"<li>{_call(*call)}</li>" for call in calls)
    return f'<details class="calls"><summary>{words.count(len(calls), "call")}</summary><ol>{rows}</ol></details>'


def _call(method: str, path: str, body: object) -> str:
    sent = "" if body is None else f"<pre>{_json(body)}</pre>"
    return f"<code><b>{text(method)}</b> {text(path)}</code>{sent}"


def _json(body: object) -> str:
    """Its line breaks are those of the layout: those of texts are spelled out."""
    lines = json.dumps(body, ensure_ascii=False, sort_keys=True, indent=2).split("\n")
    return "\n".join(text(line) for line in lines)
