"""README.md and docs/ → their fenced blocks with what is to be done to each, links, paths, and words in code marks.

A comment before a block, which readers do not see, says what is special about it:

<!-- try: seed=quickstart in=examples/quickstart -->   a fresh copy of the examples, and an account
<!-- try: alone -->                                    a fresh copy of the examples, and nothing else
<!-- meanwhile: DELETE /api/tags/2000001 -->           somebody else does that to the account, with a body as JSON
<!-- write: examples/quickstart/more.yaml -->          the block is saved there, for the commands after it
<!-- file: examples/quickstart/site.yaml -->           the block quotes a part of that file
<!-- all: examples/quickstart/site.yaml -->            the block is that file; `make docs` copies it
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.docs.conftest import ROOT

GENERATED = ROOT / "docs" / "reference"
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
WRITTEN = [path for path in PAGES if path.parent != GENERATED]

_BLOCK = re.compile(
    r"(?:^<!-- (?P<what>write|file|all): (?P<path>\S+) -->\n+)?^```(?P<language>\w*)\n(?P<text>.*?)^```$"
    r"|^<!-- (?P<does>try|meanwhile): (?P<setting>[^\n]*?) -->$",
    re.DOTALL | re.MULTILINE,
)


class Block(NamedTuple):
    """One fenced block, or what ``try`` or ``meanwhile`` says (that is its language); ``line`` is where it begins."""

    page: Path
    line: int
    language: str
    text: str
    what: str = ""
    path: str = ""

    @property
    def name(self) -> str:
        """``README.md:12``."""
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def text(page: Path) -> str:
    """All of it."""
    return page.read_text(encoding="utf-8")


def prose(page: Path) -> str:
    """All of it but the fenced blocks."""
    return re.sub(r"^```.*?^```$", "", text(page), flags=re.DOTALL | re.MULTILINE)


def blocks(page: Path) -> list[Block]:
    """The blocks and settings of a page, in order."""
    return list(_blocks(page))


def _blocks(page: Path) -> Iterator[Block]:
    whole = text(page)
    for found in _BLOCK.finditer(whole):
        line = whole.count("\n", 0, found.start()) + 1
        if found["setting"] is not None:
            yield Block(page, line, found["does"], found["setting"])
        else:
            yield Block(page, line, found["language"], found["text"], found["what"] or "", found["path"] or "")


def links(page: Path) -> list[tuple[str, str]]:
    """(path, anchor) of every link that stays in the repository, pictures included."""
    found = re.findall(r"\]\(([^)\s]+)\)|(?:src|srcset)=\"([^\"]+)\"", prose(page))
    targets = [target for pair in found for target in pair if target and "://" not in target]
    return [(path, anchor) for path, _, anchor in (target.partition("#") for target in targets)]


def anchors(page: Path) -> set[str]:
    """What links may lead to on a page: its headings, as they are shown."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def marked(page: Path) -> list[str]:
    """Everything in code marks outside of blocks."""
    return re.findall(r"`([^`\n]+)`", prose(page))


def paths(page: Path) -> list[str]:
    """Every path of the repository in code marks."""
    tops = [path.name for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith(".")]
    return [each for each in marked(page) if re.fullmatch(r"[\w./-]+/[\w./-]*", each) and each.split("/")[0] in tops]


def refresh(page: Path, changed: dict[Block, str]) -> None:
    """Put other texts into blocks of a page."""
    whole = text(page)
    for block, new in changed.items():
        whole = whole.replace(f"```{block.language}\n{block.text}```", f"```{block.language}\n{new}```", 1)
    page.write_text(whole, encoding="utf-8")
