"""Suggests known names that are similar to an unknown one."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

#: Among more names than this only those that begin alike are compared.
MANY = 2_000


def near(name: str, known: Iterable[str], most: int = 3, *, few: int = 3, cutoff: float = 0.6) -> str:
    """``'"Intro 2", "Outro"'``: the nearest known names, quoted; if none is near, all of at most ``few``."""
    names = sorted(set(known))
    folded = {each.casefold(): each for each in names}
    if len(folded) > MANY:
        folded = {each: known for each, known in folded.items() if each[:2] == name.casefold()[:2]}
    close = [folded[match] for match in get_close_matches(name.casefold(), folded, most, cutoff)]
    chosen = close or (names if len(names) <= few else [])
    return ", ".join(f'"{each}"' for each in chosen)
