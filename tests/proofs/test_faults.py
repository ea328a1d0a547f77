"""Every operation of a plan and an apply × everything that can become of an answer × first, middle and last call."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from tests.proofs import estate
from tests.proofs.conftest import WHOLE
from tests.proofs.forks import Moment, Right
from tests.proofs.hasty import make_hasty

APPLY = ("apply", "--yes", *estate.ALLOW)
#: What can become of an answer: name, kind of fault, its parameters.
FAULTS: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("429, wait told", "status", {"status": 429, "headers": {"Retry-After": "1"}}),
    ("429", "status", {"status": 429}),
    ("500", "status", {"status": 500}),
    ("502 after it was done", "error_after", {"status": 502}),
    ("reply lost, not done", "drop_before", {}),
    ("reply lost, done", "drop_after", {}),
    ("time-out, not done", "timeout", {"commit": False}),
    ("time-out, done", "timeout", {"commit": True}),
    ("cut", "cut", {}),
    ("cut, whole message", "cut", {"clean": True}),
    ("HTML, not done", "html", {"commit": False}),
    ("HTML, done", "html", {"commit": True}),
)
PLACES = ("first", "middle", "last", "always")
#: No single run may send more: what fails is repeated so many times, and not for ever.
BOUND = 1_000


class Trial(NamedTuple):
    """One fault of one operation: ``path`` is a regular expression, ``nth`` the call, ``times`` None for all."""

    name: str
    method: str
    path: str
    kind: str
    parameters: dict[str, Any]
    nth: int
    times: int | None


def template(path: str) -> str:
    """A path as a regular expression: ids are any."""
    return "^" + re.sub(r"/[0-9a-f-]{30,}|/\d+", "/[0-9a-f-]+", path) + "$"


def operations(log: list[Any]) -> Counter[tuple[str, str]]:
    """How often each method and path came, ids aside."""
    return Counter((each["method"], template(each["path"])) for each in log)


def trials(found: Counter[tuple[str, str]]) -> Iterator[Trial]:
    """The matrix; middle and last only where they are other calls than the first."""
    for (method, path), count in sorted(found.items()):
        for name, kind, parameters in FAULTS:
            for place, nth in zip(PLACES, (1, (count + 1) // 2, count, 1), strict=True):
                if (place, nth) in (("middle", 1), ("last", 1), ("last", (count + 1) // 2)):
                    continue
                times = None if place == "always" else 1
                if times is None and kind == "timeout" and count > 3:
                    continue  # it would prove nothing more than the others do, in minutes
                yield Trial(f"{name}, {place}: {method} {path}", method, path, kind, parameters, nth, times)


def endure(owned: Moment, right: Right, trial: Trial) -> int:
    """The run converges or the next one does; the exit code of the first."""
    account, project = owned.restore(), owned.project
    account.fault(
        trial.kind, method=trial.method, path=trial.path, nth=trial.nth, times=trial.times, **trial.parameters
    )
    first = project.run(*APPLY)
    assert len(account.requests) < BOUND
    assert estate.unmanaged(account.state()) == estate.unmanaged(right.state)
    account.set_faults([])
    assert first.code in (0, 1, 4), first.err
    if first.code:
        assert first.err or first.out
        again = project.run(*APPLY)
        assert again.code == 0, first.out + first.err + again.err + again.out
    planned = project.run("plan", "--detailed-exitcode")
    assert planned.code == 0, planned.out + planned.err
    account.clear()
    assert project.run(*APPLY).code == 0
    assert not account.writes
    right.check(project)
    return first.code


SLICES = 8 if WHOLE else 2
STRIDE = 1 if WHOLE else 61


@pytest.mark.parametrize("part", range(SLICES))
def test_no_answer_that_can_come_makes_anything_twice(
    owned: Moment, monkeypatch: pytest.MonkeyPatch, part: int
) -> None:
    """The run converges by itself or the next one does, in bounded time, with nothing unmanaged touched."""
    make_hasty(monkeypatch)
    owned.restore()
    assert owned.project.run(*APPLY).code == 0
    found, right = operations(owned.project.account.requests), Right.of(owned.project)
    every = list(trials(found))
    chosen = every[part::SLICES] if WHOLE else every[part * STRIDE // SLICES :: STRIDE]
    codes: Counter[int] = Counter()
    for trial in chosen:
        try:
            codes[endure(owned, right, trial)] += 1
        except AssertionError as error:
            raise AssertionError(f"{trial.name} (call {trial.nth}): {error}") from error
    print(f"{len(found)} operations, {len(chosen)} of {len(every)} trials; exit codes {dict(codes)}")
