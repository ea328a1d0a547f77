"""Checks before the first account begins: files, keys, connections and ledgers of the whole fleet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from reconciler.config import files, setting_types
from reconciler.config.settings import Settings
from reconciler.errors import ConfigurationError, Problem
from reconciler.fleet.account import AccountJob, settings_of


def problems_of(jobs: Sequence[AccountJob], environ: Mapping[str, str], *, remote: bool = False) -> list[Problem]:
    """Every reason why these accounts cannot be run together here; ``remote``: on a worker of a cluster."""
    found = list(_keys(jobs, environ))
    settings: dict[str, Settings] = {}
    common = {name for job in jobs for name in job.common}
    found += [problem for name in sorted(common) for problem in _path(jobs[0].folder, name, "common")]
    for job in jobs:
        wrong = list(_path(job.folder, job.account.path, job.account.where)) if job.account.path else []
        if not wrong:
            try:
                settings[job.account.name] = settings_of(job, environ)
            except ConfigurationError as error:
                wrong += error.problems
        found += wrong
    read = [job for job in jobs if job.account.name in settings]
    found += [*_connections(read, settings), *_ledgers(read, settings)]
    if remote:
        found += _files(read, settings)
    return list(dict.fromkeys(found))


def raise_problems(found: Sequence[Problem]) -> None:
    """Raise one ConfigurationError with all of them."""
    if found:
        raise ConfigurationError(found)


def _keys(jobs: Iterable[AccountJob], environ: Mapping[str, str]) -> Iterator[Problem]:
    users: dict[str, list[AccountJob]] = {}
    for job in jobs:
        users.setdefault(job.account.key, []).append(job)
    for key, using in users.items():
        if not environ.get(key, "").strip():
            others = f" and {len(using) - 1} more" if len(using) > 1 else ""
            what = f"environment variable {key} is not set (needed by {using[0].account.name}{others})"
            yield Problem(using[0].account.where, what, "set it to the API key")


def _path(folder: Path, name: str, where: str) -> Iterator[Problem]:
    path = folder / name
    if not path.exists():
        yield Problem(where, f"{name} does not exist", "check the path; it is relative to the fleet file")
    elif not files.is_inside(path, [folder]):
        yield Problem(where, f"{name} is outside of the folder of the fleet", "move it below that folder")


def _connections(jobs: Sequence[AccountJob], settings: Mapping[str, Settings]) -> Iterator[Problem]:
    """Two accounts of one connection; or one without, beside others, which would get the oldest of the key."""
    first: dict[tuple[str, str], AccountJob] = {}
    for job in jobs:
        connection = settings[job.account.name].connection
        if connection is None:
            if len(jobs) > 1:
                yield Problem(job.account.where, f"{job.account.name} has no connection", "add `connection: ID`")
            continue
        there = first.setdefault((settings[job.account.name].gateway_url, connection), job)
        if there is not job:
            what = f"{job.account.name} uses connection {connection} of {there.account.name} ({there.account.where})"
            yield Problem(job.account.where, what, "remove one of them, or correct the connection")


def _ledgers(jobs: Sequence[AccountJob], settings: Mapping[str, Settings]) -> Iterator[Problem]:
    first: dict[str, AccountJob] = {}
    for job in jobs:
        ledger = settings[job.account.name].ledger
        there = first.setdefault(ledger.casefold(), job) if ledger != "none" else job
        if there is not job:
            what = f"{job.account.name} uses the ledger of {there.account.name} ({there.account.where})"
            yield Problem(job.account.where, what, "set another `ledger:` for one of them")


def _files(jobs: Sequence[AccountJob], settings: Mapping[str, Settings]) -> Iterator[Problem]:
    """Ledgers that only one worker of a cluster could reach."""
    ledgers = {job.account.name: settings[job.account.name].ledger for job in jobs}
    local = [
        job for job in jobs if (ledger := ledgers[job.account.name]) != "none" and not setting_types.is_server(ledger)
    ]
    if local:
        others = f" and {len(local) - 1} more" if len(local) > 1 else ""
        what = f"{local[0].account.name}{others} would use a ledger that other workers cannot reach"
        yield Problem(local[0].account.where, what, "set RECONCILER_LEDGER of the workers to a PostgreSQL URL")
