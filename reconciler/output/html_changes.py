"""Changes → their part of the page: a heading for each kind, and one folded block for each change.

Changes → the controls that narrow the list of them: a search, and a counted toggle for each thing they are.

What came of a plan → what the page says of it, in all and for each change.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import NamedTuple

from reconciler.kinds.effects import Consequence, classes_of
from reconciler.model.plan import Cause, Change
from reconciler.model.report import Outcome, Report, Status
from reconciler.model.values import Address
from reconciler.output import plan_view, wording
from reconciler.output.html_markup import SYMBOL, WORD, mood, name, text
from reconciler.output.plan_view import Call, FieldValues, PlanSheet
from reconciler.planner.approvals import REMOVING

#: Plans of up to this many changes are shown unfolded.
UNFOLDED = 30
#: So many links of one change are shown.
LINKED = 12

_GRAVE = frozenset({Consequence.TAKES_ALONG, Consequence.ONE_WAY})
_MOVED = frozenset({Cause.DRIFTED, Cause.BOTH, Cause.MISSING})


class PageAnchors(NamedTuple):
    """Where on the page a change stands, by its address, who on it needs whom, and what came of it."""

    ids: Mapping[Address, str]
    needed_by: Mapping[Address, Sequence[Address]]
    ends: Mapping[Address, OutcomeMark]


def needs_attention(change: Change, end: OutcomeMark | None = None) -> bool:
    """Whether it failed, is blocked, takes something away, cannot be put back, or meets what somebody else did."""
    causes = {change.cause, *(field.cause for field in change.fields)}
    grave = change.action in REMOVING or bool(_GRAVE.intersection(classes_of(change.effects)))
    failed = end is not None and end.status in BAD
    return failed or bool(change.blocked) or grave or bool(causes & _MOVED)


def placed(sheet: PlanSheet, changes: Sequence[Change]) -> PageAnchors:
    """A place for each."""
    ids = {change.address: f"c{number}" for number, change in enumerate(changes, 1)}
    needed_by: dict[Address, list[Address]] = {}
    for change in changes:
        for target in change.depends_on:
            needed_by.setdefault(target, []).append(change.address)
    return PageAnchors(ids, needed_by, ends_of(sheet.report))


def change_groups(sheet: PlanSheet, changes: Sequence[Change], places: PageAnchors) -> Iterator[str]:
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


def _block(change: Change, calls: Iterable[Call], places: PageAnchors, unfolded: bool) -> str:
    """One change: the line that a terminal shows, and folded in it everything else."""
    sort, classes = mood(change), " ".join(each.value for each in classes_of(change.effects))
    end = places.ends.get(change.address)
    flags = f' data-o="{end.status.value}"' if end else ""
    flags += (" data-x" if needs_attention(change, end) else "") + (" open" if unfolded else "")
    return (
        f'<details class="change {sort}" id="{places.ids[change.address]}" data-k="{text(change.address.kind)}"'
        f' data-a="{sort}" data-c="{classes}"{flags}><summary>{_line(change, sort, end)}</summary>'
        f'<div class="more">{_diff(plan_view.sides(change))}{_facts(change, places)}{_calls(list(calls))}</div>'
        "</details>"
    )


def _line(change: Change, sort: str, end: OutcomeMark | None) -> str:
    kind, slash, rest = plan_view.title(change).partition("/")
    remarks, where = text("; ".join(plan_view.remarks(change))), plan_view.where(change)
    remarks = " · ".join(filter(None, (end_markup(end), remarks)))
    return (
        f'<span class="sign" aria-hidden="true">{SYMBOL[sort]}</span><span class="sr">{WORD[sort]}:</span> '
        f'<span class="title"><span class="dim">{text(kind + slash)}</span>{text(rest)}</span>'
        + (f' <span class="remarks">{remarks}</span>' if remarks else "")
        + (f' <span class="where">{text(where)}</span>' if where else "")
    )


def _diff(sides: Iterable[FieldValues]) -> str:
    rows = "".join(_field(each) for each in sides)
    if not rows:
        return ""
    head = '<tr><th scope="col">field</th><th scope="col">before and after</th><th scope="col">why</th></tr>'
    return f'<table class="diff"><thead class="sr">{head}</thead><tbody>{rows}</tbody></table>'


def _field(side: FieldValues) -> str:
    before = "" if side.before is None else f"<del>{text(side.before)}</del>"
    after = "" if side.after is None else f"<ins>{text(side.after)}</ins>"
    both = f"<i>{text(side.hidden)}</i>" if side.hidden else " → ".join(filter(None, (before, after)))
    return f'<tr><th scope="row">{text(side.path)}</th><td>{both}</td><td class="why">{text(side.cause)}</td></tr>'


def _facts(change: Change, places: PageAnchors) -> str:
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


def _links(targets: Sequence[Address], places: PageAnchors) -> str:
    """Those that change lead to where they stand; of many, the first."""
    shown = [link(target, wording.shown(target), places) for target in targets[:LINKED]]
    more = len(targets) - len(shown)
    return ", ".join(shown) + (f" and {more:,} more" if more else "")


def link(target: Address, said: str, places: PageAnchors) -> str:
    """To where it stands; what is not on the page is named only."""
    place = places.ids.get(target)
    return f'<a href="#{place}">{text(said)}</a>' if place else f"<span>{text(said)}</span>"


def _calls(calls: Sequence[Call]) -> str:
    if not calls:
        return ""
    rows = "".join(f"<li>{_call(*call)}</li>" for call in calls)
    return f'<details class="calls"><summary>{wording.count(len(calls), "call")}</summary><ol>{rows}</ol></details>'


def _call(method: str, path: str, body: object) -> str:
    sent = "" if body is None else f"<pre>{_json(body)}</pre>"
    return f"<code><b>{text(method)}</b> {text(path)}</code>{sent}"


def _json(body: object) -> str:
    """Its line breaks are those of the layout: those of texts are spelled out."""
    lines = json.dumps(body, ensure_ascii=False, sort_keys=True, indent=2).split("\n")
    return "\n".join(text(line) for line in lines)


def filters(changes: Sequence[Change], places: PageAnchors) -> str:
    """Hidden until the script shows it: without one there is nothing that it could do."""
    moods, kinds = Counter(map(mood, changes)), Counter(change.address.kind for change in changes)
    classes = Counter(each.value for change in changes for each in classes_of(change.effects))
    actions = [
        (each, f'<span class="sign {each}" aria-hidden="true">{SYMBOL[each]}</span> {WORD[each]}', moods[each])
        for each in SYMBOL
    ]
    grave = sum(1 for change in changes if needs_attention(change, places.ends.get(change.address)))
    ends = counted(places.ends.values())
    attention = _toggle("x", "1", "needs attention", grave) if grave else ""
    return (
        '<form class="filters" role="search" aria-label="Changes" hidden>'
        '<p class="search"><label for="search">Search</label>'
        '<input id="search" type="search" autocomplete="off" spellcheck="false" placeholder="text, address, file"'
        ' aria-keyshortcuts="/"></p>'
        '<p class="shown"><span role="status" aria-live="polite"></span> <button type="reset">Show all</button></p>'
        + attention
        + _toggles("Outcome", "o", [(each.value, spelled(each), ends[each]) for each in ORDER])
        + _toggles("Action", "a", actions)
        + _toggles("Kind", "k", [(kind, text(name(kind)), kinds[kind]) for kind in kinds])
        + _toggles("Consequence", "c", [(e.value, text(name(e.value)), classes[e.value]) for e in Consequence])
        + '<p class="folds"><button type="button" data-fold="open">Unfold</button> '
        '<button type="button" data-fold="">Fold</button></p></form>'
    )


def _toggles(legend: str, facet: str, found: Iterable[tuple[str, str, int]]) -> str:
    buttons = "".join(_toggle(facet, value, label, number) for value, label, number in found if number)
    return f"<fieldset><legend>{legend}</legend>{buttons}</fieldset>" if buttons else ""


def _toggle(facet: str, value: str, label: str, number: int) -> str:
    """``label`` is markup."""
    return (
        f'<button type="button" aria-pressed="false" data-f="{facet}" data-v="{text(value)}">'
        f'<span>{label}</span> <span class="n">{number:,}</span></button>'
    )


#: Worst first: a change that takes several steps ended as its worst one did.
ORDER = (Status.FAILED, Status.SKIPPED, Status.NOT_RUN, Status.PENDING, Status.DONE)
BAD = frozenset({Status.FAILED, Status.SKIPPED})


class OutcomeMark(NamedTuple):
    """How a change ended, why, and what the server made of values that were sent."""

    status: Status
    message: str
    differs: Mapping[str, tuple[object, object]]


def ends_of(report: Report | None) -> dict[Address, OutcomeMark]:
    """By address; empty where nothing was carried out."""
    found: dict[Address, OutcomeMark] = {}
    for outcome in sorted(report.outcomes if report else (), key=lambda each: -ORDER.index(each.status)):
        before = found.get(outcome.step.address)
        differs = {**(before.differs if before else {}), **outcome.differs}
        found[outcome.step.address] = OutcomeMark(outcome.status, outcome.message, differs)
    return found


def counted(ends: Iterable[OutcomeMark]) -> Counter[Status]:
    """How many changes ended how."""
    return Counter(end.status for end in ends)


def worst(report: Report) -> list[Outcome]:
    """What failed, then what was skipped for it."""
    bad = [each for each in report.outcomes if each.status in BAD]
    return sorted(bad, key=lambda each: ORDER.index(each.status))


def spelled(status: Status) -> str:
    """``not run``."""
    return status.value.replace("_", " ")


def end_markup(end: OutcomeMark | None) -> str:
    """For the line of the change."""
    if end is None:
        return ""
    said = ": ".join(filter(None, (spelled(end.status), end.message)))
    return f'<span class="end {end.status.value}">{text(said)}</span>'


def differs_markup(end: OutcomeMark | None) -> str:
    """Each value that is another one now than the one that was sent."""
    return "; ".join(
        text(f"{path} was sent as {wording.value(sent)}, and is {wording.value(shown)}")
        for path, (sent, shown) in (end.differs if end else {}).items()
    )
