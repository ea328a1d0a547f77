"""The rows of a csv: thousands of resources or relations that one block declares, kept column by column."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from reconciler.model.values import Origin


@dataclass(frozen=True, slots=True)
class CsvRows:
    """The rows of a CSV file: for each row the text of some attributes, and its position.

    ``columns`` holds, by attribute, one cell for each row; ``lines`` and ``places`` say where in ``file`` the
    address of the row begins, counted from 1. An empty cell says nothing, or with ``clears`` that the field is
    empty.
    """

    file: str
    lines: Sequence[int]
    places: Sequence[int]
    columns: Mapping[str, Sequence[str]]
    clears: bool = False

    def __len__(self) -> int:
        return len(self.lines)

    def __iter__(self) -> Iterator[tuple[Origin, dict[str, str | None]]]:
        names = tuple(self.columns)
        for line, place, *cells in zip(self.lines, self.places, *self.columns.values(), strict=True):
            filled = {name: cell or None for name, cell in zip(names, cells, strict=True) if cell or self.clears}
            yield Origin(self.file, line, place), filled
