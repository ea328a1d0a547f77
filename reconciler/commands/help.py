"""Finds the page of ``docs/``, or its section, about a topic."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import reconciler
from reconciler.kinds import SECTIONS

#: Pages below ``docs``, in search order.
_FOLDERS = ("reference", "guides", "")
#: Pages for developers of reconciler, and pages of links.
_LEFT_OUT = frozenset({"README", "development", "commands", "action"})
_HEADING = re.compile(r"^(#{1,2}) (.+)$")
_COMMENT = re.compile(r"<!--.*?-->\n*", re.DOTALL)
_LINK = re.compile(r"\[([^\[\]]+)\]\([^()\s]*\)")


class HelpSection(NamedTuple):
    """A page, or one section of it: file, title and text."""

    page: str
    title: str
    text: str
    is_page: bool


def topics() -> list[HelpSection]:
    """The names of the pages, reference first."""
    return [section for section in sections() if section.is_page]


def find(word: str) -> str | None:
    """The Markdown of a page or heading, ignoring case; a kind is also found by its section."""
    wanted = _key(word)
    wanted = next((kind.name for name, kind in SECTIONS.items() if _key(name) == wanted), wanted)
    found = [section for section in sections() if _key(wanted) in _names(section)]
    return found[0].text if found else None


def names() -> list[str]:
    """The topics that :func:`find` knows."""
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
    whole = [HelpSection(name, text.partition("\n")[0].lstrip("# "), text, is_page=True) for name, text in kept]
    return (*whole, *(section for name, text in kept for section in _split(name, text)))


def _folder() -> Path:
    """The folder of the pages: inside an installed package, beside it in a checkout."""
    package = Path(reconciler.__file__).parent
    shipped = package / "docs"
    return shipped if shipped.is_dir() else package.parent / "docs"


def _text(path: Path) -> str:
    """A page without comments and with links reduced to their text."""
    return _LINK.sub(r"\1", _COMMENT.sub("", path.read_text(encoding="utf-8"))).strip() + "\n"


def _split(page: str, text: str) -> Iterator[HelpSection]:
    """The second-level sections of a page; a ``#`` inside a code block is not a heading."""
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
