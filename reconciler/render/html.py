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
from reconciler.render import sentences
from reconciler.render.html_changes import change_groups, needs_attention, placed
from reconciler.render.html_markup import SYMBOL, WORD, items, mood, name, text
from reconciler.render.html_picture import gathered, is_telling, picture_markup
from reconciler.render.sentences import Sheet

#: So many withheld changes are named at the top.
NAMED = 8


def page(sheet: Sheet) -> str:
    """The whole document. The same plan gives the same bytes."""
    changes = sentences.listed(sheet.plan)
    first, rest = _headline(sheet)
    body = "".join(_body(sheet, changes, first, rest))
    return (
        f'<!doctype html>\n<html lang="en">\n{_head(f"{first} · {sheet.heading}")}\n<body>\n{body}</body>\n</html>\n'
    )


def _headline(sheet: Sheet) -> tuple[str, str]:
    """The first sentence, which is the title of the page, and what follows it."""
    plan = sheet.plan
    said = sentences.summary(plan) if sentences.listed(plan) else sentences.quiet(plan)
    first, _, rest = said.partition(". ")
    return first, rest


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


def _body(sheet: Sheet, changes: Sequence[Change], first: str, rest: str) -> Iterator[str]:
    plan = sheet.plan
    if changes:
        yield '<a class="skip" href="#changes">Skip to the changes</a>\n'
    yield f'<header class="top"><p class="heading">{text(sheet.heading)}</p><h1>{text(first)}</h1>'
    yield "".join(f"<p>{text(said)}</p>" for said in (rest, sentences.cost(sheet) if changes else "") if said)
    yield "</header>\n<main>\n"
    yield _before(sheet, changes)
    if changes:
        yield '<div class="overview">' + _consequences(changes) + _picture(changes) + "</div>\n"
    yield _asides(sentences.notes(plan), sentences.routes(plan) if changes else ())
    if changes:
        yield '<section class="changes" id="changes" aria-labelledby="changes-head" tabindex="-1">'
        yield f'<h2 id="changes-head">Changes <span class="dim">{len(changes):,}</span></h2>{_filters(changes)}'
        yield f'<div class="list">{"".join(change_groups(sheet, changes))}'
        yield '<p class="none" hidden>No change is like that.</p></div></section>\n'
    yield f"</main>\n<footer>reconciler {text(__version__)}</footer>\n"


def _before(sheet: Sheet, changes: Sequence[Change]) -> str:
    """What has to be allowed, and what is forbidden."""
    held = [change for change in changes if change.withheld]
    if not sheet.gates and not held:
        return ""
    needs = items((sentences.need(gate) for gate in sheet.gates), "gates")
    ids = placed(changes).ids
    lines = "".join(
        f'<li><a href="#{ids[change.address]}">{text(sentences.title(change))}</a> {text(change.withheld)}</li>'
        for change in held[:NAMED]
    )
    more = f"<li>and {len(held) - NAMED:,} more</li>" if len(held) > NAMED else ""
    withheld = f"<h3>{len(held):,} withheld</h3><ul>{lines}{more}</ul>" if held else ""
    head = '<h2 id="before-head">Before it is applied</h2>' if sheet.gates else '<h2 id="before-head">Held back</h2>'
    return f'<section class="before" aria-labelledby="before-head">{head}{needs}{withheld}</section>\n'


def _consequences(changes: Iterable[Change]) -> str:
    """How many changes are in which class, and by which effects."""
    classes: Counter[Consequence] = Counter()
    effects: dict[Consequence, Counter[str]] = {each: Counter() for each in Consequence}
    for change in changes:
        if not change.withheld:
            classes.update(classes_of(change.effects))
            for effect in change.effects:
                effects[classes_of([effect])[0]][effect] += 1
    rows = "".join(
        f'<tr class="{each.value}"><th scope="row">{text(name(each.value))}</th><td class="n">{classes[each]:,}</td>'
        f"<td>{text(_effects(effects[each]))}</td></tr>"
        for each in Consequence
        if classes[each]
    )
    if not rows:
        return ""
    head = '<thead class="sr"><tr><th>class</th><th>changes</th><th>by</th></tr></thead>'
    return (
        '<section class="consequences" aria-labelledby="consequences-head">'
        '<h2 id="consequences-head">Consequences</h2>'
        f"<table>{head}<tbody>{rows}</tbody></table></section>"
    )


def _effects(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{effect} ({number:,})" for effect, number in counts.items())


def _picture(changes: Sequence[Change]) -> str:
    picture = gathered(changes)
    if not is_telling(picture):
        return ""
    return (
        '<section class="needs" aria-labelledby="needs-head"><h2 id="needs-head">What needs what</h2>'
        '<div class="scroll" role="region" aria-labelledby="needs-head" tabindex="0">'
        f"{picture_markup(picture)}</div></section>"
    )


def _asides(notes: Iterable[str], routes: Iterable[str]) -> str:
    lines = items((*notes, *routes), "asides")
    return (
        f'<section aria-labelledby="asides-head"><h2 id="asides-head">Notes</h2>{lines}</section>\n' if lines else ""
    )


def _filters(changes: Sequence[Change]) -> str:
    """Hidden until the script shows it: without one there is nothing that it could do."""
    moods, kinds = Counter(map(mood, changes)), Counter(change.address.kind for change in changes)
    classes = Counter(each.value for change in changes for each in classes_of(change.effects))
    actions = [
        (each, f'<span class="sign {each}" aria-hidden="true">{SYMBOL[each]}</span> {WORD[each]}', moods[each])
        for each in SYMBOL
    ]
    grave = sum(1 for change in changes if needs_attention(change))
    attention = _toggle("x", "1", "needs attention", grave) if grave else ""
    return (
        '<form class="filters" role="search" aria-label="Changes" hidden>'
        '<p class="search"><label for="search">Search</label>'
        '<input id="search" type="search" autocomplete="off" spellcheck="false" placeholder="text, address, file"'
        ' aria-keyshortcuts="/"></p>'
        '<p class="shown"><span role="status" aria-live="polite"></span> <button type="reset">Show all</button></p>'
        + attention
        + _toggles("Action", "a", actions)
        + _toggles("Kind", "k", [(kind, text(name(kind)), kinds[kind]) for kind in kinds])
        + _toggles("Consequence", "c", [(e.value, text(name(e.value)), classes[e.value]) for e in Consequence])
        + '<p class="folds"><button type="button" data-fold="open">Unfold</button> '
        '<button type="button" data-fold="">Fold</button></p></form>'
    )


def _toggles(legend: str, facet: str, found: Iterable[tuple[str, str, int]]) -> str:
    buttons = "".join(_toggle(facet, value, label, number) for value, label, number in found if number)
    return f"<fieldset><legend>{legend}</legend>{buttons}</fieldset>"


def _toggle(facet: str, value: str, label: str, number: int) -> str:
    """``label`` is markup."""
    return (
        f'<button type="button" aria-pressed="false" data-f="{facet}" data-v="{text(value)}">'
        f'<span>{label}</span> <span class="n">{number:,}</span></button>'
    )
