"""The page as markup: what it says, that it is sound, and that no text becomes anything else."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import replace
from itertools import combinations, pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.model.plan import Action, Cause, Change, Step, Verb
from reconciler.model.policy import Allow
from reconciler.model.report import Outcome, Report, Status
from reconciler.model.values import Address, Origin, escape
from reconciler.output import plan_sheet
from reconciler.output.html import asset, page
from reconciler.output.plan_sheet import PlanSheet
from reconciler.output.plan_view import Member, view_of
from reconciler.output.wording import printable
from reconciler.planner.approvals import Approval
from tests.html.parsed import Parsed
from tests.html.plans import address, field, large, mixed, sheet_of

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "]]>",
    "--><b>",
    "</style>",
    "</title></textarea><svg onload=alert(1)>",
    "&lt;&#60;&amp",
    "javascript:alert(1)",
    "{{7*7}}${7*7}",
    "\x1b[31m",
    "</details></main>",
    "\u202eevil",
    "expression(1)",
    "url(https://example.com)",
    "\x00",
    "a\nb",
    "<!--",
)
TEXTS = st.one_of(st.sampled_from(HOSTILE), st.text(min_size=1), st.text("<>\"'&;/=`!-[]x ", min_size=1))
NAMES = (
    "key",
    "value",
    "before",
    "file",
    "note",
    "effect",
    "blocked",
    "path",
    "body",
    "heading",
    "reason",
    "route",
    "target",
)


def told(texts: Mapping[str, str]) -> PlanSheet:
    """A plan in which each of these texts stands in its place."""
    key, target = escape(texts["key"]), escape(texts["target"])
    tag = Address("tag", key)
    fields = (field("url", texts["before"], texts["value"]), field("name", None, texts["value"], Cause.NEW))
    one = Change(
        tag,
        Action.CREATE,
        Cause.NEW,
        fields,
        remote_id=texts["key"],
        note=texts["note"],
        origin=Origin(texts["file"], 1, 1),
        effects=(texts["effect"],),
        depends_on=(Address("course", target),),
    )
    other = Change(Address("webhook", key), Action.DELETE, blocked=texts["blocked"], depends_on=(tag,))
    quiet = Change(Address("community", key), Action.NO_CHANGE, note=texts["note"])
    sheet = sheet_of(
        one,
        other,
        quiet,
        approvals=(Approval(Allow.DELETES, 1, texts["reason"]),),
        routes={"contact": texts["route"]},
        requests={tag: (("POST", texts["path"], {texts["body"]: [texts["body"]]}),)},
    )
    return replace(sheet, heading=texts["heading"])


PLAIN = Parsed(page(told(dict.fromkeys(NAMES, "x")))).skeleton


@settings(deadline=None)
@given(st.fixed_dictionaries(dict.fromkeys(NAMES, TEXTS)))
def test_no_text_becomes_markup(texts: dict[str, str]) -> None:
    """Elements and attributes are those of the same plan with harmless texts; what was said can be read."""
    parsed = Parsed(page(told(texts)))
    assert parsed.skeleton == PLAIN
    assert f"Plan for {printable(texts['heading'])}" in parsed.text
    assert printable(texts["effect"]) in parsed.text
    assert printable(texts["blocked"]) in parsed.text


@pytest.mark.parametrize("hostile", HOSTILE)
def test_no_attribute_obeys(hostile: str) -> None:
    """No handlers, no addresses but those on the page, no style in attributes."""
    parsed = Parsed(page(told(dict.fromkeys(NAMES, hostile))))
    for element in parsed.elements:
        assert [name for name in element.attrs if name.startswith("on") or name in ("style", "src", "srcdoc")] == []
        if "href" in element.attrs:
            assert re.fullmatch(r"#[\w-]+|data:,", element.attrs["href"])


def test_only_its_own_style_and_script_may_run() -> None:
    """The policy forbids everything, and lets in what has these digests."""
    parsed = Parsed(page(mixed()))
    (policy,) = parsed.all("meta", **{"http-equiv": "Content-Security-Policy"})
    assert policy.attrs["content"].startswith("default-src 'none'; ")
    assert "unsafe" not in policy.attrs["content"]
    for tag in ("style", "script"):
        (element,) = parsed.all(tag)
        digest = base64.b64encode(hashlib.sha256(element.text.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy.attrs["content"]
    assert parsed.elements.index(policy) < parsed.elements.index(parsed.all("style")[0])


@pytest.mark.parametrize("file", ["page.css", "page.js"])
def test_style_and_script_stay_on_the_page(file: str) -> None:
    """They end no element that they stand in, and name no other address."""
    content = asset(file)
    assert "</" not in content
    assert "<!--" not in content
    assert not re.search(r"https?:|url\(|@import|fetch|XMLHttp|innerHTML|eval|import\(", content)


@pytest.mark.parametrize("sheet", [mixed(), large(60), sheet_of(reads=3)], ids=["mixed", "large", "quiet"])
def test_it_is_well_made(sheet: PlanSheet) -> None:
    """Ids once, links that lead somewhere, labels for controls, headings without gaps, one of each landmark."""
    parsed = Parsed(page(sheet))
    ids = [each.attrs["id"] for each in parsed.elements if "id" in each.attrs]
    assert len(ids) == len(set(ids))
    references = [each.attrs[name] for each in parsed.elements for name in REFERRING if name in each.attrs]
    assert {each.lstrip("#") for each in references} - {"data:,"} <= set(ids)
    levels = [int(each.tag[1]) for each in parsed.elements if re.fullmatch("h[1-6]", each.tag)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert [len(parsed.all(tag)) for tag in ("main", "header", "footer")] == [1, 1, 1]
    assert [each.inside for each in parsed.all("title") if "svg" not in each.inside] == [("html", "head")]
    assert [each for each in parsed.all("button") if not each.text.strip() or "type" not in each.attrs] == []
    for control in parsed.all("input"):
        assert parsed.all("label", **{"for": control.attrs["id"]})
    assert parsed.all("html", lang="en")


REFERRING = ("href", "aria-labelledby", "aria-describedby", "for")


def test_everything_that_a_terminal_says_is_there() -> None:
    """Totals, people, calls, approvals, routes and notes, and of each block its title, remarks, place and rows."""
    sheet = mixed()
    read = " ".join(Parsed(page(sheet)).text.split("\n"))
    for sentence in (
        *plan_sheet.parts(sheet.plan, zeros=False),
        plan_sheet.rest(sheet.plan),
        plan_sheet.people(sheet.plan),
        plan_sheet.calls(sheet),
        *plan_sheet.notes(sheet.plan),
        *plan_sheet.routes(sheet.plan),
        *map(plan_sheet.need, sheet.approvals),
    ):
        assert sentence in read
    for group in view_of(sheet).groups:
        for block in group.blocks:
            rows = [part for row in block.rows for part in (row.path, row.note)]
            for part in (*block.remarks, *block.effects, block.where, *rows):
                assert part in read
    assert "Acme & Sons, makers of exceedingly long names since 1871 <est.>" in read  # whole, where a line is cut


def members(sheet: PlanSheet) -> list[Member]:
    """Everything that is shown as a block of its own."""
    view = view_of(sheet, adopted=True)
    return [member for group in view.groups for block in group.blocks for member in block.members]


def test_equal_changes_are_one_block_with_everything_inside() -> None:
    """What they have in common is shown once; each of them unfolds with its own values and calls."""
    parsed = Parsed(page(large(400)))
    (same, *_) = parsed.of("alike")
    assert "contacts, each with the same changes" in same.text
    assert len(parsed.of("change")) == len(members(large(400)))
    assert "different values" in same.text or "from the file" in same.text
    assert '"Name of 1"' in parsed.text


def test_each_change_is_one_block() -> None:
    """With the kinds, actions and consequences to filter by; a person's relations are part of the person."""
    parsed, sheet = Parsed(page(mixed())), mixed()
    blocks = {each.text: each.attrs for each in parsed.of("change")}
    assert len(blocks) == len(members(sheet))
    (attrs,) = (attrs for said, attrs in blocks.items() if said.startswith("~to update: contact/ann@example.com"))
    assert (attrs["data-k"], attrs["data-a"]) == ("contact enrollment tagging", "update create")
    (attrs,) = (attrs for said, attrs in blocks.items() if "webhook/CRM sync" in said)
    assert (attrs["data-k"], attrs["data-a"], attrs["data-c"]) == ("webhook", "replace", "new_id irreversible")
    assert "data-x" in attrs
    (attrs,) = (attrs for said, attrs in blocks.items() if "contact/dee@example.com" in said)
    assert attrs["data-a"] == "blocked"


def test_links_lead_to_what_is_needed_and_back() -> None:
    """A change that needs another, and that other one."""
    parsed = Parsed(page(mixed()))
    places = {each.attrs["id"]: each.text for each in parsed.of("change")}
    (block,) = (said for said in places.values() if said.startswith("+to create: contact/bo@example.com"))
    assert "needs" in block
    links = [each for each in parsed.all("a") if each.attrs["href"][1:] in places]
    targets = {each.text: places[each.attrs["href"][1:]] for each in links}
    assert "tag/Gold → VIP" in targets["tag/VIP"]
    assert "contact/bo@example.com" in targets["tagging/bo@example.com/VIP"]


def test_many_links_are_cut() -> None:
    """A tag that thousands need names the first of them."""
    said = Parsed(page(large(400))).of("change")
    (tag,) = (each.text for each in said if each.text.startswith("+to create: tag/VIP"))
    assert " more" in tag and tag.count("tagging/") == 12


def test_secrets_are_not_shown() -> None:
    """Neither side, though both are known."""
    change = Change(
        address("webhook", "CRM"),
        Action.UPDATE,
        fields=(
            field("secret", "old-hush", "new-hush", Cause.ROTATED, sensitive=True),
            field("code", None, "first-hush", Cause.NEW, sensitive=True),
        ),
    )
    markup = page(sheet_of(change))
    assert "hush" not in markup
    assert "changed, not shown" in markup and ">not shown<" in markup


def test_a_quiet_plan_is_a_page() -> None:
    """With its one sentence and its notes, and nothing to filter."""
    quiet = Change(address("tag", "VIP"), Action.NO_CHANGE, note="no longer managed: name")
    parsed = Parsed(page(sheet_of(quiet, reads=2)))
    assert [each.text for each in parsed.all("h1")] == ["No changes"]
    assert "1 resource matches the configuration (2 API calls)." in parsed.text
    assert "tag/VIP: no longer managed: name" in parsed.text
    assert parsed.of("filters") == [] and parsed.of("picture") == []


def test_a_plan_of_blocked_changes_says_so() -> None:
    """It has nothing to do, and a list of what it would."""
    held = [Change(address("tag", f"T{n}"), Action.DELETE, blocked="protected") for n in range(10)]
    parsed = Parsed(page(sheet_of(*held)))
    assert parsed.all("h2")[0].text == "Blocked"
    assert "and 2 more" in parsed.text


def test_what_came_of_it_is_told() -> None:
    """A run that failed in part: the sum, what failed and why, how each change ended, what the server answered."""
    sheet = mixed()
    by_kind: dict[str, Any] = {change.address.kind: change for change in sheet.plan.effective}
    tag, hook, person = by_kind["tag"], by_kind["webhook"], by_kind["tagging"]
    outcomes = (
        Outcome(Step(hook.address, Verb.MAKE), hook.action, Status.DONE),
        Outcome(Step(hook.address, Verb.DROP), hook.action, Status.FAILED, message="422: <no>"),
        Outcome(Step(tag.address, Verb.MAKE), tag.action, Status.DONE, differs={"name": ("a", "b")}),
        Outcome(Step(person.address, Verb.MAKE), person.action, Status.SKIPPED),
    )
    report = Report(run=18, outcomes=outcomes, reads=3, writes=4, stopped="as asked")
    parsed = Parsed(page(replace(sheet, report=report)))
    assert [each.text for each in parsed.all("h1")] == [
        "Run 18 incomplete: 1 of 3 done, 1 failed, 1 skipped (3 calls to read, 4 to apply). Run it again to continue"
    ]
    assert [each.text for each in parsed.of("end")] == ["skipped", "done", "failed: 422: <no>"]
    assert "name was sent as" in parsed.text and "Stopped: as asked." in parsed.text
    assert {each.attrs["data-v"]: each.text[-1] for each in parsed.all("button", **{"data-f": "o"})} == {
        "failed": "1",
        "skipped": "1",
        "done": "1",
    }
    assert "Not done" in [each.text for each in parsed.all("h2")]


def test_a_refusal_is_told() -> None:
    """On top of the plan that was refused."""
    parsed = Parsed(page(replace(mixed(), refused="the plan is stale")))
    assert "Refused" in [each.text for each in parsed.all("h2")]
    assert "the plan is stale" in parsed.text


def test_the_picture_says_what_it_shows() -> None:
    """A box for each kind with its counts, and those that are only needed; a link each; all of it in words."""
    parsed = Parsed(page(mixed()))
    (said,) = parsed.all("desc")
    assert "contact: 1 to create, 1 to update, 1 to delete, 1 to forget, 1 blocked; needs contact field." in said.text
    assert "course: no change." in said.text
    boxes = [each.attrs["href"] for each in parsed.of("box") if each.tag == "a"]
    assert "#kind-contact" in boxes and "#kind-course" not in boxes
    assert parsed.all("svg")[0].attrs["role"] == "group"


NEEDS = {
    "contact": ("contact_field",),
    "tagging": ("contact", "tag"),
    "enrollment": ("contact", "course", "module"),
    "membership": ("contact", "community"),
    "subscription": ("contact",),
    "webhook": (),
}


@pytest.mark.parametrize(
    "kinds",
    [set(NEEDS), {"tagging", "contact"}, {"enrollment"}, {"contact"}],
    ids=lambda kinds: "-".join(sorted(kinds)),
)
def test_lines_of_the_picture_meet_only_their_boxes(kinds: set[str]) -> None:
    """Boxes lie apart, each left of those that it needs; a line passes all others."""
    changes = [Change(address(kind, "a"), Action.CREATE, depends_on=needs_of(kind)) for kind in sorted(kinds)]
    parsed = Parsed(page(sheet_of(*changes)))
    boxes = [(float(each.attrs["x"]), float(each.attrs["y"])) for each in parsed.all("rect")]
    assert len(boxes) == len(kinds.union(*map(NEEDS.__getitem__, kinds)))
    for (x, y), (other_x, other_y) in combinations(boxes, 2):
        assert abs(x - other_x) >= 180 or abs(y - other_y) >= 52
    paths = [each.attrs["d"] for each in parsed.all("path") if "marker-end" in each.attrs]
    assert len(paths) == sum(len(NEEDS[kind]) for kind in kinds)
    for path in paths:
        points = on_the_curve(path)
        assert points[0][0] < points[-1][0]
        crossed = {(x, y) for x, y in boxes for px, py in points if x < px < x + 180 and y < py < y + 52}
        assert crossed == set(), path


def needs_of(kind: str) -> tuple[Address, ...]:
    """What a resource of the kind needs."""
    return tuple(address(each, "a") for each in NEEDS[kind])


def on_the_curve(path: str) -> list[tuple[float, float]]:
    """Points of ``M… …C… … … … … …``."""
    numbers = [float(each) for each in re.findall(r"[\d.]+", path)]
    (ax, ay, bx, by, cx, cy, dx, dy) = numbers
    found = []
    for step in range(101):
        t = step / 100
        a, b, c, d = (1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3
        found.append((a * ax + b * bx + c * cx + d * dx, a * ay + b * by + c * cy + d * dy))
    return found


def test_kinds_that_need_each_other_are_drawn() -> None:
    """References cannot form a circle; if they did, both lines would be there."""
    one, other = address("tag", "A"), address("course", "B")
    changes = (Change(one, Action.CREATE, depends_on=(other,)), Change(other, Action.CREATE, depends_on=(one,)))
    parsed = Parsed(page(sheet_of(*changes)))
    assert len([each for each in parsed.all("path") if "marker-end" in each.attrs]) == 2


def test_one_kind_needs_no_picture() -> None:
    """One box says nothing that the heading does not."""
    assert Parsed(page(sheet_of(Change(address("tag", "VIP"), Action.CREATE)))).of("picture") == []


def test_the_same_plan_is_the_same_page() -> None:
    """Byte for byte, so that two runs can be compared."""
    assert page(mixed()) == page(mixed())
