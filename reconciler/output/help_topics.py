"""The tables that decide, and a few words around them → the topics of ``reconciler help``, as values.

``topics()`` gives them all, in order; ``settings`` are rows that the caller has, since their table stands on the disk
side (:func:`reconciler.commands.help.manual` passes them). A block is a paragraph (text), ``Code`` (lines to type) or
``Rows`` (term and explanation). ``page`` sets a topic for a terminal; whoever wants another form walks the blocks.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from reconciler.output import wording
from reconciler.output.help_pages import PAGES, Block, CodeExample, Definitions, Topic

__all__ = ["Block", "CodeExample", "Definitions", "Topic", "page", "topics"]


def topics(settings: Sequence[tuple[str, str]] = ()) -> tuple[Topic, ...]:
    """Every topic; ``settings`` are (name, explanation) of each setting."""
    return tuple(Topic(name, title, tuple(make(settings))) for name, (title, make) in PAGES.items())


def page(topic: Topic, width: int = 78) -> str:
    """The topic as text of at most ``width`` columns, where its words let it."""
    parts = [f"{topic.name.upper()}: {topic.title}", *("\n".join(_set(block, width)) for block in topic.blocks)]
    return "\n\n".join(parts) + "\n"


def _set(block: Block, width: int) -> Iterator[str]:
    if isinstance(block, CodeExample):
        yield from (f"    {line}".rstrip() for line in block.text.strip("\n").splitlines())
    elif isinstance(block, Definitions):
        yield from _table(block, width)
    else:
        yield from _filled(block, width, "", "")


def _table(block: Definitions, width: int) -> Iterator[str]:
    wide = min(max(wording.cells(term) for term, _ in block.rows), width // 3)
    for term, text in block.rows:
        head, rest = f"  {wording.padded(term, wide)}  ", " " * (wide + 4)
        if wording.cells(term) > wide:
            yield f"  {term}"
            head = rest
        yield from _filled(text, width, head, rest) if text else [head.rstrip()]


def _filled(text: str, width: int, head: str, rest: str) -> list[str]:
    return textwrap.wrap(
        text, width, initial_indent=head, subsequent_indent=rest, break_long_words=False, break_on_hyphens=False
    )
