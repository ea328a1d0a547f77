"""One POST to whoever is told: pauses, ends, and what no message shows."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import requests_mock

from reconciler.gateway.notifications import LONGEST, NotificationHook

URL = "https://hooks.example.com/T0/s3cr3t?token=s3cr3t"


class Clock:
    """Sleeps at once, and remembers."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def sleep(self, seconds: float, stop: threading.Event | None) -> bool:
        """As ``sleep_unless_stopped`` does."""
        self.slept.append(seconds)
        return stop is not None and stop.is_set()


def posted(answers: list[dict[str, Any]], **options: Any) -> tuple[str | None, list[float], int]:
    """What came of a notification, the pauses, and how many requests left."""
    clock = Clock()
    hook = NotificationHook(URL, sleep=clock.sleep, chance=lambda: 0.5, **options)
    with requests_mock.Mocker() as mock:
        mock.post(URL, answers)
        reason = hook.post({"text": "é"})
        assert "s3cr3t" not in f"{reason}{hook!r}"
        assert all(each.headers.get("Authorization") is None for each in mock.request_history)
        return reason, clock.slept, len(mock.request_history)


def test_one_that_is_taken() -> None:
    """Any 2xx."""
    assert posted([{"status_code": 204}]) == (None, [], 1)


@pytest.mark.parametrize("status", [500, 503, 429])
def test_trouble_is_tried_again(status: int) -> None:
    """Three times, with growing pauses."""
    assert posted([{"status_code": status}]) == (f"answered {status}", [0.5, 1.0], 3)


@pytest.mark.parametrize("status", [301, 400, 404, 410])
def test_a_refusal_is_one(status: int) -> None:
    """No second request, and none to where it points."""
    assert posted([{"status_code": status, "headers": {"Location": "https://other.example.com"}}])[2] == 1


def test_retry_after_is_bounded() -> None:
    """Ten seconds are the most that anybody waits for."""
    _, slept, _ = posted([{"status_code": 429, "headers": {"Retry-After": "3600"}}, {"status_code": 200}])
    assert slept == [LONGEST]


def test_nobody_waits_once_stopped() -> None:
    """One attempt is made all the same."""
    stop = threading.Event()
    stop.set()
    assert posted([{"status_code": 500}], stop=stop)[2] == 1


def test_no_answer() -> None:
    """By the error's type; its text would hold the address."""
    import requests

    assert posted([{"exc": requests.ConnectTimeout(URL)}])[0] == "no answer (ConnectTimeout)"


def test_a_missing_ca_bundle_is_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    """Never an exception."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere/ca.pem")
    reason, _, number = posted([{"status_code": 200}])
    assert "CA bundle" in str(reason)
    assert number == 0
