"""Options and arguments of each command, as typed values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from reconciler.model.policy import Allow

#: ``--allow CLASS[=N]``: class and number.
Allowed = tuple[tuple[Allow, int | None], ...]


class OutputRequest(NamedTuple):
    """One ``--output``: a format, and the file as it was typed; none is standard output."""

    form: str
    file: str = ""


@dataclass(frozen=True, kw_only=True)
class AccountOptions:
    """Which account is used, and how; the options that are settings too."""

    connection: str | None = None
    ledger: str | None = None
    dialect: str | None = None
    gateway_url: str | None = None
    control_url: str | None = None
    parallel: int | None = None
    max_calls: int | None = None
    max_minutes: float | None = None


@dataclass(frozen=True, kw_only=True)
class SelectionOptions:
    """Which part of a plan is made, and how the account is read. ``target_file``: patterns and their positions."""

    targets: tuple[str, ...] = ()
    target_file: Mapping[str, str] = field(default_factory=dict)
    refresh: str = "auto"
    excludes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class OutputOptions:
    """Formats and files that a result is written to."""

    wishes: tuple[OutputRequest, ...] = ()
    as_json: bool = False
    out: Path | None = None


@dataclass(frozen=True, kw_only=True)
class RunOptions(AccountOptions, OutputOptions):
    """Options of every command that writes to the account."""

    yes: bool = False
    json_events: bool = False
    allow: Allowed = ()
    confirm: str | None = None


@dataclass(frozen=True, kw_only=True)
class PlanOptions(AccountOptions, SelectionOptions, OutputOptions):
    """``plan``."""

    path: Path
    detailed_exitcode: bool
    calls: bool
    fail_on: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class ApplyOptions(RunOptions, SelectionOptions):
    """``apply``."""

    path: Path
    plan_file: Path | None


@dataclass(frozen=True, kw_only=True)
class DestroyOptions(RunOptions):
    """``destroy``."""

    path: Path


@dataclass(frozen=True, kw_only=True)
class UndoOptions(RunOptions):
    """``undo``."""

    run: int
    project: Path


@dataclass(frozen=True, kw_only=True)
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


@dataclass(frozen=True, kw_only=True)
class DriftOptions(AccountOptions, OutputOptions):
    """``drift``."""

    path: Path
    fail_on: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class GraphOptions(AccountOptions, SelectionOptions):
    """``graph``."""

    path: Path
    subject: str
    form: str
    out: Path | None
    full: bool


@dataclass(frozen=True, kw_only=True)
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


@dataclass(frozen=True, kw_only=True)
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


@dataclass(frozen=True, kw_only=True)
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


@dataclass(frozen=True, kw_only=True)
class FleetApplyOptions(FleetOptions):
    """``fleet apply``."""

    yes: bool
    allow: Allowed
    confirm: tuple[str, ...]
    wave: str


@dataclass(frozen=True, kw_only=True)
class FleetValidateOptions(OutputOptions):
    """``fleet validate``."""

    path: Path


@dataclass(frozen=True, kw_only=True)
class McpOptions(AccountOptions):
    """``mcp``."""

    path: Path
    allow_apply: bool
    allow: Allowed


@dataclass(frozen=True, kw_only=True)
class DoctorOptions(AccountOptions):
    """``doctor``."""

    path: Path
    as_json: bool


@dataclass(frozen=True, kw_only=True)
class InitOptions:
    """``init``."""

    path: Path


@dataclass(frozen=True, kw_only=True)
class ValidateOptions(OutputOptions):
    """``validate``."""

    path: Path
    show: bool


@dataclass(frozen=True, kw_only=True)
class SchemaOptions:
    """``schema``."""

    what: str
    at: str | None


@dataclass(frozen=True, kw_only=True)
class FmtOptions:
    """``fmt``."""

    paths: tuple[str, ...]
    check: bool
    diff: bool


@dataclass(frozen=True, kw_only=True)
class ProjectOptions(AccountOptions):
    """Options of the commands that take the project as ``--project``."""

    project: Path


@dataclass(frozen=True, kw_only=True)
class ExplainOptions(ProjectOptions):
    """``explain``."""

    address: str
    as_json: bool


@dataclass(frozen=True, kw_only=True)
class HistoryOptions(ProjectOptions):
    """``history``."""

    run: int | None
    limit: int | None
    as_json: bool


@dataclass(frozen=True, kw_only=True)
class ShowOptions(ProjectOptions, OutputOptions):
    """``show``."""

    file: Path
    detailed_exitcode: bool
    calls: bool


@dataclass(frozen=True, kw_only=True)
class ConnectionListOptions(ProjectOptions):
    """``connections list``."""

    status: str | None
    as_json: bool


@dataclass(frozen=True, kw_only=True)
class ConnectionShowOptions(ProjectOptions):
    """``connections show``."""

    connection_id: str
    as_json: bool


@dataclass(frozen=True, kw_only=True)
class ConnectionCreateOptions(ProjectOptions):
    """``connections create``."""

    wait: float
    as_json: bool


@dataclass(frozen=True, kw_only=True)
class ConnectionDeleteOptions(ProjectOptions):
    """``connections delete``."""

    connection_id: str
    yes: bool
    confirm: str | None


@dataclass(frozen=True, kw_only=True)
class LedgerListOptions(ProjectOptions):
    """``ledger list``."""

    pattern: str
    as_json: bool


@dataclass(frozen=True, kw_only=True)
class LedgerShowOptions(ProjectOptions):
    """``ledger show``."""

    address: str


@dataclass(frozen=True, kw_only=True)
class LedgerForgetOptions(ProjectOptions):
    """``ledger forget``."""

    addresses: tuple[str, ...]
    yes: bool


@dataclass(frozen=True, kw_only=True)
class UnlockOptions(ProjectOptions):
    """``ledger unlock``."""

    yes: bool


@dataclass(frozen=True, kw_only=True)
class ExportOptions(ProjectOptions):
    """``ledger export``."""

    out: Path | None


@dataclass(frozen=True, kw_only=True)
class ImportOptions(ProjectOptions):
    """``ledger import``."""

    file: Path


@dataclass(frozen=True, kw_only=True)
class MoveOptions(ProjectOptions):
    """``ledger move``."""

    old: str
    new: str
    yes: bool


@dataclass(frozen=True, kw_only=True)
class RebindOptions(ProjectOptions):
    """``ledger rebind``."""

    yes: bool
    allow: Allowed
