"""``fleet``: plans, applies and checks many accounts together."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import click

from reconciler.cli.context import stopping
from reconciler.cli.fleet_progress import FleetProgress, showing
from reconciler.cli.logs import log
from reconciler.cli.options import (
    ALLOW,
    ANY_PATH,
    DETAILED_EXITCODE,
    MAX_MINUTES,
    YES,
    Allowed,
    FleetOutputOptions,
    GatewayOptions,
    ProblemOutputOptions,
    argument,
    examples,
    option,
    start_folder,
    with_options,
)
from reconciler.cli.outputs import name_of, outputs_of
from reconciler.cli.program import program_of
from reconciler.cli.progress_listeners import ProgressStyle
from reconciler.cli.prompt import confirm
from reconciler.cli.redaction import redaction_of
from reconciler.cli.terminal import can_ask, print_lines
from reconciler.config import setting_types
from reconciler.config.settings import unknown_variables
from reconciler.errors import ApprovalRequired, ConfigurationError, Declined
from reconciler.fleet.account import AccountJob, AccountOutput, open_account
from reconciler.fleet.approval import approved, combined, missing_approvals, needs_apply, saved_plans
from reconciler.fleet.check import problems_of, raise_problems
from reconciler.fleet.cluster import ClusterEngine
from reconciler.fleet.declaration import Fleet, read_fleet
from reconciler.fleet.folder import RunFolder
from reconciler.fleet.local import LocalEngine
from reconciler.fleet.rollout import (
    Engine,
    RolloutLimits,
    run_waves,
    select_accounts,
    wave_sizes,
    waves_of,
)
from reconciler.model.fleet import AccountResult, AccountState, FleetReport, approvals_of, worst
from reconciler.output.fleet import fleet_comment, fleet_document, fleet_lines, fleet_page, need
from reconciler.output.formats import FLEET, PROBLEMS
from reconciler.output.wording import count

#: Folder of a run, next to the ledgers.
RUN_FOLDER = Path(".reconciler") / "fleet"

#: Settings that a command line passes on to each account.
_PASSED = ("dialect", "gateway_url", "control_url")

_FOLDER = click.Path(path_type=Path, file_okay=False)
_FILE = argument(type=ANY_PATH, default=".", metavar="[FILE]")


class FleetOptions(FleetOutputOptions, GatewayOptions):
    """``fleet drift``, and the options that ``fleet plan`` and ``fleet apply`` have, too."""

    path: Path = _FILE
    only: tuple[str, ...] = option(
        "--only",
        multiple=True,
        metavar="PATTERN",
        help="Only accounts with this name, pattern or label (plan=gold); repeatable.",
    )
    excludes: tuple[str, ...] = option(
        "--exclude",
        multiple=True,
        metavar="PATTERN",
        help="Exclude accounts with this name, pattern or label; repeatable.",
    )
    workers: int | None = option(
        "--workers",
        type=click.IntRange(min=1),
        metavar="N",
        envvar="RECONCILER_FLEET_WORKERS",
        help="Number of local processes, by default that of CPU cores [RECONCILER_FLEET_WORKERS].",
    )
    scheduler: str | None = option(
        "--scheduler",
        metavar="URL",
        envvar="RECONCILER_FLEET_SCHEDULER",
        help="URL of the Dask scheduler that runs the lanes [RECONCILER_FLEET_SCHEDULER].",
    )
    insecure_scheduler: bool = option(
        "--insecure-scheduler", is_flag=True, help="Allow a remote scheduler without TLS."
    )
    folder: Path | None = option(
        "--out",
        type=_FOLDER,
        metavar="DIR",
        help="Folder of plans and logs [.reconciler/fleet]; plans saved here can be applied with --plans.",
    )
    continues: bool = option(
        "--continue", is_flag=True, help="Continue the last run: only accounts that it did not finish."
    )
    max_failures: int | None = option(
        "--max-failures",
        type=click.IntRange(min=1),
        metavar="N",
        envvar="RECONCILER_FLEET_MAX_FAILURES",
        help="Start no further account after N failures [RECONCILER_FLEET_MAX_FAILURES].",
    )
    max_minutes: float | None = MAX_MINUTES


class FleetPlanOptions(FleetOptions):
    """``fleet plan``."""

    detailed_exitcode: bool = DETAILED_EXITCODE


class FleetApplyOptions(FleetOptions):
    """``fleet apply``."""

    yes: bool = YES
    allow: Allowed = ALLOW
    confirm: tuple[str, ...] = option(
        "--confirm", multiple=True, metavar="NAME", help="Name of a protected environment; repeatable."
    )
    plans: Path | None = option(
        "--plans",
        type=_FOLDER,
        metavar="DIR",
        help="Apply the saved plans of `fleet plan --out DIR`; accounts that changed are refused.",
    )
    wave: str = option(
        "--wave",
        metavar="SIZES",
        default="",
        help="Apply in waves, e.g. 1,10%,100%; a failure ends the run.",
    )


class FleetValidateOptions(ProblemOutputOptions):
    """``fleet validate``."""

    path: Path = _FILE


@click.group(epilog=examples("reconciler fleet plan clients/", "reconciler fleet apply clients/ --wave 1,10%,100%"))
def fleet() -> None:
    """Plan, apply and check many accounts together. FILE (fleet.yaml) declares them."""


@fleet.command(
    epilog=examples(
        "reconciler fleet plan clients/",
        "reconciler fleet plan clients/ --only plan=gold --exclude acme",
        "reconciler fleet plan clients/ --out reviewed --output markdown=comment.md",
        "reconciler fleet plan clients/ --scheduler tcp://127.0.0.1:8786",
    )
)
@with_options(FleetPlanOptions)
def plan(ctx: click.Context, options: FleetPlanOptions) -> int:
    """Show what would change in each account. Never writes."""
    run = _FleetRun(ctx, options, "plan")
    run.begin()
    results = run.through([run.jobs])
    return run.report(results, changes=2 if options.detailed_exitcode else 0)


@fleet.command(
    epilog=examples(
        "reconciler fleet apply clients/ --wave 1,10%,100%",
        "reconciler fleet apply clients/ --yes --allow deletes=12 --max-failures 3",
        "reconciler fleet apply clients/ --yes --continue",
        "reconciler fleet apply clients/ --yes --plans reviewed",
    )
)
@with_options(FleetApplyOptions)
def apply(ctx: click.Context, options: FleetApplyOptions) -> int:
    """Plan all accounts, ask once, then apply each plan if its account has not changed since."""
    run = _FleetRun(ctx, options, "apply")
    waves = _checked_waves(options.wave)
    allow = {each.value: number for each, number in options.allow}
    run.jobs = [replace(job, command="plan", allow=allow, confirm=options.confirm) for job in run.jobs]
    planned, jobs = run.reviewed(options.plans) if options.plans else run.planned()
    if run.stopped or not jobs:
        return run.report(list(planned.values()))
    if not run.outputs.claimed:
        print_lines(fleet_lines(run.report_of(list(planned.values()))))
    _check_approvals(run.report_of(list(planned.values())).results, options)
    _confirm(len(jobs), options)
    cut = waves_of(jobs, waves)
    numbered = [[replace(job, wave=number) for job in wave] for number, wave in enumerate(cut, 1)]
    applied = run.through(numbered, max_failures=options.max_failures or (1 if waves else None))
    results = planned | {result.name: combined(planned[result.name], result) for result in applied}
    return run.report(list(results.values()))


@fleet.command(
    epilog=examples("reconciler fleet drift clients/", "reconciler fleet drift clients/ --only 'north-*' --json")
)
@with_options(FleetOptions)
def drift(ctx: click.Context, options: FleetOptions) -> int:
    """Show which accounts changed since their last run. Exit 2 if any did; never writes."""
    run = _FleetRun(ctx, options, "drift")
    run.begin()
    return run.report(run.through([run.jobs]))


@fleet.command(epilog=examples("reconciler fleet validate clients/"))
@with_options(FleetValidateOptions)
def validate(ctx: click.Context, options: FleetValidateOptions) -> int:
    """Check the fleet and the files of every account, offline. Reports all problems at once."""
    outputs = outputs_of(ctx, options, PROBLEMS)
    resources = 0
    with outputs.problems(name_of(ctx, options.path)):
        fleet = _read(ctx, options.path)
        jobs = _jobs(fleet, {}, program_of(ctx).environment)
        problems = problems_of(jobs, {**{job.account.key: "-" for job in jobs}, **os.environ})
        warn = _warn if not outputs.claimed else (lambda problem: None)
        for job in jobs if not problems else ():
            try:
                resources += len(open_account(job, os.environ, warn).state.resources)
            except ConfigurationError as error:
                problems += error.problems
        raise_problems(list(dict.fromkeys(problems)))
    if outputs.wanted:
        outputs.write_valid(name_of(ctx, options.path), {"resources": {"account": len(jobs)}})
    if not outputs.claimed:
        click.echo(f"Valid: {count(len(jobs), 'account')}, {count(resources, 'resource')}.")
    return 0


def _warn(problem: object) -> None:
    log(f"warning: {problem}", logging.WARNING, "configuration")


def _read(ctx: click.Context, path: Path) -> Fleet:
    cwd = start_folder(ctx)
    for sentence in unknown_variables(os.environ):
        _warn(sentence)
    return read_fleet(cwd / path, os.environ, cwd)


def _jobs(fleet: Fleet, flags: Mapping[str, object], environment: str | None) -> list[AccountJob]:
    return [
        AccountJob(account, fleet.folder, fleet.common, flags=flags, environment=environment)
        for account in fleet.accounts
    ]


class _FleetRun:
    """One command over a fleet: its accounts, engine, outputs and folder."""

    def __init__(self, ctx: click.Context, options: FleetOptions, command: str) -> None:
        self.outputs = outputs_of(ctx, options, FLEET)
        self._ctx, self._options, self._command = ctx, options, command
        program = program_of(ctx)
        flags = {name: value for name in _PASSED if (value := getattr(options, name)) is not None}
        flags |= {"redact": program.redact} if program.redact is not None else {}
        self.fleet = _read(ctx, options.path)
        folder = options.folder and start_folder(ctx) / options.folder
        self.folder = RunFolder(folder or self.fleet.folder / RUN_FOLDER)
        accounts = select_accounts(self.fleet.accounts, options.only, options.excludes)
        every = {job.account.name: job for job in _jobs(self.fleet, flags, program.environment)}
        saves = command == "plan" and options.folder is not None
        self.jobs = [replace(every[account.name], command=command, saves=saves) for account in accounts]
        self.earlier: dict[str, AccountResult] = {}
        if options.continues:
            self._leave_out_finished()
        redaction_of(ctx).add_secrets(*(os.environ.get(job.account.key) for job in self.jobs))
        self.engine = self._engine()
        ctx.call_on_close(self.engine.close)
        self.stopped, self._began = "", time.monotonic()
        self.changes: dict[str, bytes] = {}

    def _leave_out_finished(self) -> None:
        names, self.earlier = self.folder.resume(self._command)
        known = set(names)
        self.jobs = [job for job in self.jobs if job.account.name in known and job.account.name not in self.earlier]
        if not self.jobs:
            raise ConfigurationError("nothing to continue: all accounts of that run are finished")

    def _engine(self) -> Engine:
        if self._options.scheduler:
            return ClusterEngine(self._options.scheduler, insecure=self._options.insecure_scheduler)
        return LocalEngine(self._options.workers or min(os.cpu_count() or 1, len(self.jobs)))

    def begin(self) -> None:
        """Check everything that can be checked before the first account begins. Raises ConfigurationError."""
        self.engine.check(self.jobs)
        if not self._options.continues:
            self.folder.begin(self._command, [job.account.name for job in self.jobs])

    def planned(self) -> tuple[dict[str, AccountResult], list[AccountJob]]:
        """The plans of all accounts, and the jobs that apply those with changes."""
        self.begin()
        results = {result.name: result for result in self.through([self.jobs])}
        return results, [
            approved(job, results[name], changes=self.changes[name])
            for job in self.jobs
            if needs_apply(results[name := job.account.name])
        ]

    def reviewed(self, folder: Path) -> tuple[dict[str, AccountResult], list[AccountJob]]:
        """The saved plans in a folder, and the jobs that apply those with changes."""
        path = start_folder(self._ctx) / folder
        if path.resolve() == self.folder.path.resolve():
            raise ConfigurationError(f"--plans {folder} is also the folder of this run; choose another --out")
        saved = saved_plans(RunFolder(path), [each.name for each in self.fleet.accounts], self.jobs)
        self.jobs = [job for job in self.jobs if job.account.name in saved.results]
        self.begin()
        return dict(saved.results), [
            approved(job, saved.results[name], saved=saved.files[name])
            for job in self.jobs
            if (name := job.account.name) in saved.files
        ]

    def through(self, waves: Sequence[Sequence[AccountJob]], max_failures: int | None = None) -> list[AccountResult]:
        """The results of all accounts, in waves; Ctrl-C and --max-minutes end them in order."""
        program, stop = program_of(self._ctx), _EngineStop(self.engine)
        progress = FleetProgress(job for wave in waves for job in wave)

        def ended(output: AccountOutput) -> None:
            self.folder.add(output)
            self.changes[output.result.name] = output.changes
            progress.ended(output.result)

        limits = RolloutLimits(self._rate_limit(), self.fleet.parallel, max_failures or self._options.max_failures)
        style = ProgressStyle(program.quiet, program.heartbeat)
        timer = self._timer(stop)
        try:
            with stopping(stop, reports=True), showing(progress, style, self._command):
                results = run_waves(self.engine, waves, limits, ended, stop.is_set)
        finally:
            timer.cancel()
        if stop.is_set() and not self.stopped:
            self.stopped = "interrupted"
        return results

    def _timer(self, stop: threading.Event) -> threading.Timer:
        def over() -> None:
            self.stopped = "--max-minutes reached"
            stop.set()

        minutes = self._options.max_minutes
        spent = time.monotonic() - self._began
        timer = threading.Timer(max(0.0, minutes * 60 - spent) if minutes is not None else 1e8, over)
        timer.daemon = True
        if minutes is not None:
            timer.start()
        return timer

    def _rate_limit(self) -> float:
        """Requests per second of each key: the flag, the variable, or the file of the fleet."""
        given, variable = program_of(self._ctx).rate_limit, os.environ.get("RECONCILER_RATE_LIMIT")
        try:
            return setting_types.rate(given if given is not None else variable or self.fleet.rate_limit)
        except ValueError as error:
            source = "--rate-limit" if given is not None else "RECONCILER_RATE_LIMIT"
            raise ConfigurationError(f"{source}: invalid value; {error}") from None

    def report_of(self, results: Sequence[AccountResult]) -> FleetReport:
        """All results in the order of the declaration, those of the run that is continued included."""
        by_name = self.earlier | {result.name: result for result in results}
        ordered = tuple(by_name[each.name] for each in self.fleet.accounts if each.name in by_name)
        seconds = time.monotonic() - self._began
        shown = _shown_folder(self.folder.path, start_folder(self._ctx))
        report = FleetReport(self._command, self.fleet.folder.name, ordered, seconds, shown, self.stopped)
        return replace(report, document=fleet_document(report))

    def report(self, results: Sequence[AccountResult], *, changes: int = 0) -> int:
        """Write the report in all formats, on screen and to the folder; the exit code of the fleet."""
        report = self.report_of(results)
        if not self.outputs.claimed:
            print_lines(fleet_lines(report))
        self.folder.write("report.md", fleet_comment(report))
        self.folder.write("report.html", fleet_page(report))
        if self.outputs.wanted:
            self.outputs.write(report)
        return _exit_code(report, changes)


class _EngineStop(threading.Event):
    """Set by a signal or the clock; stops the engine."""

    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self._engine = engine

    def set(self) -> None:
        super().set()
        self._engine.stop()


def _exit_code(report: FleetReport, changes: int) -> int:
    """The worst of the accounts; 4 where some did not begin, 130 after Ctrl-C."""
    by_time = report.stopped.startswith("--")
    codes = {4 if by_time and result.exit_code == 130 else result.exit_code for result in report.results}
    if report.count(AccountState.NOT_RUN):
        codes.add(4)
    if report.stopped == "interrupted":
        codes.add(130)
    if changes and report.count(AccountState.CHANGES):
        codes.add(changes)
    return worst(codes)


def _shown_folder(path: Path, cwd: Path) -> str:
    return str(path.relative_to(cwd)) if path.is_relative_to(cwd) else str(path)


def _checked_waves(text: str) -> str:
    try:
        if text:
            wave_sizes(text, 1)
    except ValueError as error:
        raise click.UsageError(f"--wave {error}") from None
    return text


def _check_approvals(results: Sequence[AccountResult], options: FleetApplyOptions) -> None:
    """Raise ApprovalRequired for each class that was not given with its sum, Declined for protected environments."""
    missing = missing_approvals(approvals_of(results), dict(options.allow))
    if missing:
        raise ApprovalRequired("\n".join([*map(need, missing), "No changes were made."]))
    protected = sorted({each.protected for each in results if each.protected and needs_apply(each)})
    unnamed = [name for name in protected if name not in options.confirm]
    if unnamed:
        flags = " ".join(f"--confirm {name}" for name in unnamed)
        raise Declined(f"protected environments need to be confirmed by name: {flags}; no changes were made")


def _confirm(accounts: int, options: FleetApplyOptions) -> None:
    if options.yes:
        return
    if not can_ask():
        raise Declined("Cannot ask for confirmation without a terminal. Use --yes.")
    if not confirm(f"Apply these changes to {count(accounts, 'account')}?"):
        raise Declined("Apply cancelled. No changes were made.")
