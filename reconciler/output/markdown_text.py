"""Escapes text for the Markdown of GitHub and GitLab, so that it is shown literally and mentions nobody.

Neither interprets the content of a code span. Names and values are therefore written as code, and so are words of a
sentence that could have another meaning. Backticks, and pipes in a table cell, end a code span: a text that contains
one is written with character references between ``<code>`` tags.
"""

from __future__ import annotations

import re
from itertools import groupby

from reconciler.output import wording

#: Longer names and values are cut: one of them must not fill a comment.
LONGEST = 300

#: A word that Markdown does not interpret. GH-12 and long hexadecimal numbers are links on GitHub.
_PLAIN = re.compile(r"(?!(?i:www\.|gh-\d|[0-9a-f]{7,}\W*$))[\w.,;'\"()/→…+=·–—%?:-]*")
_RISKY = re.compile(r"_|:(?=.)|%(?=[\w~])|\w[.=](?=\w)|^[-+=.:]|[A-Z]{2,}-\d")
_ENDS = re.compile(r"[,.;:]*$")
_SPELLED = re.compile(r"[ -/:-@\[-`{-~]")


def code(text: str) -> str:
    """A name or a value, as code; safe in the cell of a table."""
    text = _cut(wording.printable(text))
    if not text.strip():
        return f"<code>{'&#32;' * len(text)}</code>" if text else ""
    if "`" in text or "|" in text or text[0] == " " or text[-1] == " ":
        spelled = _SPELLED.sub(lambda char: f"&#{ord(char.group())};", text)
        return f"<code>{spelled.replace('&#64;', '<span>&#64;</span>')}</code>"  # else a part becomes a mailto: link
    return f"`{text}`"


def prose(text: str) -> str:
    """A sentence, with words that Markdown would interpret as code."""
    parts: list[str] = []
    for plain, group in groupby(_cut(wording.printable(text)).split(), key=_is_plain):
        piece = " ".join(group)
        end = len(piece) if plain else _ENDS.search(piece).start()  # type: ignore[union-attr]  # matches nothing too
        parts.append(piece if plain else code(piece[:end]) + piece[end:])
    return " ".join(parts)


def _is_plain(word: str) -> bool:
    return bool(_PLAIN.fullmatch(word)) and not _RISKY.search(word)


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def row(*cells: str) -> str:
    """One line of a table."""
    return "| " + " | ".join(cells) + " |\n"


def head(*cells: str) -> str:
    """The first two lines of a table."""
    return row(*cells) + "|" + " --- |" * len(cells) + "\n"


def marker(name: str) -> str:
    """The hidden first line by which a comment is found again; characters that could end it are replaced."""
    safe = re.sub(r"-{2,}", "-", re.sub(r"[^\w .:/-]", "_", wording.printable(name)[:LONGEST]))
    return f"<!-- reconciler: {safe} -->\n"


def size(text: str) -> int:
    """The length of a text in UTF-16 units, which is the larger of the counts of GitHub and GitLab."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def folded(summary: str, content: str) -> str:
    """A collapsed section; ``summary`` is plain text."""
    return f"<details><summary>{summary}</summary>\n\n{content}\n</details>\n\n"
