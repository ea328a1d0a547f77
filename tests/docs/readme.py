"""README.md → its fenced blocks, links and paths."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

from tests.docs.conftest import ROOT

README = ROOT / "README.md"


class Block(NamedTuple):
    """One fenced block."""

    language: str
    text: str


def text() -> str:
    """All of it."""
    return README.read_text(encoding="utf-8")


def blocks(language: str) -> list[Block]:
    """The blocks in that language, in order."""
    found = re.findall(r"^```(\w+)\n(.*?)^```$", text(), re.DOTALL | re.MULTILINE)
    return [Block(*each) for each in found if each[0] == language]


def links() -> list[str]:
    """Where links lead that stay in the repository."""
    return [target for target in re.findall(r"\]\(([^)]+)\)", text()) if "://" not in target]


def paths() -> list[str]:
    """Every path of the repository in code marks."""
    tops = [path.name for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith(".")]
    marked = re.findall(r"`([\w./-]+)`", text())
    return [each for each in marked if "/" in each and each.split("/")[0] in tops]


def replace_block(old: Block, new: str) -> None:
    """Put another text into a block."""
    before = f"```{old.language}\n{old.text}```"
    changed = text().replace(before, f"```{old.language}\n{new}```")
    Path(README).write_text(changed, encoding="utf-8")
