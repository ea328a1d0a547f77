"""The tables that decide → the blocks that pages of the manual are made of: rows of kinds, words, codes, formats."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from reconciler.engine.guard import COUNTED, UNCOUNTED
from reconciler.kinds import KINDS, SECTIONS
from reconciler.kinds.base import Kind
from reconciler.model.policy import Limits
from reconciler.render.events import EVENTS
from reconciler.render.meanings import ALLOWS, CODES, PRUNES
from reconciler.render.outputs import FORMATS


class Code(NamedTuple):
    """Lines as they are typed or written into a file."""

    text: str


class Rows(NamedTuple):
    """Terms, each with its explanation."""

    rows: tuple[tuple[str, str], ...]


Block = str | Code | Rows


class Topic(NamedTuple):
    """One page: ``name`` is what is typed after ``help``, ``title`` says what it is about, in one line."""

    name: str
    title: str
    blocks: tuple[Block, ...]


#: Rows of settings → the blocks of a page.
Maker = Callable[[Sequence[tuple[str, str]]], Iterable[Block]]


def kind_rows() -> Rows:
    """What may stand in files: section, what it holds, by what it is known."""
    return Rows(tuple((name, f"{kind.doc} Known by {_key(kind)}.") for name, kind in SECTIONS.items()))


def _key(kind: Kind) -> str:
    return " and ".join(name.replace("_", " ") for name in kind.key)


def prune_rows() -> Rows:
    """What each word of ``prune`` means, with the kinds that have it by default."""
    by_word = {
        prune: ", ".join(name for name, kind in KINDS.items() if kind.writable and kind.prune is prune)
        for prune in PRUNES
    }
    return Rows(tuple((prune.value, f"{text}{_default(by_word[prune])}") for prune, text in PRUNES.items()))


def _default(kinds: str) -> str:
    return f" The default of {kinds}." if kinds else ""


def allow_rows() -> Rows:
    """The classes of ``--allow``, with their exact count where that has to be given."""
    number = {**dict.fromkeys(COUNTED, "=N"), **dict.fromkeys(UNCOUNTED, "")}
    return Rows(tuple((allow.value + number.get(allow, "[=N]"), text) for allow, text in ALLOWS.items()))


def code_rows() -> Rows:
    """Exit codes."""
    return Rows(tuple((str(code), text) for code, text in CODES.items()))


def format_rows() -> Rows:
    """Formats of ``--output``."""
    return Rows(tuple((name, f"{each.about}.") for name, each in FORMATS.items()))


def event_rows() -> Rows:
    """Events of ``--json-events``."""
    return Rows(tuple(EVENTS.items()))


def limits() -> Limits:
    """Without any setting."""
    return Limits()
