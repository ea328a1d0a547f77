"""From plan to apply: approvals that the plans of a fleet need, and the jobs that apply approved or saved plans."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from reconciler.errors import ConfigurationError
from reconciler.fleet.account import AccountJob
from reconciler.fleet.folder import RunFolder
from reconciler.fleet.lane import not_run
from reconciler.model.fleet import AccountResult, AccountState, FleetApproval
from reconciler.model.policy import COUNTED, UNCOUNTED, Allow

_UNCOUNTED = {each.value for each in UNCOUNTED}


def missing_approvals(needed: Iterable[FleetApproval], allowed: Mapping[Allow, int | None]) -> list[FleetApproval]:
    """Approvals that were not given. N must be the sum over all accounts, and is required for some classes."""

    def is_given(approval: FleetApproval) -> bool:
        allow = Allow(approval.allow)
        if allow not in allowed:
            return False
        return allowed[allow] == approval.number or (allowed[allow] is None and allow not in COUNTED)

    return [approval for approval in needed if not is_given(approval)]


def needs_apply(result: AccountResult) -> bool:
    """Whether the plan of an account has something to apply."""
    return result.state is AccountState.CHANGES or (result.state is AccountState.UNCHANGED and result.writes_ledger)


def approved(
    job: AccountJob, planned: AccountResult, *, changes: bytes | None = None, saved: str | None = None
) -> AccountJob:
    """The job that applies one plan, with the approvals that it needs: that of this run (``changes``), or a saved
    one."""
    numbers = {each.allow: None if each.allow in _UNCOUNTED else each.number for each in planned.needs}
    return replace(job, command="apply", allow={**job.allow, **numbers}, approved=changes, saved=saved)


def combined(planned: AccountResult, applied: AccountResult) -> AccountResult:
    """The result of both halves; an account that was not begun keeps the counts of its plan."""
    if not applied.counts:
        applied = replace(applied, counts=planned.counts, people=planned.people)
    seconds = round(planned.seconds + applied.seconds, 3)
    return replace(applied, reads=planned.reads + applied.reads, seconds=seconds)


class SavedPlans(NamedTuple):
    """The plans of ``fleet plan --out``: their results, and the plan files of those that have something to apply."""

    results: Mapping[str, AccountResult]
    files: Mapping[str, str]


def saved_plans(folder: RunFolder, declared: Iterable[str], jobs: Sequence[AccountJob]) -> SavedPlans:
    """The saved plans of these accounts, as far as they were planned; one whose plan failed is not run. Raises
    ConfigurationError if the folder has no plans of them, or plans of accounts that the fleet does not declare.

    The results are not signed: they decide what is shown and which approvals are asked for. The run of each account
    checks its plan file, plans again, and asks for its own approvals.
    """
    names, found = folder.saved_plans()
    unknown = sorted(set(names) - set(declared))
    if unknown:
        what = f"{folder.path} has plans of accounts that the fleet does not declare: {', '.join(unknown[:10])}"
        raise ConfigurationError(f"{what}; plan again")
    results: dict[str, AccountResult] = {}
    files: dict[str, str] = {}
    for name, job in {job.account.name: job for job in jobs if job.account.name in names}.items():
        result = found.get(name)
        if result is None or not result.state.is_good:
            results[name] = not_run(job, f"not planned: {result.error}" if result else "not planned").result
            continue
        results[name] = replace(result, key=job.account.key, reads=0, writes=0, seconds=0.0)
        if needs_apply(result) and (text := folder.saved_plan(name)) is not None:
            files[name] = text
        elif needs_apply(result):
            results[name] = not_run(job, f"there is no plan file in {folder.path / name}").result
    if not results:
        raise ConfigurationError(f"{folder.path} has no plan of these accounts; plan again")
    return SavedPlans(results, files)
