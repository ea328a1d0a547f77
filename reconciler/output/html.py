"""A plan → one HTML page without any other file: the data that the template ``plan.html.j2`` shows.

The template escapes every text, since it may come from the account or from a pull request. A Content-Security-Policy
allows the style and the script of the page by their digests, and nothing else. Template, style and script are files
of this package, read once like its modules; the page depends on the plan alone.
"""

from __future__ import annotations

import base64
import hashlib
import json
import pkgutil
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import groupby
from math import log10
from typing import NamedTuple

from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup

from reconciler import __version__
from reconciler.kinds import KINDS
from reconciler.kinds.effects import Consequence, classes_of
from reconciler.model.plan import Action, Cause, Change
from reconciler.model.report import Outcome, Report, Status
from reconciler.model.values import Address
from reconciler.output import plan_view, wording
from reconciler.output import text as lines
from reconciler.output.plan_view import Call, FieldValues, PlanSheet
from reconciler.planner.approvals import REMOVING

MAX_LISTED = 8  # failed or blocked changes at the top of the page
MAX_UNFOLDED = 30  # larger plans are shown with their changes folded
MAX_LINKS = 12  # of one change to those that it needs

#: Pixels of a box in the picture, and between boxes.
_WIDTH, _HEIGHT, _ACROSS, _DOWN = 180, 52, 76, 16

BLOCKED = "blocked"
#: Action of a change, or that it is blocked → sign and words, in the order of the page.
SIGNS = {
    **{action.value: (wording.SYMBOLS[action], verb) for action, verb in plan_view.VERBS},
    Action.NO_CHANGE.value: ("·", "to know by a new address"),
    BLOCKED: ("!", "blocked"),
}
#: Worst first: a change of several steps has the outcome of its worst one.
STATUSES = (Status.FAILED, Status.SKIPPED, Status.NOT_RUN, Status.PENDING, Status.DONE)
_BAD = frozenset({Status.FAILED, Status.SKIPPED})
_GRAVE = frozenset({Consequence.TAKES_ALONG, Consequence.ONE_WAY})
_CHANGED_BY_OTHERS = frozenset({Cause.DRIFTED, Cause.BOTH, Cause.MISSING})


class PageLink(NamedTuple):
    """The text of a link, its target on the page (empty: only the text is shown), and what follows it."""

    text: str
    anchor: str
    more: str = ""


class PageList(NamedTuple):
    """The first links of a list, and how many are left out."""

    links: Sequence[PageLink]
    left_out: int = 0
    title: str = ""


class PageFact(NamedTuple):
    """A term of a change with its text or its links."""

    term: str
    text: str = ""
    list: PageList = PageList(())


class PageToggle(NamedTuple):
    """A button that narrows the list to the ``number`` changes with this value."""

    value: str
    label: str
    number: int
    sign: str = ""


class PageCount(NamedTuple):
    """How many changes of a kind have this action."""

    action: str
    sign: str
    word: str
    number: int


class PageChange(NamedTuple):
    """One change: its line, and what unfolds below it."""

    anchor: str
    action: str
    sign: str
    word: str
    kind: str
    prefix: str
    name: str
    classes: str
    needs_attention: bool
    status: str
    ended: str
    remarks: str
    where: str
    fields: Sequence[FieldValues]
    facts: Sequence[PageFact]
    calls: Sequence[tuple[str, str, Sequence[str]]]


class PictureBox(NamedTuple):
    """One kind in the picture: the upper left corner of its box, and what the box says in words."""

    kind: str
    x: int
    y: int
    counts: Sequence[PageCount]
    words: str


class PictureLine(NamedTuple):
    """A line from the right side of a box to the left side of one that it needs."""

    x: int
    y: int
    to_x: int
    to_y: int
    width: float
    words: str


class Picture(NamedTuple):
    """Which kinds need which, in pixels."""

    width: int
    height: int
    boxes: Sequence[PictureBox]
    lines: Sequence[PictureLine]
    box_width: int = _WIDTH
    box_height: int = _HEIGHT


class PageOutcome(NamedTuple):
    """How a change ended, why, and the values that the server answered otherwise than they were sent."""

    status: Status
    message: str
    differs: Mapping[str, tuple[object, object]]


def page(sheet: PlanSheet) -> str:
    """The document, the same bytes for the same plan."""
    style, script = asset("page.css"), asset("page.js")
    first, rest = _headline(sheet)
    content = _Content(sheet)
    changes = content.changes
    return _template().render(
        version=__version__,
        style=Markup(style),  # noqa: S704 - files of this package
        script=Markup(script),  # noqa: S704
        digests={"style": _digest(style), "script": _digest(script)},
        heading=sheet.heading,
        first=first,
        rest=[sentence for sentence in rest if sentence],
        before=content.before(),
        consequences=list(_consequences(changes)),
        picture=_picture(changes),
        notes=[*plan_view.notes(sheet.plan), *(plan_view.routes(sheet.plan) if changes else ())],
        total=len(changes),
        unfolded=len(changes) <= MAX_UNFOLDED,
        attention=sum(1 for change in changes if content.needs_attention(change)),
        filters=[each for each in content.filters() if each[2]],
        groups=list(content.groups()),
    )


@cache
def asset(file: str) -> str:
    """A file of this package, with line ends as a browser reads them, since digests are of what it reads."""
    found = pkgutil.get_data(__package__, file)
    assert found is not None
    return found.decode("utf-8").replace("\r\n", "\n")


@cache
def _template() -> Template:
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, finalize=_printable
    )
    environment.filters |= {"number": "{:,}".format, "spaced": _spaced, "call_count": _call_count}
    return environment.from_string(asset("plan.html.j2"))


def _printable(value: object) -> object:
    """Every text of the page but markup: control characters are spelled out, then Jinja2 escapes it."""
    return value if isinstance(value, Markup) else wording.printable(str(value))


def _spaced(name: str) -> str:
    return name.replace("_", " ")


def _call_count(calls: Sequence[object]) -> str:
    return wording.count(len(calls), "call")


def _digest(content: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode("utf-8")).digest()).decode("ascii")


def _headline(sheet: PlanSheet) -> tuple[str, Sequence[str]]:
    """The first sentence, which is the title of the page, and those that follow it."""
    plan, report = sheet.plan, sheet.report
    if not plan_view.listed(plan):
        first, _, rest = plan_view.quiet(plan).partition(". ")
        return first, [rest]
    summary, cost = plan_view.summary(plan), plan_view.cost(sheet)
    if report:
        first, _, rest = lines.result(report).partition(". ")
        stopped = [f"Stopped: {report.stopped}."] if report.stopped else []
        return first, [rest, *stopped, f"This was the plan: {summary} {cost}"]
    first, _, rest = summary.partition(". ")
    return first, [rest, cost]


def _action(change: Change) -> str:
    return BLOCKED if change.blocked else change.action.value


def _counts(changes: Iterable[Change]) -> dict[str, list[PageCount]]:
    """How many changes of each kind have which action."""
    found: dict[str, Counter[str]] = {}
    for change in changes:
        found.setdefault(change.address.kind, Counter())[_action(change)] += 1
    return {
        kind: [PageCount(each, *SIGNS[each], counts[each]) for each in SIGNS if counts[each]]
        for kind, counts in found.items()
    }


def _consequences(changes: Iterable[Change]) -> Iterator[tuple[str, int, Counter[str]]]:
    """Each class of consequences, how many changes are in it, and by which effects."""
    classes: Counter[Consequence] = Counter()
    effects: dict[Consequence, Counter[str]] = {each: Counter() for each in Consequence}
    for change in changes:
        if not change.blocked:
            classes.update(classes_of(change.effects))
            for effect in change.effects:
                effects[classes_of([effect])[0]][effect] += 1
    return ((each.value, classes[each], effects[each]) for each in Consequence if classes[each])


def _picture(changes: Sequence[Change]) -> Picture | None:
    """None where no kind needs another one."""
    needs = Counter(
        (change.address.kind, kind)
        for change in changes
        for kind in {target.kind for target in change.depends_on} - {change.address.kind}
    )
    if not needs:
        return None
    counts = _counts(changes)
    kinds = [kind for kind in KINDS if kind in counts or any(kind == end for _, end in needs)]
    cells = _cells(kinds, needs)
    corners = {kind: (column * (_WIDTH + _ACROSS), row * (_HEIGHT + _DOWN)) for kind, (column, row) in cells.items()}
    boxes = [PictureBox(kind, *corners[kind], counts.get(kind, []), _words(kind, counts, needs)) for kind in kinds]
    lines = [
        PictureLine(
            corners[start][0] + _WIDTH,
            corners[start][1] + _HEIGHT // 2,
            corners[end][0],
            corners[end][1] + _HEIGHT // 2,
            round(1.2 + 0.5 * log10(number), 2),
            f"{wording.count(number, 'change')} of {_spaced(start)}: "
            f"{'needs' if number == 1 else 'need'} {_spaced(end)}",
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
    ends = sorted(_spaced(end) for start, end in needs if start == kind)
    return (", ".join(parts) or "no change") + (f"; needs {', '.join(ends)}" if ends else "")


class _Content:
    """The parts of the page that name changes and lead to them."""

    def __init__(self, sheet: PlanSheet) -> None:
        self.sheet = sheet
        self.changes = plan_view.listed(sheet.plan)
        self._anchors = {change.address: f"c{number}" for number, change in enumerate(self.changes, 1)}
        self._outcomes = _outcomes(sheet.report)
        self._needed_by: dict[Address, list[Address]] = {}
        for change in self.changes:
            for target in change.depends_on:
                self._needed_by.setdefault(target, []).append(change.address)

    def needs_attention(self, change: Change) -> bool:
        """Whether it failed, is blocked, removes something, cannot be reverted, or meets a change of others."""
        causes = {change.cause, *(field.cause for field in change.fields)}
        grave = change.action in REMOVING or bool(_GRAVE.intersection(classes_of(change.effects)))
        outcome = self._outcomes.get(change.address)
        failed = outcome is not None and outcome.status in _BAD
        return failed or bool(change.blocked) or grave or bool(causes & _CHANGED_BY_OTHERS)

    def before(self) -> tuple[str, str, list[str], list[PageList]] | None:
        """What stands against the plan: title, refusal, approvals required, failed and blocked changes."""
        report, refused = self.sheet.report, self.sheet.refused
        approvals = [] if report else [plan_view.need(approval) for approval in self.sheet.approvals]
        failed = [
            self._link(each.step.address, wording.shown(each.step.address), _ended(each.status, each.message))
            for each in _worst(report)
        ]
        blocked = [
            self._link(each.address, plan_view.title(each), each.blocked) for each in self.changes if each.blocked
        ]
        lists = [
            PageList(found[:MAX_LISTED], max(0, len(found) - MAX_LISTED), f"{len(found):,} {title}")
            for title, found in (("not done", failed), ("blocked", blocked))
            if found
        ]
        if not (refused or approvals or lists):
            return None
        title = (
            "Refused" if refused else "Before it is applied" if approvals else "Not done" if failed else "Held back"
        )
        return title, refused, approvals, lists

    def filters(self) -> Iterator[tuple[str, str, list[PageToggle]]]:
        """Legend, attribute and toggles of each group of filters."""
        actions = Counter(map(_action, self.changes))
        kinds = Counter(change.address.kind for change in self.changes)
        classes = Counter(each for change in self.changes for each in classes_of(change.effects))
        statuses = Counter(outcome.status for outcome in self._outcomes.values())
        yield "Outcome", "o", [PageToggle(e.value, _spaced(e.value), statuses[e]) for e in STATUSES if statuses[e]]
        yield "Action", "a", [PageToggle(e, SIGNS[e][1], actions[e], SIGNS[e][0]) for e in SIGNS if actions[e]]
        yield "Kind", "k", [PageToggle(kind, _spaced(kind), kinds[kind]) for kind in kinds]
        yield (
            "Consequence",
            "c",
            [PageToggle(e.value, _spaced(e.value), classes[e]) for e in Consequence if classes[e]],
        )

    def groups(self) -> Iterator[tuple[str, list[PageCount], list[PageChange]]]:
        """The changes of each kind."""
        counts = _counts(self.changes)
        for kind, found in groupby(self.changes, lambda change: change.address.kind):
            yield kind, counts[kind], [self._change(change) for change in found]

    def _change(self, change: Change) -> PageChange:
        action = _action(change)
        sign, word = SIGNS[action]
        outcome = self._outcomes.get(change.address)
        kind, slash, name = plan_view.title(change).partition("/")
        return PageChange(
            self._anchors[change.address],
            action,
            sign,
            word,
            change.address.kind,
            kind + slash,
            name,
            " ".join(each.value for each in classes_of(change.effects)),
            self.needs_attention(change),
            outcome.status.value if outcome else "",
            _ended(outcome.status, outcome.message) if outcome else "",
            "; ".join(plan_view.remarks(change)),
            plan_view.where(change),
            list(plan_view.sides(change)),
            [fact for fact in self._facts(change, outcome) if fact.text or fact.list.links],
            [_call(call) for call in self.sheet.requests.get(change.address, ())],
        )

    def _facts(self, change: Change, outcome: PageOutcome | None) -> Iterator[PageFact]:
        yield PageFact("effects", "; ".join(change.effects))
        yield PageFact("consequence", ", ".join(_spaced(each.value) for each in classes_of(change.effects)))
        yield PageFact("needs", list=self._links(change.depends_on))
        yield PageFact("needed by", list=self._links(self._needed_by.get(change.address, ())))
        yield PageFact("lets go", list=self._links(change.lets_go))
        yield PageFact("id", change.remote_id or "")
        yield PageFact("answered", _differences(outcome))

    def _links(self, targets: Sequence[Address]) -> PageList:
        shown = [self._link(target, wording.shown(target)) for target in targets[:MAX_LINKS]]
        return PageList(shown, len(targets) - len(shown))

    def _link(self, target: Address, text: str, more: str | None = "") -> PageLink:
        return PageLink(text, self._anchors.get(target, ""), more or "")


def _call(call: Call) -> tuple[str, str, list[str]]:
    """Method, path and the lines of the body; line breaks inside of texts are spelled out."""
    method, path, body = call
    if body is None:
        return method, path, []
    return method, path, json.dumps(body, ensure_ascii=False, sort_keys=True, indent=2).split("\n")


def _outcomes(report: Report | None) -> dict[Address, PageOutcome]:
    """By address; empty for a plan that was not applied."""
    found: dict[Address, PageOutcome] = {}
    for outcome in sorted(report.outcomes if report else (), key=lambda each: -STATUSES.index(each.status)):
        before = found.get(outcome.step.address)
        differs = {**(before.differs if before else {}), **outcome.differs}
        found[outcome.step.address] = PageOutcome(outcome.status, outcome.message, differs)
    return found


def _worst(report: Report | None) -> list[Outcome]:
    """Failed steps, then those skipped for them."""
    bad = [each for each in (report.outcomes if report else ()) if each.status in _BAD]
    return sorted(bad, key=lambda each: STATUSES.index(each.status))


def _ended(status: Status, message: str) -> str:
    """``failed: 422: name is taken``."""
    return ": ".join(filter(None, (_spaced(status.value), message)))


def _differences(outcome: PageOutcome | None) -> str:
    return "; ".join(
        f"{path} was sent as {wording.value(sent)}, and is {wording.value(answered)}"
        for path, (sent, answered) in (outcome.differs if outcome else {}).items()
    )
