"""The page in Chromium: filters, keys, links, paper, colours, narrow screens; and that nothing leaves it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.kinds import KINDS
from reconciler.model.plan import Action, Cause, Change
from reconciler.model.policy import Allow
from reconciler.model.values import Origin
from reconciler.output import change_text, plan_sheet
from reconciler.output.html import page
from reconciler.output.plan_sheet import PlanSheet
from reconciler.planner.approvals import Approval
from tests.html.browser import Browser, chromium, missing
from tests.html.plans import address, field, large, mixed, sheet_of
from tests.support import node

SLASH, ESCAPE, TAB, ENTER, SPACE = "/", "\ue00c", "\ue004", "\ue007", " "


@pytest.fixture(scope="module")
def session() -> Iterator[Browser]:
    """One browser for all: starting it takes a second."""
    if missing():
        pytest.skip(missing())
    with chromium() as running:
        yield running


@pytest.fixture
def browser(session: Browser) -> Iterator[Browser]:
    """As it was at the start; whatever a test did, the page complained of nothing and asked for nothing."""
    session.size(1280, 900)
    session.scripts(True)
    session.forget()
    yield session
    session.scripts(True)
    assert session.complaints() == []
    assert {url for url in session.requests() if not url.startswith(("file:", "data:,"))} == set()


@pytest.fixture
def show(browser: Browser, tmp_path: Path) -> Show:
    """Opens the page of a plan."""
    return Show(browser, tmp_path)


class Show:
    """Writes the page to a file and opens it."""

    def __init__(self, browser: Browser, folder: Path) -> None:
        self.browser, self.file = browser, folder / "plan.html"

    def __call__(self, sheet: PlanSheet, **media: str) -> Browser:
        """As seen with this media."""
        self.file.write_text(page(sheet), encoding="utf-8")
        self.browser.open(self.file, **media)
        return self.browser


def titles(sheet: PlanSheet, *kinds: str) -> list[str]:
    """What is listed, of these kinds or of all; relations are rows of their people."""
    listed = [change for change in plan_sheet.listed(sheet.plan) if not KINDS[change.address.kind].parents]
    return [change_text.title(change) for change in listed if not kinds or change.address.kind in kinds]


def toggle(browser: Browser, facet: str, value: str) -> None:
    """Press one of the buttons."""
    browser.run(
        "document.querySelector(`[data-f='${arguments[0]}'][data-v='${arguments[1]}']`).click()", facet, value
    )


def said(browser: Browser) -> str:
    """What a screen reader is told after each change of the filters."""
    return str(browser.run("return document.querySelector('[role=status]').textContent"))


def test_everything_is_shown_at_first(show: Show) -> None:
    """And counted."""
    sheet = mixed()
    browser = show(sheet)
    assert browser.shown() == titles(sheet)
    assert said(browser) == f"{len(titles(sheet))} of {len(titles(sheet))} shown"


def test_kinds_are_filtered(show: Show) -> None:
    """One, then one more, then none of them: everything again."""
    sheet = mixed()
    browser = show(sheet)
    toggle(browser, "k", "tag")
    assert browser.shown() == titles(sheet, "tag")
    toggle(browser, "k", "contact")
    assert browser.shown() == titles(sheet, "tag", "contact")
    shown = browser.run("return [...document.querySelectorAll('.group')].filter(e => e.offsetHeight).map(e => e.id)")
    assert shown == ["kind-contact", "kind-tag"]
    toggle(browser, "k", "contact")
    toggle(browser, "k", "tag")
    assert browser.shown() == titles(sheet)
    toggle(browser, "k", "tagging")  # rows of people
    assert browser.shown() == ["contact/ann@example.com", "contact/bo@example.com"]


def test_filters_add_up(show: Show) -> None:
    """Action, consequence, attention and text: a change has to meet all of them."""
    browser = show(mixed())
    toggle(browser, "a", "delete")
    assert browser.shown() == ["contact/cy@example.com", "contact_field/shoe_size"]
    toggle(browser, "c", "irreversible")
    assert browser.shown() == ["contact/cy@example.com"]
    toggle(browser, "c", "cascades")
    assert browser.shown() == ["contact/cy@example.com", "contact_field/shoe_size"]
    browser.press(SLASH)
    browser.press("Lost", SPACE, "shoe")
    browser.settle()
    assert browser.shown() == ["contact_field/shoe_size"]
    assert said(browser).startswith("1 of ")
    toggle(browser, "a", "delete")
    toggle(browser, "a", "create")
    assert browser.shown() == []
    assert browser.run("return document.querySelector('.none').offsetHeight") > 0


def test_what_needs_attention_is_one_press_away(show: Show) -> None:
    """Blocked, deleted, replaced, drifted; and nothing that is only new."""
    browser = show(mixed())
    toggle(browser, "x", "1")
    assert browser.shown() == [
        "contact/ann@example.com",
        "contact/cy@example.com",
        "contact/dee@example.com",
        "contact_field/shoe_size",
        "webhook/CRM sync",
    ]


def test_it_is_worked_by_keys(show: Show) -> None:
    """Slash searches, Escape ends it, Tab reaches the toggles, Space and Enter press them, reset shows all."""
    sheet = mixed()
    browser = show(sheet)
    browser.press(TAB)
    assert browser.focused() == "Skip to the changes"
    browser.press(SLASH)
    assert browser.run("return document.activeElement.id") == "search"
    browser.press("newsletter", SLASH)
    browser.settle()
    assert browser.run("return document.activeElement.value") == "newsletter/"
    assert browser.shown() == []
    browser.press(ESCAPE)
    assert browser.shown() == titles(sheet)
    browser.press(TAB)
    assert browser.focused().startswith("needs attention")
    assert browser.run("return getComputedStyle(document.activeElement).outlineStyle") == "solid"
    browser.press(SPACE)
    assert len(browser.shown()) == 5
    browser.run("document.querySelector('[data-reset]').focus()")
    browser.press(ENTER)
    assert browser.shown() == titles(sheet)
    assert browser.run("return document.querySelectorAll('[aria-pressed=true]').length") == 0
    assert browser.run("return document.activeElement.id") == "search"


def test_blocks_are_folded_together(show: Show) -> None:
    """All that are shown, and only those."""
    browser = show(mixed())
    count = "return document.querySelectorAll('.change[open]').length"
    everything = browser.run(count)
    toggle(browser, "k", "tag")
    browser.run("document.querySelector('[data-fold=\"\"]').click()")
    assert browser.run(count) == everything - len(browser.shown())
    browser.run("document.querySelector('[data-fold=open]').click()")
    assert browser.run(count) == everything


def test_equal_changes_are_one_block(show: Show) -> None:
    """Folded in a long plan; a search finds its members, a link to one of them unfolds it, and so does a button."""
    browser = show(large(200))
    blocks = "return [...document.querySelectorAll('.alike:not(.off) > summary .title')].map(e => e.textContent)"
    assert browser.run(blocks) == ["8 contacts, each with the same changes"] * 3
    browser.press(SLASH)
    browser.press("people.yaml:187")
    browser.settle()
    assert browser.shown() == ["contact/person23@example.com"]
    assert len(browser.run(blocks)) == 1
    unfolded = "return document.querySelectorAll('.alike[open]').length"
    assert browser.run(unfolded) == 0
    browser.run("location.hash = document.querySelector('.alike .change:not(.off)').id")
    browser.settle()
    assert browser.run(unfolded) == 1
    browser.run("document.querySelector('[data-reset]').click()")
    browser.run("document.querySelector('[data-fold=open]').click()")
    assert browser.run(unfolded) == 3


def test_links_lead_to_folded_and_filtered_changes(show: Show) -> None:
    """Following what is needed unfolds it, and shows it where it was filtered out."""
    browser = show(mixed())
    browser.run("document.querySelector('[data-fold=\"\"]').click()")
    toggle(browser, "k", "tagging")
    browser.run("const all = [...document.querySelectorAll('.facts a')]; all.find(e => e.text == 'tag/VIP').click()")
    browser.settle()
    where = "const e = document.querySelector(':target'); return [e.querySelector('.title').textContent, e.open]"
    assert browser.run(where) == ["tag/Gold → VIP", True]
    assert len(browser.shown()) == len(titles(mixed()))
    top = browser.run("return document.querySelector(':target').getBoundingClientRect().top")
    assert -1 <= top < 900


def test_a_box_of_the_picture_leads_to_its_kind(show: Show) -> None:
    """By keyboard too; its name says what it holds."""
    browser = show(mixed())
    browser.run("document.querySelector('a.box[href=\"#kind-tag\"]').focus()")
    assert browser.run("return document.activeElement.ariaLabel") == "tag ~1 =1: 1 to rename, 1 to adopt"
    browser.press(ENTER)
    browser.settle()
    assert browser.run("return location.hash") == "#kind-tag"
    places = browser.run("return [...document.querySelectorAll('a.box')].map(e => e.getAttribute('href'))")
    assert places == ["#kind-contact", "#kind-contact_field", "#kind-tag", "#kind-webhook"]
    assert all(browser.run("return document.querySelector(arguments[0]).offsetHeight", place) for place in places)


HOSTILE = "<script>hit()</script>\"'><img src=x onerror=hit()>]]></style></script><svg onload=hit()>"


def test_texts_of_the_account_stay_texts(show: Show) -> None:
    """Whatever a name holds is read, and does nothing."""
    fields = (field("url", HOSTILE, "javascript:hit()"),)
    change = Change(
        address("webhook", HOSTILE),
        Action.UPDATE,
        Cause.EDITED,
        fields,
        note=HOSTILE,
        remote_id=HOSTILE,
        origin=Origin(HOSTILE, 1, 1),
        effects=(HOSTILE,),
        depends_on=(address("tag", HOSTILE),),
    )
    other = Change(address("tag", HOSTILE), Action.CREATE, blocked=HOSTILE)
    sheet = sheet_of(
        change,
        other,
        approvals=(Approval(Allow.DELETES, 1, HOSTILE),),
        routes={"contact": HOSTILE},
        requests={change.address: (("POST", HOSTILE, {HOSTILE: HOSTILE}),)},
    )
    browser = show(replace(sheet, heading=HOSTILE))
    assert browser.run("return [document.scripts.length, document.images.length, document.styleSheets.length]") == [
        1,
        0,
        1,
    ]
    assert browser.run("return document.querySelector('.heading').textContent") == f"Plan for {HOSTILE}"
    quoted = HOSTILE.replace('"', '\\"')
    assert browser.run("return document.querySelector('.diff del').textContent") == f'"{quoted}"'
    assert browser.run("return document.querySelector('.calls li').textContent").count("onerror=hit()") == 3


def test_the_policy_stops_what_is_not_its_own(show: Show) -> None:
    """If a text did become markup, it still could not run, load or paint."""
    browser = show(mixed())
    browser.run(
        "const s = document.createElement('div'); s.setAttribute('style', 'position:fixed'); document.body.append(s);"
        "const i = document.createElement('img'); i.src = 'https://example.com/x.png'; document.body.append(i);"
    )
    browser.settle()
    assert browser.run("return getComputedStyle(document.body.lastChild.previousSibling).position") == "static"
    refused = browser.complaints()
    assert len(refused) == 2 and all("Content Security Policy" in each for each in refused)
    assert [url for url in browser.requests() if "example.com" in url] == []


def test_nothing_is_missing_without_scripts(show: Show) -> None:
    """Everything can be read and unfolded; what could do nothing is not there."""
    sheet = mixed()
    show.browser.scripts(False)
    browser = show(sheet)
    assert browser.visible(".filters") == 0 and browser.visible(".change") == len(titles(sheet))
    assert browser.visible(".picture") == 1 and browser.visible(".consequences") == 1
    assert browser.visible(".diff") > 3


def test_light_and_dark(show: Show) -> None:
    """As the reader's system says, with enough contrast for small text in both."""
    for scheme, paper in (("light", "rgb(255, 255, 255)"), ("dark", "rgb(19, 21, 24)")):
        browser = show(mixed(), prefers_color_scheme=scheme)
        assert browser.run("return getComputedStyle(document.body).backgroundColor") == paper
        for selector in (
            ".where",
            ".remarks",
            ".diff del",
            ".diff ins",
            ".sign",
            ".heading",
            ".facts a",
            ".n",
            ".end",
        ):
            assert browser.contrast(selector) >= 4.5, (scheme, selector)


def test_on_paper_nothing_is_folded_or_left_out(show: Show) -> None:
    """Pages come out; filters are not printed, and what they hide is."""
    sheet = large(200)
    browser = show(sheet)
    toggle(browser, "k", "tag")
    browser.emulate(media="print")
    assert browser.visible(".filters") == 0 and browser.visible(".change") == len(titles(sheet))
    browser.emulate()
    pdf = browser.printed()
    assert pdf.startswith(b"%PDF-")
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) > 5
    assert browser.run("return document.querySelectorAll('.change[open]').length") == 0  # as it was before


@pytest.mark.parametrize("width", [320, 768])
def test_narrow_screens(show: Show, width: int) -> None:
    """Nothing makes the page wider than the screen; the picture scrolls in its place."""
    long = Change(address("tag", "x" * 300), Action.UPDATE, fields=(field("colour", "y" * 300, "z" * 300),))
    show.browser.size(width, 700)
    browser = show(
        sheet_of(*mixed().plan.changes, long, requests={long.address: (("PUT", "/" + "p" * 300, "b" * 300),)})
    )
    browser.run(
        "for (const each of document.querySelectorAll('details')) each.open = true;"
        "for (const each of document.querySelectorAll('.change')) each.style.contentVisibility = 'visible'"
    )
    assert browser.run("return document.documentElement.scrollWidth") <= width
    cut = "return [...document.querySelectorAll('.change')].filter(e => e.scrollWidth > e.clientWidth).map(e => e.id)"
    assert browser.run(cut) == []


def test_names_and_roles(show: Show) -> None:
    """What assistive technology is told: landmarks, names of controls, no control without one."""
    browser = show(mixed())
    nodes = browser.ask("Accessibility.getFullAXTree")["nodes"]
    told = [(n["role"]["value"], n.get("name", {}).get("value", "")) for n in nodes if not n["ignored"]]
    assert {"banner", "main", "search", "contentinfo", "status"} <= {role for role, _ in told}
    assert [
        role for role, name in told if role in ("button", "link", "searchbox", "heading") and not name.strip()
    ] == []
    assert ("searchbox", "Search") in told
    assert next(name for role, name in told if role == "heading").startswith("2 to create")
    assert any(name.startswith("to delete:") for role, name in told if role == "DisclosureTriangle")


def test_five_thousand_changes(show: Show, record_property: pytest.RecordProperty) -> None:
    """All there, and filtered; how long it took is recorded (``--junit-xml``, or ``-s``), not judged."""
    sheet = large(5_000)
    browser = show(sheet)
    figures = {
        "load": browser.run("const [n] = performance.getEntriesByType('navigation'); return n.loadEventEnd"),
        "text": browser.timed("search.value = '77'; search.dispatchEvent(new Event('input'))"),
        "letter": browser.timed("search.value = '777'; search.dispatchEvent(new Event('input'))"),
        "reset": browser.timed("document.querySelector('[data-reset]').click()"),
        "kind": browser.timed("document.querySelector('[data-v=tagging]').click()"),
        "unfold": browser.timed("document.querySelector('[data-fold=open]').click()"),
    }
    assert said(browser) == "1,249 of 1,253 shown"
    size = show.file.stat().st_size
    for name, figure in {**figures, "bytes": size}.items():
        record_property(name, round(figure))
    print({name: f"{figure:.0f} ms" for name, figure in figures.items()}, f"{size / 1e6:.1f} MB")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("sheet", [mixed(), large(60)], ids=["mixed", "large"])
def test_axe_finds_nothing(show: Show, sheet: PlanSheet, width: int, scheme: str) -> None:
    """The accessibility rules of axe-core, best practices and experimental ones included."""
    node.require("axe-core")
    browser = show(sheet, prefers_color_scheme=scheme)
    browser.size(width, 900)
    browser.run((node.NODE_MODULES / "axe-core" / "axe.min.js").read_text(encoding="utf-8"))
    found = browser.driver.execute_async_script(
        "const done = arguments[arguments.length - 1];"
        "axe.run({rules: {'label-content-name-mismatch': {enabled: true}}}).then("
        "result => done(result.violations.map(each => each.id + ': ' + each.nodes.map(node => node.html).join())))"
    )
    assert found == []
