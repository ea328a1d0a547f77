"""A word → the page of ``docs/``, or the section of one, that explains it, as Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import reconciler
from reconciler.kinds import SECTIONS

#: Pages in the order in which a word is looked up, below ``docs``.
_FOLDERS = ("reference", "guides", "")
#: Pages for people who work on reconciler itself, or that only lead to others.
_LEFT_OUT = frozenset({"README", "development", "commands", "action"})
_HEADING = re.compile(r"^(#{1,2}) (.+)$")
_COMMENT = re.compile(r"<!--.*?-->\n*", re.DOTALL)
_LINK = re.compile(r"\[([^\[\]]+)\]\([^()\s]*\)")


class HelpSection(NamedTuple):
    """A page (``page`` and ``title`` name it) or one section of it, with its text."""

    page: str
    title: str
    text: str
    is_page: bool


def topics() -> list[HelpSection]:
    """The pages, those of the reference first."""
    return [section for section in sections() if section.is_page]


def find(word: str) -> str | None:
    """The Markdown for a page or a heading of that name, in any case; sections of files count as their kinds."""
    wanted = _key(word)
    wanted = next((kind.name for name, kind in SECTIONS.items() if _key(name) == wanted), wanted)
    found = [section for section in sections() if _key(wanted) in _names(section)]
    return found[0].text if found else None


def names() -> list[str]:
    """What :func:`find` knows, as it is typed."""
    return sorted({_key(name).replace(" ", "-") for each in sections() for name in _names(each)})


def _names(section: HelpSection) -> tuple[str, ...]:
    title = _key(section.title)
    return (_key(section.page), title) if section.is_page else (title,)


def _key(name: str) -> str:
    return re.sub(r"[-_\s]+", " ", re.sub(r"[^\w\s-]", "", name)).strip().lower()


@cache
def sections() -> tuple[HelpSection, ...]:
    """Every page, then every section of every page."""
    pages = [(path.stem, _text(path)) for folder in _FOLDERS for path in sorted((_folder() / folder).glob("*.md"))]
    kept = [(name, text) for name, text in pages if name not in _LEFT_OUT]
    whole = [HelpSection(name, _title(text), text, is_page=True) for name, text in kept]
    return (*whole, *(section for name, text in kept for section in _split(name, text)))


def _folder() -> Path:
    """In an installed package the pages are in it; in a checkout they are beside it."""
    package = Path(reconciler.__file__).parent
    shipped = package / "docs"
    return shipped if shipped.is_dir() else package.parent / "docs"


def _text(path: Path) -> str:
    """A page as it is read without a browser: no comments, and the texts of links."""
    return _LINK.sub(r"\1", _COMMENT.sub("", path.read_text(encoding="utf-8"))).strip() + "\n"


def _title(text: str) -> str:
    return text.partition("\n")[0].lstrip("# ")


def _split(page: str, text: str) -> Iterator[HelpSection]:
    """The parts of a page below a heading of the second level; a ``#`` inside of a code block is none."""
    title, fenced = "", False
    lines: list[str] = []
    for line in text.splitlines():
        fenced ^= line.startswith("```")
        heading = None if fenced else _HEADING.match(line)
        if heading:
            if title:
                yield HelpSection(page, title, "\n".join(lines).strip() + "\n", is_page=False)
            title, lines = heading[2] if heading[1] == "##" else "", []
        lines.append(line)
    if title:
        yield HelpSection(page, title, "\n".join(lines).strip() + "\n", is_page=False)
