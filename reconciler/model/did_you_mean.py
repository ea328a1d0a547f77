"""A wrong name → the right ones that are near it, for messages."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

#: Among more names than this only those that begin alike are compared.
MANY = 2_000


def near(name: str, known: Iterable[str], most: int = 3) -> str:
    """``'"Intro 2", "Outro"'``: the nearest known names, quoted; with few known ones, all; else empty."""
    names = sorted(set(known))
    folded = {each.casefold(): each for each in names}
    if len(folded) > MANY:
        folded = {each: known for each, known in folded.items() if each[:2] == name.casefold()[:2]}
    close = [folded[match] for match in get_close_matches(name.casefold(), folded, most, 0.6)]
    chosen = close or (names if len(names) <= most else [])
    return ", ".join(f'"{each}"' for each in chosen)
