"""Personal values that were met → where they stand in a text, however many there are."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from enum import Enum
from urllib.parse import quote

from reconciler.kinds import KINDS
from reconciler.model.plan import Action, Cause, Verb
from reconciler.model.policy import Allow, Prune
from reconciler.model.report import Status
from reconciler.model.resource import EntryState, Provenance
from reconciler.render.words import LONGEST, clean

#: Shorter values are marked where a field holds them, not in running text.
SHORTEST = 3
#: Where messages cut values: in plans, and in what is said about files.
_CUTS = (LONGEST, 40)

#: Makes the mark of one value.
Mark = Callable[[], str]
#: Ways to write values that begin with one word: where that word stands in it, and the mark.
Forms = dict[str, tuple[int, Mark]]

_WORD = re.compile(r"\w+")
_ENUMS: tuple[type[Enum], ...] = (Action, Cause, Verb, Allow, Prune, Status, EntryState, Provenance)
#: The words of our own documents, which nobody's name shall break.
_OURS = frozenset({
    *(str(word.value) for words in _ENUMS for word in words), *KINDS, "true", "false", "null", "none", "yes",
    *(field.name for kind in KINDS.values() for field in kind.fields),
})  # fmt: skip


class KnownValues:
    """Values with their marks, found as whole words; ``allow`` names what is the name of something else too."""

    def __init__(self) -> None:
        self._allowed: set[str] = set()
        self._seen: set[str] = set()
        self._by_word: dict[str, Forms] = {}

    def add(self, value: str, mark: Mark) -> None:
        """Know a value in each form in which it may be written; its mark is made when it is met."""
        if value in self._seen or len(value) < SHORTEST or value in _OURS:
            return
        self._seen.add(value)
        for form in _forms(value):
            if word := _WORD.search(form):
                self._by_word.setdefault(word.group(), {})[form] = (word.start(), mark)

    def allow(self, name: str) -> None:
        """The name of a tag is shown as such, even where somebody is called the same."""
        self._allowed.add(name)

    def replaced(self, text: str) -> str:
        """The text with marks."""
        if not self._by_word:
            return text
        parts, end = [], 0
        for word in _WORD.finditer(text):
            forms = self._by_word.get(word.group())
            found = self._longest(text, word.start(), end, forms) if forms else None
            if found:
                begin, length, mark = found
                parts += [text[end:begin], mark()]
                end = begin + length
        return "".join([*parts, text[end:]])

    def _longest(self, text: str, at: int, end: int, forms: Forms) -> tuple[int, int, Mark] | None:
        """The longest value whose first word stands ``at``, and that begins after ``end``."""
        best: tuple[int, int, Mark] | None = None
        for form, (offset, mark) in forms.items():
            begin = at - offset
            fits = begin >= end and text.startswith(form, begin) and form not in self._allowed
            if fits and _is_whole(text, begin, begin + len(form)) and (best is None or len(form) > best[1]):
                best = (begin, len(form), mark)
        return best


def _is_whole(text: str, begin: int, end: int) -> bool:
    """Whether no word is cut at either side; a key of a JSON object is never a value."""
    before, after = text[max(0, begin - 1) : begin + 1], text[end - 1 : end + 1]
    return not (re.fullmatch(r"\w\w", before) or re.fullmatch(r"\w\w", after)) and text[end : end + 2] != '":'


def _forms(value: str) -> set[str]:
    cut = {f"{value[: longest - 1]}…" for longest in _CUTS if len(value) > longest}
    return {value, clean(value), json.dumps(value, ensure_ascii=False)[1:-1], quote(value), *cut}
