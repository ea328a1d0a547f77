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


class ProjectOptions(AccountOptions):
    """Options of the commands that take the project as ``--project``."""

    project: Path
