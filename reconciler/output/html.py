"""Renders a plan as one HTML page without further files, from the template ``plan.html.j2``.

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
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from functools import cache
from itertools import chain
from typing import NamedTuple

from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup

from reconciler import __version__
from reconciler.kinds.effects import Consequence, classes_of
from reconciler.model.plan import Action, Cause, Change
from reconciler.model.report import Outcome, Report, Status
from reconciler.model.values import Address
from reconciler.output import change_text, plan_sheet, wording
from reconciler.output import text as lines
from reconciler.output.change_text import FieldValues
from reconciler.output.picture import PageCount, page_counts, picture_of, verb_of
from reconciler.output.plan_sheet import SIGNS, PlanSheet
from reconciler.output.plan_view import Block, Member, ViewRow, place, relation_row, sign_of, view_of
from reconciler.output.verbatim import Call
from reconciler.planner.approvals import REMOVING

MAX_LISTED = 8  # failed or blocked changes at the top of the page
MAX_UNFOLDED = 30  # larger plans are shown with their changes folded
MAX_LINKS = 12  # of one change to those that it needs

#: Worst first: a change of several steps has the outcome of its worst one.
STATUSES = (Status.FAILED, Status.SKIPPED, Status.NOT_RUN, Status.PENDING, Status.DONE)
_BAD = frozenset({Status.FAILED, Status.SKIPPED})
_GRAVE = frozenset({Consequence.CASCADES, Consequence.IRREVERSIBLE})
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


class PageChange(NamedTuple):
    """One change with its relations: its line, and what unfolds below it. Filters use ``kinds`` and ``actions``."""

    anchor: str
    action: str
    sign: str
    word: str
    kinds: str
    actions: str
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


class PageBlock(NamedTuple):
    """One change, or several equal ones: ``title`` and ``rows`` are what they have in common."""

    action: str
    sign: str
    word: str
    title: str
    where: str
    remarks: str
    rows: Sequence[ViewRow]
    changes: Sequence[PageChange]


class PageOutcome(NamedTuple):
    """The result of a change, its reason, and the values that the server changed."""

    status: Status
    message: str
    differs: Mapping[str, tuple[object, object]]


def page(sheet: PlanSheet) -> str:
    """The HTML page; the same plan gives the same bytes."""
    style, script = asset("page.css"), asset("page.js")
    first, rest = _headline(sheet)
    content = _Content(sheet)
    changes = content.changes
    return _template().render(
        version=__version__,
        style=Markup(style),  # noqa: S704 - files of this package
        script=Markup(script),  # noqa: S704
        digests={"style": _digest(style), "script": _digest(script)},
        heading=content.view.title if not sheet.report else f"Apply to {sheet.heading}",
        first=first,
        rest=[sentence for sentence in rest if sentence],
        before=content.before(),
        consequences=list(_consequences(changes)),
        picture=picture_of(changes, content.kinds),
        notes=[*plan_sheet.notes(sheet.plan), *(plan_sheet.routes(sheet.plan) if changes else ())],
        total=len(content.members),
        unfolded=len(content.members) <= MAX_UNFOLDED,
        attention=sum(map(content.needs_attention, content.members)),
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
    environment.filters |= {
        "number": "{:,}".format,
        "spaced": wording.spaced,
        "call_count": lambda calls: wording.count(len(calls), "call"),
    }
    return environment.from_string(asset("plan.html.j2"))


def _printable(value: object) -> object:
    """The text with control characters written as escapes; Jinja2 escapes it then. Markup is unchanged."""
    return value if isinstance(value, Markup) else wording.printable(str(value))


def _digest(content: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode("utf-8")).digest()).decode("ascii")


def _headline(sheet: PlanSheet) -> tuple[str, Sequence[str]]:
    """The first sentence, which is also the title of the page, and the sentences after it."""
    plan, report = sheet.plan, sheet.report
    if not (plan.effective or plan.blocked):
        first, _, rest = plan_sheet.quiet(plan).partition(". ")
        return first, [rest]
    parts = ", ".join(plan_sheet.parts(plan, zeros=False))
    cost = [plan_sheet.rest(plan), plan_sheet.people(plan), plan_sheet.calls(sheet)]
    if report:
        stopped = f"Stopped: {report.stopped}." if report.stopped else ""
        ended = lines.result(report, plan).removesuffix(".")
        return ended, [stopped, " ".join(filter(None, [f"This was the plan: {parts}.", *cost]))]
    return parts, cost


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


class _Content:
    """The parts of the page that list changes and link to them."""

    def __init__(self, sheet: PlanSheet) -> None:
        self.sheet, self.view = sheet, view_of(sheet, adopted=True)
        self.members = [member for group in self.view.groups for block in group.blocks for member in block.members]
        self.changes = plan_sheet.listed(sheet.plan)
        self._anchors = {
            change.address: f"c{number}"
            for number, member in enumerate(self.members, 1)
            for change in (member.change, *member.relations)
        }
        self._outcomes = _outcomes(sheet.report)
        self._needed_by: dict[Address, list[Address]] = {}
        for change in self.changes:
            for target in change.depends_on:
                self._needed_by.setdefault(target, []).append(change.address)

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds that have a list of changes on the page."""
        return frozenset(group.kind for group in self.view.groups if group.blocks)

    def needs_attention(self, member: Member) -> bool:
        """Whether it failed, is blocked, removes something, cannot be reverted, or overwrites a change of others."""
        return any(map(self._is_grave, (member.change, *member.relations)))

    def _is_grave(self, change: Change) -> bool:
        causes = {change.cause, *(field.cause for field in change.fields)}
        grave = change.action in REMOVING or bool(_GRAVE.intersection(classes_of(change.effects)))
        outcome = self._outcomes.get(change.address)
        failed = outcome is not None and outcome.status in _BAD
        return failed or bool(change.blocked) or grave or bool(causes & _CHANGED_BY_OTHERS)

    def before(self) -> tuple[str, str, list[str], list[PageList]] | None:
        """What prevents the plan: title, refusal, approvals required, failed and blocked changes."""
        report, refused = self.sheet.report, self.sheet.refused
        approvals = [] if report else [*map(plan_sheet.need, self.sheet.approvals), plan_sheet.protection(self.sheet)]
        approvals = [each for each in approvals if each]
        failed = [
            self._link(each.step.address, wording.shown(each.step.address), _ended(each.status, each.message))
            for each in _worst(report)
        ]
        blocked = [
            self._link(each.address, change_text.title(each), each.blocked) for each in self.changes if each.blocked
        ]
        lists = [
            PageList(found[:MAX_LISTED], max(0, len(found) - MAX_LISTED), f"{len(found):,} {title}")
            for title, found in (("not done", failed), ("blocked", blocked))
            if found
        ]
        if not (refused or approvals or lists):
            return None
        title = "Refused" if refused else "Required approvals" if approvals else "Not done" if failed else "Blocked"
        return title, refused, approvals, lists

    def filters(self) -> Iterator[tuple[str, str, list[PageToggle]]]:
        """Legend, attribute and toggles of each group of filters."""
        actions = Counter(each for member in self.members for each in _actions(member))
        kinds = Counter(each for member in self.members for each in _kinds(member))
        classes = Counter(each for member in self.members for each in classes_of(_effects(member)))
        statuses = Counter(end.status for member in self.members if (end := self._ending(member)))
        yield (
            "Outcome",
            "o",
            [PageToggle(e.value, wording.spaced(e.value), statuses[e]) for e in STATUSES if statuses[e]],
        )
        yield "Action", "a", [PageToggle(e, SIGNS[e].verb, actions[e], SIGNS[e].symbol) for e in SIGNS if actions[e]]
        yield "Kind", "k", [PageToggle(kind, wording.spaced(kind), kinds[kind]) for kind in sorted(kinds)]
        yield (
            "Consequence",
            "c",
            [PageToggle(e.value, wording.spaced(e.value), classes[e]) for e in Consequence if classes[e]],
        )

    def groups(self) -> Iterator[tuple[str, list[PageCount], list[PageBlock]]]:
        """The changes of each kind."""
        for group in (each for each in self.view.groups if each.blocks):
            yield group.kind, page_counts(group.counts), [self._block(block) for block in group.blocks]

    def _block(self, block: Block) -> PageBlock:
        sign = SIGNS[block.sign]
        remarks = "; ".join([*filter(None, [block.word]), *block.remarks, *block.effects])
        changes = [self._change(member, block) for member in block.members]
        return PageBlock(
            block.sign, sign.symbol, verb_of(block.sign), block.title, block.where, remarks, block.rows, changes
        )

    def _change(self, member: Member, block: Block) -> PageChange:
        change = member.change
        outcome = self._ending(member)
        kind, slash, name = change_text.title(change).partition("/")
        return PageChange(
            self._anchors[change.address],
            block.sign,
            SIGNS[block.sign].symbol,
            verb_of(block.sign),
            " ".join(_kinds(member)),
            " ".join(_actions(member)),
            kind + slash,
            name,
            " ".join(each.value for each in classes_of(_effects(member))),
            self.needs_attention(member),
            outcome.status.value if outcome else "",
            _ended(outcome.status, outcome.message) if outcome else "",
            "; ".join([*filter(None, [block.word]), *change_text.remarks(change)]),
            place([change]),
            [*change_text.sides(change), *map(_relation_values, member.relations)],
            [fact for fact in self._facts(member, outcome) if fact.text or fact.list.links],
            [
                _call(call)
                for each in (change, *member.relations)
                for call in self.sheet.requests.get(each.address, ())
            ],
        )

    def _ending(self, member: Member) -> PageOutcome | None:
        """The worst outcome of a change and its relations."""
        found = [(each, self._outcomes.get(each.address)) for each in (member.change, *member.relations)]
        ends = [(change, end) for change, end in found if end is not None]
        if not ends:
            return None
        change, worst = min(ends, key=lambda each: STATUSES.index(each[1].status))
        differs = {path: both for _, end in ends for path, both in end.differs.items()}
        about = "" if change is member.change or not worst.message else f"{wording.shown(change.address)}: "
        return PageOutcome(worst.status, about + worst.message, differs)

    def _facts(self, member: Member, outcome: PageOutcome | None) -> Iterator[PageFact]:
        change, effects = member.change, _effects(member)
        every = (change, *member.relations)
        own = {each.address for each in every}
        yield PageFact("effects", "; ".join(effects))
        yield PageFact("consequence", ", ".join(wording.spaced(each.value) for each in classes_of(effects)))
        yield PageFact("needs", list=self._links(_targets(own, (each.depends_on for each in every))))
        yield PageFact(
            "needed by", list=self._links(_targets(own, (self._needed_by.get(each.address, ()) for each in every)))
        )
        yield PageFact("detached from", list=self._links(_targets(own, (each.detached_from for each in every))))
        yield PageFact("id", change.remote_id or "")
        yield PageFact("answered", _differences(outcome))

    def _links(self, targets: Sequence[Address]) -> PageList:
        shown = [self._link(target, wording.shown(target)) for target in targets[:MAX_LINKS]]
        return PageList(shown, len(targets) - len(shown))

    def _link(self, target: Address, text: str, more: str | None = "") -> PageLink:
        return PageLink(text, self._anchors.get(target, ""), more or "")


def _targets(own: Set[Address], found: Iterable[Iterable[Address]]) -> list[Address]:
    return [each for each in dict.fromkeys(chain.from_iterable(found)) if each not in own]


def _kinds(member: Member) -> list[str]:
    return list(dict.fromkeys(each.address.kind for each in (member.change, *member.relations)))


def _actions(member: Member) -> list[str]:
    return list(dict.fromkeys(map(sign_of, (member.change, *member.relations))))


def _effects(member: Member) -> list[str]:
    changes = (each for each in (member.change, *member.relations) if not each.blocked)
    return list(dict.fromkeys(effect for each in changes for effect in each.effects))


def _relation_values(change: Change) -> FieldValues:
    """The relations that a person gets or loses, such as ``tags``."""
    row = relation_row(change)
    sign, _, name = row.shown.partition(" ")
    added, removed = change.action is Action.CREATE, change.action is Action.DELETE
    if change.blocked or not (added or removed):
        return FieldValues(row.path, None, None, row.note, f"{sign} {name}")
    return FieldValues(row.path, name if removed else None, name if added else None, row.note)


def _call(call: Call) -> tuple[str, str, list[str]]:
    """Method, path and the lines of the body; line breaks inside of texts are spelled out."""
    method, path, body = call
    if body is None:
        return method, path, []
    return method, path, json.dumps(body, ensure_ascii=False, sort_keys=True, indent=2).split("\n")


def _outcomes(report: Report | None) -> dict[Address, PageOutcome]:
    """The outcomes by address; empty for a plan that was not applied."""
    found: dict[Address, PageOutcome] = {}
    for outcome in sorted(report.outcomes if report else (), key=lambda each: -STATUSES.index(each.status)):
        before = found.get(outcome.step.address)
        differs = {**(before.differs if before else {}), **outcome.differs}
        found[outcome.step.address] = PageOutcome(outcome.status, outcome.message, differs)
    return found


def _worst(report: Report | None) -> list[Outcome]:
    """Failed steps, then the steps skipped because of them."""
    bad = [each for each in (report.outcomes if report else ()) if each.status in _BAD]
    return sorted(bad, key=lambda each: STATUSES.index(each.status))


def _ended(status: Status, message: str) -> str:
    """``failed: 422: name is taken``."""
    return ": ".join(filter(None, (wording.spaced(status.value), message)))


def _differences(outcome: PageOutcome | None) -> str:
    return "; ".join(
        f"{path} was sent as {wording.value(sent)}, and is {wording.value(answered)}"
        for path, (sent, answered) in (outcome.differs if outcome else {}).items()
    )
