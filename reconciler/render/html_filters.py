"""Changes → the controls that narrow the list of them: a search, and a counted toggle for each thing they are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from reconciler.kinds.effects import Consequence, classes_of
from reconciler.model.plan import Change
from reconciler.render.html_changes import Places, needs_attention
from reconciler.render.html_markup import SYMBOL, WORD, mood, name, text
from reconciler.render.html_outcomes import ORDER, counted, spelled


def filters(changes: Sequence[Change], places: Places) -> str:
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
