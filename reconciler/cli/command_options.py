"""Options and arguments of each command, as typed values."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple, dataclass_transform

from reconciler.model.policy import Allow

#: Class and number of each ``--allow CLASS[=N]``.
Allowed = tuple[tuple[Allow, int | None], ...]


class OutputRequest(NamedTuple):
    """One ``--output``: the format, and the file as it was typed; empty for standard output."""

    form: str
    file: str = ""


@dataclass_transform(kw_only_default=True, frozen_default=True)
class CommandOptions:
    """Options of one command. Type checkers treat each subclass as a frozen dataclass.

    Real dataclasses are not used, because generating their code takes longer than reading a small project.
    """

    def __init__(self, **values: object) -> None:
        vars(self).update(values)


class AccountOptions(CommandOptions):
    """Account and access to it: the options that are also settings."""

    connection: str | None = None
    ledger: str | None = None
    dialect: str | None = None
    gateway_url: str | None = None
    control_url: str | None = None
    parallel: int | None = None
    max_calls: int | None = None
    max_minutes: float | None = None


class SelectionOptions(CommandOptions):
    """Selected part of a plan, and how the account is read. ``target_file`` maps patterns to their positions."""

    targets: tuple[str, ...] = ()
    target_file: Mapping[str, str] = MappingProxyType({})
    refresh: str = "auto"
    excludes: tuple[str, ...] = ()


class OutputOptions(CommandOptions):
    """Formats and files of a result."""

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
