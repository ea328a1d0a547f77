"""Selects the accounts of a rollout, cuts them into waves, runs the waves, and stops after failures."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol

from reconciler.errors import ConfigurationError
from reconciler.fleet.account import AccountJob, AccountOutput
from reconciler.fleet.declaration import FleetAccount
from reconciler.fleet.lane import Lane, lanes_of, not_run
from reconciler.model.fleet import AccountResult


class Engine(Protocol):
    """Runs lanes, on this machine or a cluster."""

    def run(self, lanes: Sequence[Lane]) -> Iterator[AccountOutput]:
        """Yields the result of each account as it ends."""

    def check(self, jobs: Sequence[AccountJob]) -> None:
        """Raise ConfigurationError with every reason why these accounts cannot be run here."""

    def halt(self) -> None:
        """Begin no further account; those under way end."""

    def stop(self) -> None:
        """End the accounts under way in order, as soon as possible."""

    def close(self) -> None:
        """Close connections."""


def select_accounts(
    accounts: Sequence[FleetAccount], only: Sequence[str], exclude: Sequence[str]
) -> list[FleetAccount]:
    """The accounts that a pattern of ``only`` matches (all without one), and none of ``exclude``.

    A pattern is of names (``north-*``) or of a label (``plan=gold``). Raises ConfigurationError for one that matches
    no account, and where none is left.
    """
    for option, patterns in (("--only", only), ("--exclude", exclude)):
        for pattern in patterns:
            if not any(_matches(account, pattern) for account in accounts):
                raise ConfigurationError(f"{option} {pattern}: no account has such a name or label")
    found = [
        account
        for account in accounts
        if (not only or any(_matches(account, each) for each in only))
        and not any(_matches(account, each) for each in exclude)
    ]
    if not found:
        raise ConfigurationError("--exclude leaves no account")
    return found


def _matches(account: FleetAccount, pattern: str) -> bool:
    label, equals, value = pattern.partition("=")
    if equals:
        return label in account.labels and fnmatch.fnmatchcase(account.labels[label], value)
    return fnmatch.fnmatchcase(account.name, pattern)


def wave_sizes(text: str, accounts: int) -> list[int]:
    """``1,10%,100%`` → how many accounts have run at the end of each wave; the last wave has the rest.

    Raises ValueError for anything else.
    """
    sizes: list[int] = []
    for part in text.split(","):
        number = part.strip().removesuffix("%")
        if not number.isascii() or not number.isdecimal() or not int(number) or len(number) > 9:
            raise ValueError(f"{part.strip()!r}: write numbers of accounts or percentages, such as 1,10%,100%")
        is_share = part.strip().endswith("%")
        if is_share and int(number) > 100:
            raise ValueError(f"{part.strip()}: a wave cannot have more than 100%")
        size = -(-accounts * int(number) // 100) if is_share else int(number)
        sizes.append(min(max(size, sizes[-1] if sizes else 0), accounts))
    return list(dict.fromkeys([*sizes, accounts]))


def waves_of(jobs: Sequence[AccountJob], text: str) -> list[list[AccountJob]]:
    """The accounts in the order of their declaration, cut into waves; without ``text`` one wave."""
    ends = wave_sizes(text, len(jobs)) if text else [len(jobs)]
    return [list(jobs[begin:end]) for begin, end in zip([0, *ends], ends, strict=False)]


class RolloutLimits(NamedTuple):
    """``rate_limit`` and ``parallel`` of each lane, and the number of failed accounts that ends the rollout."""

    rate_limit: float
    parallel: int
    max_failures: int | None = None


def run_waves(
    engine: Engine,
    waves: Sequence[Sequence[AccountJob]],
    limits: RolloutLimits,
    ended: Callable[[AccountOutput], None],
    stopped: Callable[[], bool] = lambda: False,
) -> list[AccountResult]:
    """Run wave after wave; calls ``ended`` with each account as it ends, also with those that were not begun.

    ``stopped`` is asked before each wave.
    """
    results: list[AccountResult] = []
    failures, over = 0, False
    for wave in waves:
        if over or stopped():
            outputs: Iterable[AccountOutput] = map(not_run, wave)
        else:
            outputs = engine.run(lanes_of(wave, limits.rate_limit, limits.parallel))
        seen: set[str] = set()
        for output in outputs:
            if output.result.name in seen:
                continue  # its lane was begun again on another worker
            seen.add(output.result.name)
            results.append(output.result)
            ended(output)
            failures += output.result.state.is_failure
            if limits.max_failures is not None and failures >= limits.max_failures and not over:
                over = True
                engine.halt()
    return results
