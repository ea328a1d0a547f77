"""Comments of pull requests, through the renderer that GitHub itself uses."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import cmarkgfm
import pytest
from cmarkgfm.cmark import Options
from hypothesis import example, given
from hypothesis import strategies as st

from reconciler import __version__
from reconciler.errors import Problem
from reconciler.model.plan import Action, Base, Cause, Change, FieldChange, Plan, Step, Verb
from reconciler.model.policy import Allow
from reconciler.model.report import Outcome, Report, Status
from reconciler.model.values import Address, Origin
from reconciler.output import wording
from reconciler.output.drift import DriftReport
from reconciler.output.markdown import LIMIT, drift_comment, plan_comment, problems_comment
from reconciler.output.markdown_text import code, marker, prose, size
from reconciler.output.plan_sheet import PlanSheet
from reconciler.output.problems import FileProblems
from reconciler.planner.approvals import Approval
from reconciler.planner.drift import Drift

VIP, ANN = Address("tag", "VIP"), Address("contact", "ann@example.com")
BASE = Base(None, "", 0, "vendor")
#: All that our own markup makes.
OURS = {
    "h3",
    "p",
    "strong",
    "blockquote",
    "code",
    "ul",
    "li",
    "details",
    "summary",
    "b",
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
    "span",
}
NASTY = [
    "a|b",
    "`x`",
    "``",
    "\\|",
    "\\",
    "a\\",
    "|`\\",
    "@octocat",
    "#123",
    "GH-12",
    "<script>alert(1)</script>",
    "</details>",
    "-->",
    "<!--",
    "![x](https://example.com/x.png)",
    "[x](javascript:x)",
    "https://example.com",
    "www.example.com",
    "**bold**",
    "_em_",
    "~~gone~~",
    "a\nb",
    "a\r\n\r\n# head",
    "&amp;",
    "&#64;octocat",
    "\U0001f600",
    ":+1:",
    "$x^2$",
    " lead",
    "trail ",
    "\u202eabc",
    "\x00",
    "|",
    "| --- |",
    "ann@example.com",
    "z@example.com of x|y`z@example.com",
    "1. x",
    "- x",
    "> x",
    "    x",
    "$100 %x",
    "owner/repo#1",
    "deadbeefdeadbeef",
]
texts = st.one_of(
    st.sampled_from(NASTY), st.text(min_size=1, max_size=60), st.text("|`\\<>&@#*_~[]()!-\n ", max_size=20)
)


class Page(HTMLParser):
    """What a reader sees: tags, the text of every cell, all text, and what stands in code."""

    def __init__(self, markdown: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []
        self.rows: list[list[str]] = []
        self.text = ""
        self.bare = ""
        self.comments: list[str] = []
        self._open: list[str] = []
        self.feed(cmarkgfm.github_flavored_markdown_to_html(markdown, Options.CMARK_OPT_UNSAFE))
        self.close()

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.add(tag)
        self.attributes += attrs
        self._open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        self._open.remove(tag)

    def handle_data(self, data: str) -> None:
        self.text += data
        if "code" not in self._open:
            self.bare += data
        if "td" in self._open or "th" in self._open:
            self.rows[-1][-1] += data

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)


def sheet(*changes: Change, **more: Any) -> PlanSheet:
    given_ = {key: more.pop(key) for key in ("approvals", "report", "refused", "name", "heading") if key in more}
    heading = given_.pop("heading", "site · connection default · ledger serial 0")
    return PlanSheet(Plan(BASE, changes, **more), heading, len(changes), 10, **given_)


def tight(text: str) -> str:
    return re.sub(r"\s+", "", text)


def seen(page: Page) -> None:
    """Nothing but our own markup, four cells in each row, and nothing that GitHub would turn into a mention."""
    assert page.tags <= OURS, page.tags - OURS
    assert page.attributes == []
    assert {len(row) for row in page.rows} <= {4}
    assert not re.search(r"[@#]\w|GH-\d|https?:|www\.", page.bare), page.bare


def changed(name: str, value: str, note: str) -> Change:
    field = FieldChange("first_name", value, None, Cause.EDITED, note=note)
    return Change(
        Address("contact", name),
        Action.UPDATE,
        Cause.EDITED,
        fields=(field,),
        note=note,
        origin=Origin("a.yaml", 3, 5),
    )


@given(texts, texts, texts)
@example("a\\|b", "\\", "`|")
@example("|", "``|\\", "x`")
def test_any_text_stays_text(name: str, value: str, note: str) -> None:
    """Tables keep their shape, no markup of the account survives, and every sign of it is there to be read."""
    name = name.strip() or "x"
    page = Page(plan_comment(sheet(changed(name, value, note), name=name)))
    seen(page)
    (title, action, where, remarks), (path, shown, _, cause) = page.rows[1:3]
    assert tight(title) == tight(f"~ {wording.shown(Address('contact', name))}")
    assert (action, where, path) == ("update", "a.yaml:3", "first_name")
    assert tight(shown) == tight(f"{wording.value(value)} → (cleared)")
    assert tight(remarks) == tight(wording.printable(note))
    assert tight(cause) == tight("; ".join(filter(None, ("edited", wording.printable(note)))))


@given(texts, texts)
def test_any_text_stays_text_outside_of_tables(name: str, reason: str) -> None:
    """In headings, allowances, what is blocked, failures and the hidden first line."""
    change = Change(Address("tag", name.strip() or "x"), Action.DELETE, Cause.REMOVED, blocked=reason or "x")
    failed = Outcome(Step(change.address, Verb.DROP), Action.DELETE, Status.FAILED, message=reason)
    report = Report((failed,), stopped=reason or "x")
    approvals = (Approval(Allow.DELETES, 1, reason),)
    text = plan_comment(
        sheet(change, approvals=approvals, report=report, refused=reason, name=name, heading=name or "x")
    )
    page = Page(text)
    seen(page)
    assert len(page.comments) == 1
    assert page.comments[0].startswith(" reconciler: ")
    assert text.startswith("<!-- reconciler: ")
    assert tight(wording.printable(reason)) in tight(page.text)


@given(texts)
def test_pieces(text: str) -> None:
    """A name and a sentence show what they are made of, alone as well."""
    for piece in (code(text), prose(text)):
        page = Page(f"x {piece} x")
        assert page.tags <= {"p", "code", "span"}
        assert tight(page.text) == tight(f"x{wording.printable(text)}x")


def test_long_texts_are_cut() -> None:
    """One name does not fill a comment."""
    assert len(code("x" * 10_000)) < 400
    assert len(prose("word " * 10_000)) < 400


def test_what_matters_comes_first() -> None:
    """The totals, people and calls, approvals with the line to write, what is blocked; then the folded rest."""
    text = plan_comment(
        sheet(
            Change(ANN, Action.CREATE, Cause.NEW, effects=("starts automations",), origin=Origin("a.yaml", 1, 1)),
            Change(VIP, Action.DELETE, Cause.REMOVED, blocked="prevent_destroy", origin=Origin("a.yaml", 9, 1)),
            Change(Address("tag", "Same"), Action.NO_CHANGE),
            approvals=(Approval(Allow.DELETES, 3, "3 of 9 (limit 30%)"),),
            name="production",
        )
    )
    order = [
        "<!-- reconciler: production -->",
        "### Plan for production: 1 to create, 1 blocked",
        "People: 1 affected; up to 1 may receive e-mail. API calls: 0 made to read; 3 to apply",
        "**Approval required before apply:**",
        "- `--allow deletes=3` – 3 of 9 (limit 30%)",
        "**Blocked:**",
        "- `tag/VIP`: `prevent_destroy`",
        "<details>",
    ]
    places = [text.index(piece) for piece in order]
    assert places == sorted(places)
    assert "tag/Same" not in text
    assert text.count("<details>") == text.count("</details>") == 2


def test_a_quiet_day() -> None:
    """One sentence, the version, and the mark by which an older comment is found."""
    text = plan_comment(sheet(Change(VIP, Action.NO_CHANGE), name="x"))
    assert "Plan for x: No changes. 1 resource matches the configuration" in Page(text).text
    assert text.strip().splitlines()[2:] == ["", f"reconciler {__version__}"]
    assert "<details>" not in text


@pytest.mark.parametrize("number", [1, 100, 1000, 5000])
def test_it_is_cut_between_changes(number: int) -> None:
    """At most what GitHub takes, whole changes only, closed tables, and the number of those that are missing."""
    changes = [
        changed(f"person{index:05}@example.com", f"Name {index} \U0001f600", f"a note | of it, {index}")
        for index in range(number)
    ]
    tags = [
        Change(Address("tag", f"T{index:05}"), Action.CREATE, Cause.NEW, note=str(index)) for index in range(number)
    ]
    text = plan_comment(sheet(*changes, *tags))
    page = Page(text)
    seen(page)
    assert size(text) <= LIMIT
    assert text.count("<details>") == text.count("</details>")
    shown = sum(1 for row in page.rows if row[0][2:].startswith(("contact/", "tag/")))
    assert sum(1 for row in page.rows if row[0] == "first_name") == min(shown, number)
    left = re.search(r"([\d,]+) changes? (?:is|are) not shown here", page.text)
    assert (int(left[1].replace(",", "")) if left else 0) == 2 * number - shown
    assert (left is None) == (number <= 100)
    if left:
        assert "the whole plan is in the HTML or JSON output of this run" in page.text
        assert size(text) > LIMIT - 2_000


def test_a_smaller_limit() -> None:
    """For those who put it beside other text; even where a single change has no room."""
    wide = tuple(FieldChange(f"fields.f{index}", "a" * 50, "b" * 50, Cause.EDITED) for index in range(300))
    text = plan_comment(sheet(Change(ANN, Action.UPDATE, Cause.EDITED, fields=wide)), 10_000)
    assert size(text) < 10_000
    assert "**1 change is not shown here:**" in text


@pytest.mark.parametrize("limit", [10_000, LIMIT])
def test_the_longest_names_there_are(limit: int) -> None:
    """In every place that names something: it stays within the limit, and what was opened is closed."""
    long = "|`" * 5_000
    changes = [
        Change(Address("tag", f"{i}{long}"), Action.DELETE, Cause.REMOVED, blocked=long, note=long, effects=(long,))
        for i in range(50)
    ]
    changes += [Change(Address("webhook", f"{index}{long}"), Action.NO_CHANGE, note=long) for index in range(50)]
    outcomes = tuple(
        Outcome(
            Step(each.address, Verb.DROP), Action.DELETE, Status.FAILED, message=long, differs={long: (long, long)}
        )
        for each in changes
    )
    approvals = tuple(Approval(allow, 1, long) for allow in Allow)
    text = plan_comment(
        sheet(
            *changes,
            report=Report(outcomes, stopped=long),
            approvals=approvals,
            refused=long,
            name=long,
            heading=long,
        ),
        limit,
    )
    assert size(text) <= limit
    assert text.count("<details>") == text.count("</details>")
    seen(Page(text))


def test_names_of_projects_in_the_marker() -> None:
    """Nothing ends it early."""
    assert marker("a-->b--c\n<x>") == "<!-- reconciler: a-_b-c_u000a_x_ -->\n"


def test_a_report() -> None:
    """What was done, what failed and why, what was skipped, and what the server made of our values."""
    steps = [Outcome(Step(VIP, Verb.MAKE), Action.CREATE, Status.DONE, "1", differs={"name": ("VIP", "vip")})]
    steps.append(Outcome(Step(ANN, Verb.MAKE), Action.CREATE, Status.FAILED, message="email: in use @all"))
    other = Address("tagging", "ann@example.com/VIP")
    steps.append(Outcome(Step(other, Verb.MAKE), Action.CREATE, Status.SKIPPED, message="needs contact/ann"))
    changes = [Change(each.step.address, Action.CREATE, Cause.NEW) for each in steps]
    page = Page(plan_comment(sheet(*changes, report=Report(tuple(steps), 3, 2, 7, "--max-calls was reached"))))
    seen(page)
    assert "Run 7 incomplete: 1 of 3 done, 1 failed, 1 skipped (3 calls to read, 2 to apply)." in page.text
    assert "Stopped: --max-calls was reached" in page.text
    assert "contact/ann@example.com failed: email: in use @all" in page.text
    assert "tagging/ann@example.com/VIP skipped: needs contact/ann" in page.text
    assert 'tag/VIP: name was sent as "VIP", and is "vip"' in page.text


@given(texts, texts)
def test_drift_is_an_issue(name: str, value: str) -> None:
    """Field by field what the account changed, whatever it is called."""
    address = Address("tag", name.strip() or "x")
    items = (
        Drift(ANN, "first_name", "Ann", value, "7", True, conflict=True, origin=Origin("a.yaml", 2, 1)),
        Drift(address, None, None, None, "8", False, note=value),
    )
    page = Page(drift_comment(DriftReport(items, 9, 3, "site", name)))
    seen(page)
    assert "Drift: 2 of 9 resources changed, 1 of them deleted (3 API calls)." in page.text
    assert page.rows[1][:3] == ["~ contact/ann@example.com", "changed", "a.yaml:2"]
    assert tight(page.rows[2][1]) == tight(f'"Ann" → {wording.value(value)}')
    assert page.rows[2][3] == "also changed in your files (conflict)"
    assert tight(page.rows[3][0]) == tight(f"− {wording.shown(address)}")


def test_drift_of_nothing_and_of_too_much() -> None:
    """One sentence; or a table that says how many resources it leaves out."""
    assert "No drift." in drift_comment(DriftReport((), 9, 3, "site"))
    items = tuple(Drift(Address("tag", f"{i:05}"), None, None, None, "1", True) for i in range(5_000))
    text = drift_comment(DriftReport(items, 5_000, 50, "site"))
    assert LIMIT - 2_000 < size(text) <= LIMIT
    assert re.search(r"\*\*[\d,]+ resources are not shown here:\*\*", text)


@given(texts, texts)
def test_problems_of_files(what: str, where: str) -> None:
    """A row for each, with its place."""
    page = Page(
        problems_comment(FileProblems((Problem(where, what, "a hint"), Problem("a.yaml:1:2", "odd")), "site"))
    )
    assert page.tags <= OURS
    assert {len(row) for row in page.rows} == {2}
    assert tight(wording.printable(what)) in tight(page.rows[1][1])
    assert page.rows[2] == ["a.yaml:1:2", "odd"]
    assert "Valid: 3 resources." in problems_comment(FileProblems((), "site", resources=3))
