"""Selecting, waves, lanes and sums: pure functions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.errors import ConfigurationError, Throttled
from reconciler.fleet.account import AccountJob
from reconciler.fleet.approval import missing_approvals
from reconciler.fleet.declaration import FleetAccount
from reconciler.fleet.lane import AccountRateLimiter, lanes_of
from reconciler.fleet.local import lanes_by_worker, remaining_lanes
from reconciler.fleet.rollout import select_accounts, wave_sizes, waves_of
from reconciler.gateway.rate_limiter import RateLimiter
from reconciler.model.fleet import AccountResult, AccountState, NeededApproval, approvals_of, worst
from reconciler.model.policy import Allow
from tests.fleet.simulate import Costs, Setting, simulate

ACCOUNTS = [
    FleetAccount("north-1", labels={"plan": "gold"}, key="MATON_API_KEY_N"),
    FleetAccount("north-2", labels={"plan": "silver"}, key="MATON_API_KEY_N"),
    FleetAccount("south", labels={"plan": "gold"}),
]


@pytest.mark.parametrize(
    ("only", "exclude", "names"),
    [
        ([], [], ["north-1", "north-2", "south"]),
        (["north-*"], [], ["north-1", "north-2"]),
        (["plan=gold"], [], ["north-1", "south"]),
        (["plan=*"], ["south"], ["north-1", "north-2"]),
        (["south", "north-2"], [], ["north-2", "south"]),
    ],
)
def test_chosen(only: list[str], exclude: list[str], names: list[str]) -> None:
    """By name and label, in the order of the declaration."""
    assert [account.name for account in select_accounts(ACCOUNTS, only, exclude)] == names


def test_a_pattern_that_matches_nobody_is_an_error() -> None:
    """It is a typing error, not an empty run."""
    with pytest.raises(ConfigurationError, match="--only plan=golden"):
        select_accounts(ACCOUNTS, ["plan=golden"], [])


@pytest.mark.parametrize(
    ("text", "accounts", "sizes"),
    [
        ("1,10%,100%", 50, [1, 5, 50]),
        ("1,10%,100%", 3, [1, 3]),
        ("10%", 1000, [100, 1000]),
        ("5", 3, [3]),
        ("20%,1", 10, [2, 10]),
    ],
)
def test_wave_sizes(text: str, accounts: int, sizes: list[int]) -> None:
    """How many have run after each wave; shares are rounded up, and the rest comes last."""
    assert wave_sizes(text, accounts) == sizes


@given(
    st.lists(st.sampled_from(["1", "7", "300", "1%", "33%", "100%"]), min_size=1, max_size=5),
    st.integers(1, 200),
)
def test_waves_lose_no_account(parts: list[str], number: int) -> None:
    """Every account is in exactly one wave, in order."""
    jobs = [AccountJob(FleetAccount(f"a{n}"), None) for n in range(number)]  # type: ignore[arg-type]
    assert [job for wave in waves_of(jobs, ",".join(parts)) for job in wave] == jobs


@given(st.lists(st.integers(0, 9), max_size=60), st.integers(1, 5))
def test_shares_lose_no_account(keys: list[int], workers: int) -> None:
    """A lane is whole on one worker, and every account is in one lane."""
    jobs = [AccountJob(FleetAccount(f"a{n}", key=f"K{key}"), None) for n, key in enumerate(keys)]  # type: ignore[arg-type]
    found = lanes_by_worker(lanes_of(jobs, 10, 4), workers)
    assert len(found) <= workers
    lanes = [lane for share in found for lane in share]
    assert len({lane.key for lane in lanes}) == len(lanes)
    assert sorted(job.account.name for lane in lanes for job in lane.jobs) == sorted(job.account.name for job in jobs)
    done = {f"a{n}" for n in range(0, len(keys), 2)}
    left = [job.account.name for lane in remaining_lanes(lanes, done) for job in lane.jobs]
    assert sorted(left) == sorted({job.account.name for job in jobs} - done)


def _result(name: str, deletes: int) -> AccountResult:
    needs = (NeededApproval("deletes", deletes, "why"),) if deletes else ()
    return AccountResult(name, AccountState.CHANGES, needs=needs)


@pytest.mark.parametrize(
    ("allowed", "missing"),
    [
        ({}, [("deletes", 7)]),
        ({Allow.DELETES: 3}, [("deletes", 7)]),
        ({Allow.DELETES: 7}, []),
        ({Allow.DELETES: None}, []),
        ({Allow.UPDATES: 7}, [("deletes", 7)]),
    ],
)
def test_approvals_are_summed_up(allowed: dict[Allow, int | None], missing: list[tuple[str, int]]) -> None:
    """The number is that of the whole fleet."""
    needed = approvals_of([_result("a", 3), _result("b", 0), _result("c", 4)])
    assert [(each.allow, each.number) for each in missing_approvals(needed, allowed)] == missing
    assert needed[0].accounts == (("a", 3), ("c", 4))


def test_the_worst_code_wins() -> None:
    """A failure is worse than a part, a part worse than a refusal, and that worse than changes."""
    assert [worst(codes) for codes in ({0}, {0, 2}, {2, 3}, {3, 4}, {4, 1}, {1, 130}, set())] == [
        0,
        2,
        3,
        4,
        1,
        130,
        0,
    ]


def test_quota_of_one_account_does_not_slow_the_lane() -> None:
    """The vendor's 429 names a time and is of one account; the gateway's does not, and is of the key."""
    now = [100.0]
    lane = RateLimiter(10, clock=lambda: now[0])
    first, second = AccountRateLimiter(lane), AccountRateLimiter(lane)
    first.observe({"Retry-After": "60"}, 429)
    with pytest.raises(Throttled):
        first.take(patience=1)
    second.take(patience=0)
    assert lane.rate == 10
    second.observe({}, 429)
    assert lane.rate == 5


@pytest.mark.parametrize(("accounts", "keys"), [(100, 1), (1000, 10)])
def test_the_simulation_keeps_its_bounds(accounts: int, keys: int) -> None:
    """No faster than rate limits and processors allow; without latency and processor time just as fast."""
    found = simulate(Setting(accounts, keys, 2), Costs())
    assert found.seconds >= max(found.by_rate, found.by_processor)
    ideal = simulate(Setting(accounts, keys, 2), Costs(processor=0, latency=0))
    assert ideal.seconds == pytest.approx(ideal.by_rate)
    slow = simulate(Setting(accounts, keys, 2), Costs(processor=10, latency=0))
    assert 0.999 * slow.by_processor <= slow.seconds <= slow.by_processor * max(1.0, 2 / keys) * 1.1
