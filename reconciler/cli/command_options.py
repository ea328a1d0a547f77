"""Options and arguments of each command, as typed values."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple, dataclass_transform

from reconciler.model.policy import Allow

#: ``--allow CLASS[=N]``: class and number.
Allowed = tuple[tuple[Allow, int | None], ...]


class OutputRequest(NamedTuple):
    """One ``--output``: a format, and the file as it was typed; none is standard output."""

    form: str
    file: str = ""


@dataclass_transform(kw_only_default=True, frozen_default=True)
class CommandOptions:
    """Options of one command; each subclass is a frozen dataclass to type checkers.

    Real dataclasses are not used: generating the code of thirty takes longer than reading a small project.
    """

    def __init__(self, **values: object) -> None:
        vars(self).update(values)


class AccountOptions(CommandOptions):
    """Which account is used, and how; the options that are settings too."""

    connection: str | None = None
    ledger: str | None = None
    dialect: str | None = None
    gateway_url: str | None = None
    control_url: str | None = None
    parallel: int | None = None
    max_calls: int | None = None
    max_minutes: float | None = None


class SelectionOptions(CommandOptions):
    """Which part of a plan is made, and how the account is read. ``target_file``: patterns and their positions."""

    targets: tuple[str, ...] = ()
    target_file: Mapping[str, str] = MappingProxyType({})
    refresh: str = "auto"
    excludes: tuple[str, ...] = ()


class OutputOptions(CommandOptions):
    """Formats and files that a result is written to."""

    wishes: tuple[OutputRequest, ...] = ()
    as_json: bool = False
    out: Path | None = None


class RunOptions(AccountOptions, OutputOptions):
    """Options of every command that writes to the account."""

    yes: bool = False
    json_events: bool = False
    fail_fast: bool = False
    allow: Allowed = ()
    confirm: str | None = None


class PlanOptions(AccountOptions, SelectionOptions, OutputOptions):
    """``plan``."""

    path: Path
    detailed_exitcode: bool
    calls: bool
    fail_on: tuple[str, ...]


class ApplyOptions(RunOptions, SelectionOptions):
    """``apply``."""

    path: Path
    plan_file: Path | None


class DestroyOptions(RunOptions):
    """``destroy``."""

    path: Path


class UndoOptions(RunOptions):
    """``undo``; no ``run`` means the last one."""

    run: int | None
    project: Path


class CloneCommandOptions(RunOptions):
    """``clone``."""

    path: Path
    source: str
    goal: str
    sections: tuple[str, ...]
    allowed: tuple[str, ...]
    domain: str | None
    skip_missing: bool
    webhook_url: str | None
    webhook_secret_env: str | None
    applies: bool


class DriftOptions(AccountOptions, OutputOptions):
    """``drift``."""

    path: Path
    fail_on: tuple[str, ...]


class GraphOptions(AccountOptions, SelectionOptions):
    """``graph``."""

    path: Path
    subject: str
    form: str
    out: Path | None
    full: bool


class PullOptions(AccountOptions):
    """``pull``."""

    folder: Path
    kinds: tuple[str, ...]
    tags: tuple[str, ...]
    courses: tuple[str, ...]
    after: str | None
    before: str | None
    csv_sources: bool
    own: bool
    accepted: tuple[str, ...]
    everything: bool
    yes: bool
    as_json: bool


class WatchOptions(AccountOptions):
    """``watch``."""

    path: Path
    applies: bool
    interval: float
    jitter: float
    max_backoff: float
    once: bool
    max_cycles: int | None
    confirm: str | None
    health: Path | None
    metrics: str | None
    metrics_public: bool
    healthy: Path | None
    within: float


class FleetOptions(AccountOptions, OutputOptions):
    """``fleet plan`` and ``fleet drift``, and what ``fleet apply`` shares with them."""

    path: Path
    only: tuple[str, ...]
    excludes: tuple[str, ...]
    workers: int | None
    scheduler: str | None
    insecure_scheduler: bool
    folder: Path | None
    continues: bool
    max_failures: int | None
    detailed_exitcode: bool = False


class FleetApplyOptions(FleetOptions):
    """``fleet apply``."""

    yes: bool
    allow: Allowed
    confirm: tuple[str, ...]
    wave: str


class FleetValidateOptions(OutputOptions):
    """``fleet validate``."""

    path: Path


class McpOptions(AccountOptions):
    """``mcp``."""

    path: Path
    allow_apply: bool
    allow: Allowed


class DoctorOptions(AccountOptions):
    """``doctor``."""

    path: Path
    as_json: bool


class InitOptions(CommandOptions):
    """``init``."""

    path: Path


class ValidateOptions(OutputOptions):
    """``validate``."""

    path: Path
    show: bool


class SchemaOptions(CommandOptions):
    """``schema``."""

    what: str
    at: str | None


class FmtOptions(CommandOptions):
    """``fmt``."""

    paths: tuple[str, ...]
    check: bool
    diff: bool


class ProjectOptions(AccountOptions):
    """Options of the commands that take the project as ``--project``."""

    project: Path


class ExplainOptions(ProjectOptions):
    """``explain``."""

    address: str
    as_json: bool


class HistoryOptions(ProjectOptions):
    """``history``."""

    run: int | None
    limit: int | None
    as_json: bool


class ShowOptions(ProjectOptions, OutputOptions):
    """``show``."""

    file: Path
    detailed_exitcode: bool
    calls: bool


class ConnectionListOptions(ProjectOptions):
    """``connections list``."""

    status: str | None
    as_json: bool


class ConnectionShowOptions(ProjectOptions):
    """``connections show``."""

    connection_id: str
    as_json: bool


class ConnectionCreateOptions(ProjectOptions):
    """``connections create``."""

    wait: float
    as_json: bool


class ConnectionDeleteOptions(ProjectOptions):
    """``connections delete``."""

    connection_id: str
    yes: bool
    confirm: str | None


class LedgerListOptions(ProjectOptions):
    """``ledger list``."""

    pattern: str
    as_json: bool


class LedgerShowOptions(ProjectOptions):
    """``ledger show``."""

    address: str


class LedgerForgetOptions(ProjectOptions):
    """``ledger forget``."""

    addresses: tuple[str, ...]
    yes: bool


class UnlockOptions(ProjectOptions):
    """``ledger unlock``."""

    yes: bool


class ExportOptions(ProjectOptions):
    """``ledger export``."""

    out: Path | None


class ImportOptions(ProjectOptions):
    """``ledger import``."""

    file: Path


class MoveOptions(ProjectOptions):
    """``ledger move``."""

    old: str
    new: str
    yes: bool


class RebindOptions(ProjectOptions):
    """``ledger rebind``."""

    yes: bool
    allow: Allowed
