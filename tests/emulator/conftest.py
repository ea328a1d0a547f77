"""One running emulator for all tests of this folder, and a fresh account with a client for each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import count
from typing import Any

import pytest
import requests

from reconciler.emulator import Account, Emulator

NUMBERS = count(1)


def now() -> datetime:
    return datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


class Api:
    """A plain client of one account."""

    def __init__(self, emulator: Emulator, account: Account, session: requests.Session) -> None:
        self.emulator = emulator
        self.account = account
        self.session = session

    def send(self, method: str, path: str, body: Any = None, **options: Any) -> requests.Response:
        kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
        headers = {
            "Authorization": f"Bearer {self.emulator.key}",
            "Maton-Connection": self.account.connection,
            **({"Content-Type": kind} if body is not None else {}),
            **options.pop("headers", {}),
        }
        url = f"{self.emulator.url}/systeme{path}"
        return self.session.request(method, url, json=body, headers=headers, timeout=10, **options)

    def get(self, path: str, **query: Any) -> requests.Response:
        return self.send("GET", path, params=query)

    def items(self, path: str, **query: Any) -> list[dict[str, Any]]:
        reply = self.get(path, **query)
        assert reply.status_code == 200, reply.text
        rows: list[dict[str, Any]] = reply.json()["items"]
        return rows

    def post(self, path: str, body: Any) -> requests.Response:
        return self.send("POST", path, body)

    def patch(self, path: str, body: Any) -> requests.Response:
        return self.send("PATCH", path, body)

    def put(self, path: str, body: Any) -> requests.Response:
        return self.send("PUT", path, body)

    def delete(self, path: str) -> requests.Response:
        return self.send("DELETE", path)

    def id(self, kind: str, name: str) -> int:
        number: int = self.account.ids()[kind][name]
        return number

    def contact(self, email: str) -> str:
        return f"/api/contacts/{self.id('contacts', email)}"


MakeApi = Callable[..., Api]


@pytest.fixture(scope="session")
def emulator() -> Iterator[Emulator]:
    with Emulator(now=now) as running:
        yield running


@pytest.fixture(scope="session")
def session() -> Iterator[requests.Session]:
    with requests.Session() as made:
        yield made


@pytest.fixture
def make_api(emulator: Emulator, session: requests.Session) -> MakeApi:
    """Makes a client of a new account from a seed and options."""

    def make(seed: dict[str, Any] | None = None, **options: Any) -> Api:
        return Api(emulator, emulator.account(f"account-{next(NUMBERS)}", seed, **options), session)

    return make


@pytest.fixture
def api(make_api: MakeApi) -> Api:
    return make_api()


def violations(reply: requests.Response) -> list[str]:
    """The property paths of a 422, after a look at its shape."""
    assert reply.status_code == 422, reply.text
    assert reply.headers["content-type"] == "application/problem+json"
    body = reply.json()
    assert set(body) == {"type", "title", "detail", "violations"}
    assert body["detail"] == "\n".join(f"{v['propertyPath']}: {v['message']}" for v in body["violations"])
    return [violation["propertyPath"] for violation in body["violations"]]
