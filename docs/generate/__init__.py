"""The tables of the code → the pages of docs/reference: no fact is written twice, and none can go stale."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

from docs.generate import (
    action,
    addresses,
    commands,
    documents,
    emulator,
    exits,
    kinds,
    outputs,
    plans,
    safety,
    settings,
    watching,
)

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "docs" / "reference"

#: File name → what writes its text; the order is that of the index.
PAGES: Mapping[str, Callable[[], str]] = {
    "kinds.md": kinds.page,
    "commands.md": commands.page,
    "settings.md": settings.page,
    "addresses.md": addresses.page,
    "plans.md": plans.page,
    "safety.md": safety.page,
    "outputs.md": outputs.page,
    "documents.md": documents.page,
    "exit-codes.md": exits.page,
    "watching.md": watching.page,
    "action.md": action.page,
    "emulator.md": emulator.page,
}

NOTICE = "<!-- Written by `make docs` from the code; edit that instead. -->\n\n"


@cache
def pages() -> dict[str, str]:
    """Every generated page, by file name."""
    return {name: NOTICE + page().strip() + "\n" for name, page in PAGES.items()}
