"""Tables of rows with integer ids that answer a cursor page without sorting."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar


class HasId(Protocol):
    @property
    def id(self) -> int: ...


Row = TypeVar("Row", bound=HasId)


@dataclass(frozen=True, slots=True)
class Page:
    """What a client asked of a list: at most `limit` rows that follow the row `after`, or begin with it."""

    limit: int
    after: int | None
    ascending: bool
    inclusive: bool = False


class SortedIds:
    """Ids in ascending order; new ids are nearly always the highest, so adding is an append."""

    __slots__ = ("ids",)

    def __init__(self) -> None:
        self.ids: list[int] = []

    def __len__(self) -> int:
        return len(self.ids)

    def add(self, number: int) -> None:
        if not self.ids or number > self.ids[-1]:
            self.ids.append(number)
        else:
            insort(self.ids, number)

    def discard(self, number: int) -> None:
        place = bisect_left(self.ids, number)
        if place < len(self.ids) and self.ids[place] == number:
            del self.ids[place]

    def walk(self, page: Page) -> Iterator[int]:
        """All ids behind the cursor; the row of the cursor may be long gone."""
        if page.ascending:
            cut = bisect_left if page.inclusive else bisect_right
            start = 0 if page.after is None else cut(self.ids, page.after)
            return (self.ids[at] for at in range(start, len(self.ids)))
        cut = bisect_right if page.inclusive else bisect_left
        end = len(self.ids) if page.after is None else cut(self.ids, page.after)
        return (self.ids[at] for at in range(end - 1, -1, -1))


EMPTY = SortedIds()


class Table(Generic[Row]):
    """Rows by id, with an index per named foreign key. Ids are never used twice."""

    def __init__(self, kind: type[Row], first: int, **keys: Callable[[Row], int]) -> None:
        self.kind = kind
        self.next_id = first
        self.rows: dict[int, Row] = {}
        self.ids = SortedIds()
        self._keys = keys
        self._indexes: dict[str, dict[int, SortedIds]] = {name: {} for name in keys}

    def new_id(self) -> int:
        number = self.next_id
        self.next_id += 1
        return number

    def put(self, row: Row) -> Row:
        if row.id in self.rows:
            raise ValueError(f"the id {row.id} is taken")
        self.next_id = max(self.next_id, row.id + 1)
        self.rows[row.id] = row
        self.ids.add(row.id)
        for name, key in self._keys.items():
            self._indexes[name].setdefault(key(row), SortedIds()).add(row.id)
        return row

    def remove(self, number: int) -> Row:
        row = self.rows.pop(number)
        self.ids.discard(number)
        for name, key in self._keys.items():
            self._indexes[name][key(row)].discard(number)
        return row

    def index(self, name: str, key: int) -> SortedIds:
        return self._indexes[name].get(key, EMPTY)

    def page(
        self, page: Page, ids: SortedIds | None = None, keep: Callable[[Row], bool] | None = None
    ) -> tuple[list[Row], bool]:
        """The rows of one page, and whether there are more behind it."""
        found: list[Row] = []
        for number in (self.ids if ids is None else ids).walk(page):
            row = self.rows[number]
            if keep is not None and not keep(row):
                continue
            if len(found) == page.limit:
                return found, True
            found.append(row)
        return found, False

    def page_by(self, page: Page, **wanted: int | None) -> tuple[list[Row], bool]:
        """One page of the rows whose indexed keys equal all `wanted` values; None is no condition."""
        given = {name: key for name, key in wanted.items() if key is not None}
        if not given:
            return self.page(page)
        shortest = min((self.index(name, key) for name, key in given.items()), key=len)
        return self.page(page, shortest, lambda row: all(self._keys[n](row) == k for n, k in given.items()))
