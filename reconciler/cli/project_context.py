"""Reads settings and project of a command line; opens neither account nor ledger."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import click

from reconciler.cli.logs import log
from reconciler.cli.options import AccountOptions, GatewayOptions, start_folder
from reconciler.cli.program import program_of
from reconciler.cli.redaction import redaction_of
from reconciler.commands import project
from reconciler.commands.project import Invocation, Project
from reconciler.config.settings import Settings, unknown_variables


def invocation_of(ctx: click.Context, options: AccountOptions | None = None) -> Invocation:
    """Folder and environment of the command, with the options that are settings."""
    program = program_of(ctx)
    names = (*AccountOptions.__annotations__, *GatewayOptions.__annotations__) if options else ()
    given = {name: getattr(options, name) for name in names}
    given |= {"rate_limit": program.rate_limit, "redact": program.redact}
    flags = {name: value for name, value in given.items() if value is not None}
    return Invocation(start_folder(ctx), dict(os.environ), flags, program.environment, _warn)


def _warn(problem: object) -> None:
    log(f"warning: {problem}", logging.WARNING, "configuration")


def read_settings(ctx: click.Context, path: Path, invocation: Invocation) -> Settings:
    """The settings for ``path``, which apply to redaction from then on."""
    return use_settings(ctx, project.read_settings(invocation.cwd / path, invocation))


def use_settings(ctx: click.Context, settings: Settings) -> Settings:
    """Apply the settings to redaction, warn once of unknown variables, and return the settings."""
    program, redaction = program_of(ctx), redaction_of(ctx)
    program.settings = settings
    if settings.digest_key:
        redaction.use_key(settings.digest_key.encode())
    redaction.add_secrets(settings.api_key, settings.digest_key, settings.notify.url)
    if settings.redact:
        redaction.switch_on()
    if not program.warned:  # watch reads its settings in each cycle
        program.warned = True
        for sentence in unknown_variables(os.environ):
            _warn(sentence)
    return settings


def settings_of(ctx: click.Context) -> Settings | None:
    """The settings of the project if they have been read, else None."""
    found = program_of(ctx).settings
    return found if isinstance(found, Settings) else None


def open_project(ctx: click.Context, path: Path, invocation: Invocation) -> Project:
    """Settings and files. Raises ConfigurationError with every problem of every file."""
    path = invocation.cwd / path
    project.require_path(path)
    settings = read_settings(ctx, path, invocation)
    state = project.read_state(path, settings, invocation)
    redaction_of(ctx).learn_state(state)
    return Project(path, settings, state)
