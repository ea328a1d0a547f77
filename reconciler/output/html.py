"""A plan → one HTML page that needs nothing else: no network, no script to be read, no second file.

Every text in it may come from the account or from a pull request, so all of it is escaped, and a Content-Security-
Policy allows the page's own style and script by their digests and nothing besides. The script only filters.

The style and the script are files of this package, read once through ``pkgutil``: like importing a module, it is
the program reading itself, and the page stays a function of the plan.
"""

from __future__ import annotations

import base64
import hashlib
import pkgutil
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache

from reconciler import __version__
from reconciler.kinds.effects import Consequence, classes_of
from reconciler.model.plan import Change
from reconciler.model.report import Outcome
from reconciler.model.values import Address
from reconciler.output import plan_view, wording
from reconciler.output import text as lines
from reconciler.output.html_changes import PageAnchors, change_groups, filters, link, placed, spelled, worst
from reconciler.output.html_graph import gathered, is_telling, picture_markup
from reconciler.output.html_markup import items, name, text
from reconciler.output.plan_view import PlanSheet

#: So many changes that did not happen are named at the top.
NAMED = 8


def page(sheet: PlanSheet) -> str:
    """The whole document. The same plan gives the same bytes."""
    first, rest = _headline(sheet)
    body = "".join(_body(sheet, first, rest))
    return (
        f'<!doctype html>\n<html lang="en">\n{_head(f"{first} · {sheet.heading}")}\n<body>\n{body}</body>\n</html>\n'
    )


def _headline(sheet: PlanSheet) -> tuple[str, Sequence[str]]:
    """The first sentence, which is the title of the page, and what follows it."""
    plan, report = sheet.plan, sheet.report
    if not plan_view.listed(plan):
        first, _, rest = plan_view.quiet(plan).partition(". ")
        return first, [rest]
    said, cost = plan_view.summary(plan), plan_view.cost(sheet)
    if report:
        first, _, rest = lines.result(report).partition(". ")
        stopped = [f"Stopped: {report.stopped}."] if report.stopped else []
        return first, [rest, *stopped, f"This was the plan: {said} {cost}"]
    first, _, rest = said.partition(". ")
    return first, [rest, cost]


def _head(title: str) -> str:
    style, script = asset("page.css"), asset("page.js")
    policy = (
        f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'"
    )
    return (
        f'<head>\n<meta charset="utf-8">\n<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n<meta name="referrer" content="no-referrer">\n'
        f'<title>{text(title)}</title>\n<link rel="icon" href="data:,">\n'
        f"<style>{style}</style>\n<script>{script}</script>\n</head>"
    )


@cache
def asset(file: str) -> str:
    """A file of this package, lines ended as a browser will read them: digests are of what it reads."""
    found = pkgutil.get_data(__package__, file)
    assert found is not None
    return found.decode("utf-8").replace("\r\n", "\n")


def _digest(content: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode("utf-8")).digest()).decode("ascii")


def _body(sheet: PlanSheet, first: str, rest: Iterable[str]) -> Iterator[str]:
    plan, changes = sheet.plan, plan_view.listed(sheet.plan)
    places = placed(sheet, changes)
    if changes:
        yield '<a class="skip" href="#changes">Skip to the changes</a>\n'
    yield f'<header class="top"><p class="heading">{text(sheet.heading)}</p><h1>{text(first)}</h1>'
    yield "".join(f"<p>{text(said)}</p>" for said in rest if said)
    yield "</header>\n<main>\n"
    yield _before(sheet, changes, places)
    if changes:
        yield '<div class="overview">' + _consequences(changes) + _picture(changes) + "</div>\n"
    yield _asides(plan_view.notes(plan), plan_view.routes(plan) if changes else ())
    if changes:
        yield '<section class="changes" id="changes" aria-labelledby="changes-head" tabindex="-1">'
        yield f'<h2 id="changes-head">Changes <span class="dim">{len(changes):,}</span></h2>'
        yield filters(changes, places)
        yield f'<div class="list">{"".join(change_groups(sheet, changes, places))}'
        yield '<p class="none" hidden>No change is like that.</p></div></section>\n'
    yield f"</main>\n<footer>reconciler {text(__version__)}</footer>\n"


def _before(sheet: PlanSheet, changes: Sequence[Change], places: PageAnchors) -> str:
    """What is in the way: what failed, what has to be allowed, what is forbidden."""
    bad = worst(sheet.report) if sheet.report else []
    failed = [(each.step.address, wording.shown(each.step.address), _ended(each)) for each in bad]
    held = [(each.address, plan_view.title(each), each.blocked or "") for each in changes if each.blocked]
    refused = f"<p>{text(sheet.refused)}</p>" if sheet.refused else ""
    needs = items((plan_view.need(approval) for approval in sheet.approvals), "approvals") if not sheet.report else ""
    inner = refused + needs + _named("not done", failed, places) + _named("blocked", held, places)
    if not inner:
        return ""
    head = "Refused" if refused else "Before it is applied" if needs else "Not done" if failed else "Held back"
    return (
        f'<section class="before" aria-labelledby="before-head"><h2 id="before-head">{head}</h2>{inner}</section>\n'
    )


def _ended(outcome: Outcome) -> str:
    return ": ".join(filter(None, (spelled(outcome.status), outcome.message)))


def _named(title: str, found: Sequence[tuple[Address, str, str]], places: PageAnchors) -> str:
    """The first of them, each leading to where it stands."""
    if not found:
        return ""
    rows = "".join(f"<li>{link(address, said, places)} {text(why)}</li>" for address, said, why in found[:NAMED])
    more = f"<li>and {len(found) - NAMED:,} more</li>" if len(found) > NAMED else ""
    return f"<h3>{len(found):,} {title}</h3><ul>{rows}{more}</ul>"


def _consequences(changes: Iterable[Change]) -> str:
    """How many changes are in which class, and by which effects."""
    classes: Counter[Consequence] = Counter()
    effects: dict[Consequence, Counter[str]] = {each: Counter() for each in Consequence}
    for change in changes:
        if not change.blocked:
            classes.update(classes_of(change.effects))
            for effect in change.effects:
                effects[classes_of([effect])[0]][effect] += 1
    rows = "".join(
        f'<tr class="{each.value}"><th scope="row">{text(name(each.value))}</th><td class="n">{classes[each]:,}</td>'
        f"<td>{items(_counted(effects[each]))}</td></tr>"
        for each in Consequence
        if classes[each]
    )
    if not rows:
        return ""
    titles = "".join(f'<th scope="col">{title}</th>' for title in ("class", "changes", "by"))
    head = f'<thead class="sr"><tr>{titles}</tr></thead>'
    return (
        '<section class="consequences" aria-labelledby="consequences-head">'
        '<h2 id="consequences-head">Consequences</h2>'
        f"<table>{head}<tbody>{rows}</tbody></table></section>"
    )


def _counted(effects: Mapping[str, int]) -> Iterator[str]:
    return (f"{effect}\u00a0({number:,})" for effect, number in effects.items())


def _picture(changes: Sequence[Change]) -> str:
    picture = gathered(changes)
    if not is_telling(picture):
        return ""
    return (
        '<section class="needs" aria-labelledby="needs-head"><h2 id="needs-head">What needs what</h2>'
        '<div class="scroll" role="group" aria-labelledby="needs-head" tabindex="0">'
        f"{picture_markup(picture)}</div></section>"
    )


def _asides(notes: Iterable[str], routes: Iterable[str]) -> str:
    lines = items((*notes, *routes), "asides")
    return (
        f'<section aria-labelledby="asides-head"><h2 id="asides-head">Notes</h2>{lines}</section>\n' if lines else ""
    )
