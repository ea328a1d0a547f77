"""Rows and values → Markdown tables, code marks, lists of words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; a column that is empty in every row is left out, a table without rows is nothing."""
    lines = [[str(cell) for cell in row] for row in rows]
    if not lines:
        return ""
    kept = [index for index, _ in enumerate(header) if any(row[index] for row in lines)]
    shown = [[row[index] for index in kept] for row in [list(header), ["---"] * len(header), *lines]]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in row) + " |" for row in shown) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ").strip()


def code(value: Any) -> str:
    """`value`; nothing where there is none."""
    return f"`{value}`" if value not in (None, "") else ""


def listed(values: Iterable[Any]) -> str:
    """`a`, `b`, `c`."""
    return ", ".join(code(value) for value in values)


def fence(language: str, text: str) -> str:
    """A fenced block."""
    return f"```{language}\n{text.strip()}\n```\n"


def sentence(text: str) -> str:
    """With a capital at its front and a full stop at its end."""
    text = " ".join(text.replace("``", "`").split())
    return text[:1].upper() + text[1:] + ("" if not text or text.endswith((".", "!", "?")) else ".")
