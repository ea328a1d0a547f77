"""How the emulator cuts lists into pages."""

from __future__ import annotations

from itertools import chain
from typing import Any

import pytest

from tests.emulator.conftest import Api, MakeApi, violations

SIZES = (0, 1, 9, 10, 11, 99, 100, 101, 200)


def contacts(number: int) -> dict[str, Any]:
    return {"contacts": [{"email": f"c{n}@example.com", "tags": ["T"]} for n in range(number)]}


def flat(pages: list[list[int]]) -> list[int]:
    return list(chain.from_iterable(pages))


def walk(api: Api, path: str, limit: int, **query: Any) -> list[list[int]]:
    """The ids of each page until `hasMore` is false."""
    pages: list[list[int]] = []
    cursor: dict[str, Any] = {}
    while True:
        body = api.get(path, limit=limit, **query, **cursor).json()
        pages.append([row["id"] for row in body["items"]])
        if not body["hasMore"]:
            return pages
        cursor = {"startingAfter": pages[-1][-1]}


@pytest.mark.parametrize("limit", [10, 100])
@pytest.mark.parametrize("size", SIZES)
def test_a_walk_shows_each_row_once(make_api: MakeApi, size: int, limit: int) -> None:
    """Pages are full but the last, and hasMore is true exactly when there is another row."""
    pages = walk(make_api(contacts(size)), "/api/contacts", limit)
    assert flat(pages) == list(range(1000000 + size, 1000000, -1))
    assert [len(page) for page in pages[:-1]] == [limit] * (len(pages) - 1)
    assert len(pages) == max(1, -(-size // limit))


@pytest.mark.parametrize("size", SIZES)
def test_a_filtered_walk_is_exact_too(make_api: MakeApi, size: int) -> None:
    """hasMore counts rows that pass the filter, not rows that exist."""
    api = make_api(contacts(size))
    api.account.seed({"contacts": [{"email": f"other{n}@example.com"} for n in range(20)]})
    tag = api.account.ids()["tags"].get("T", 5)
    assert len(flat(walk(api, "/api/contacts", 100, tags=tag))) == size
    assert len(flat(walk(api, "/api/contacts", 100, bounced="false"))) == size + 20


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_an_inclusive_cursor_repeats_the_last_row(make_api: MakeApi, order: str) -> None:
    """As an option: every page but the first begins with the row that ended the one before."""
    api = make_api({"tags": [f"T{n}" for n in range(25)]}, inclusive_cursor=True)
    pages = walk(api, "/api/tags", 10, order=order)
    assert [page[0] for page in pages[1:]] == [page[-1] for page in pages[:-1]]
    assert len(set(flat(pages))) == 25


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_tags_follow_the_order(make_api: MakeApi, order: str) -> None:
    """Other lists than contacts run in the order asked for."""
    api = make_api({"tags": [f"T{n}" for n in range(25)]})
    ids = flat(walk(api, "/api/tags", 10, order=order))
    assert ids == sorted(ids, reverse=order == "desc")
    assert len(ids) == 25


def test_ten_rows_are_a_page_by_default_newest_first(make_api: MakeApi) -> None:
    """Without parameters there are ten rows, the newest first."""
    rows = make_api({"tags": [f"T{n}" for n in range(12)]}).items("/api/tags")
    assert [row["name"] for row in rows] == [f"T{n}" for n in range(11, 1, -1)]


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ({"limit": "9"}, "pagination.limit"),
        ({"limit": "101"}, "pagination.limit"),
        ({"limit": "many"}, "pagination.limit"),
        ({"order": "up"}, "pagination.order"),
        ({"startingAfter": "last"}, "pagination.startingAfter"),
    ],
)
def test_wrong_paging_is_refused(api: Api, query: dict[str, str], path: str) -> None:
    """Limits are refused, not clamped."""
    lists = ("contacts", "tags", "school/courses", "school/enrollments", "community/memberships")
    for name in lists:
        assert violations(api.get(f"/api/{name}", **query)) == [path]


def test_a_cursor_outlives_its_row(make_api: MakeApi) -> None:
    """A row deleted during a walk does not shift the next page; one created at its head is missed."""
    api = make_api(contacts(25))
    first = api.items("/api/contacts", limit=10)
    last = first[-1]["id"]
    api.delete(f"/api/contacts/{last}")
    api.post("/api/contacts", {"email": "late@example.com"})
    second = api.items("/api/contacts", limit=10, startingAfter=last)
    assert [row["id"] for row in second] == list(range(last - 1, last - 11, -1))


def test_rows_put_among_others_are_found_in_order(make_api: MakeApi) -> None:
    """Seeds may fix ids in any order; lists stay sorted and new ids follow the highest."""
    api = make_api({"tags": [{"name": "B", "id": 70}, {"name": "A", "id": 50}, {"name": "C", "id": 60}]})
    assert [row["id"] for row in api.items("/api/tags")] == [70, 60, 50]
    assert api.post("/api/tags", {"name": "D"}).json()["id"] == 2000001
