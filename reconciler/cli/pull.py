"""``pull``: writes the account as new files, or accepts its drift into existing ones."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path

import click

from reconciler.cli import completers
from reconciler.cli.context import CommandContext, learn_account, open_session, requested, stopping
from reconciler.cli.logs import log
from reconciler.cli.options import ANY_PATH, JSON, YES, AccountOptions, argument, examples, option, with_options
from reconciler.cli.project_context import invocation_of, read_settings
from reconciler.cli.prompt import require_yes
from reconciler.cli.redaction import redaction_of
from reconciler.cli.terminal import print_json, print_lines
from reconciler.commands.accept import PreparedPatch, Selection, find, prepare, put
from reconciler.commands.project import Invocation, Project
from reconciler.commands.pull import (
    Pulled,
    PullSelection,
    holds_yaml,
    made,
    of_people,
    own,
    read_account,
    unknown_kinds,
    write,
)
from reconciler.config.files import shown_name
from reconciler.config.settings import Settings
from reconciler.edit.export import pullable
from reconciler.errors import ConfigurationError
from reconciler.kinds import KINDS
from reconciler.kinds.dialect import Dialect
from reconciler.ledger.store import Store
from reconciler.model.did_you_mean import near
from reconciler.model.resource import DesiredState
from reconciler.output.pull import patch_document, patch_lines, pulled_document, pulled_lines

#: Options that write new files, and options that change existing ones.
_FRESH_FLAGS = {
    "kinds": "--kind",
    "tags": "--tag",
    "courses": "--course",
    "after": "--registered-after",
    "before": "--registered-before",
    "csv_sources": "--csv",
    "own": "--own",
}

_PATCH_FLAGS = {"accepted": "--accept", "everything": "--all", "yes": "--yes"}

_DATES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z"]


def _moment(ctx: click.Context, param: click.Parameter, value: datetime | None) -> str | None:
    """The time in the format of the API; UTC if it has no zone."""
    if value is None:
        return None
    return (value if value.tzinfo else value.replace(tzinfo=UTC)).isoformat(timespec="seconds")


class PullOptions(AccountOptions):
    """``pull``."""

    folder: Path = argument(type=ANY_PATH, default=".", metavar="[DIR]")
    kinds: tuple[str, ...] = option(
        "--kind",
        multiple=True,
        metavar="KIND",
        help="Only resources of this kind; repeatable.",
        shell_complete=completers.pulled,
    )
    tags: tuple[str, ...] = option(
        "--tag", multiple=True, metavar="NAME", help="Only contacts with this tag; repeat to require several."
    )
    courses: tuple[str, ...] = option(
        "--course",
        multiple=True,
        metavar="NAME",
        help="Only contacts enrolled in this course; repeat to require several.",
    )
    after: str | None = option(
        "--registered-after",
        type=click.DateTime(_DATES),
        callback=_moment,
        metavar="DATE",
        help="Only contacts registered after this date.",
    )
    before: str | None = option(
        "--registered-before",
        type=click.DateTime(_DATES),
        callback=_moment,
        metavar="DATE",
        help="Only contacts registered before this date.",
    )
    csv_sources: bool = option("--csv", is_flag=True, help="Write contacts as CSV files.")
    own: bool = option("--own", is_flag=True, help="Record all resources as created by reconciler, not adopted.")
    accepted: tuple[str, ...] = option(
        "--accept",
        multiple=True,
        metavar="ADDRESS",
        help="Accept drift of this address into the files; globs, repeatable.",
        shell_complete=completers.recorded,
    )
    everything: bool = option("--all", is_flag=True, help="Accept all drift into the files.")
    yes: bool = YES
    as_json: bool = JSON


@click.command(
    epilog=examples(
        "reconciler pull site/",
        "reconciler pull site/ --kind tag --kind contact --tag VIP --csv",
        "reconciler pull site/ --own",
        "reconciler pull site/ --accept 'contact/*'",
        "reconciler pull site/ --all --yes --json",
    )
)
@with_options(PullOptions)
def pull(ctx: click.Context, options: PullOptions) -> int:
    """Write the content of the account as YAML into DIR.

    If DIR has YAML files, show the drift; --accept and --all change these values in the files, and no other byte.
    Never writes to the account.
    """
    invocation = invocation_of(ctx, options)
    path = invocation.cwd / options.folder
    with nullcontext() if path.is_file() else made(path):
        settings = read_settings(ctx, path, invocation)
        if holds_yaml(path, settings.root):
            _refuse(options, _FRESH_FLAGS, "this folder already has YAML files; {} needs a folder without any")
            return _patch(ctx, path, invocation, settings, options)
        _refuse(options, _PATCH_FLAGS, "this folder has no YAML files that could be changed; omit {}")
        return _fresh(ctx, path, invocation, settings, options)


def _refuse(options: PullOptions, flags: Mapping[str, str], what: str) -> None:
    """Raise a usage error for the first of these flags that is given."""
    for name, flag in flags.items():
        if getattr(options, name):
            raise click.UsageError(what.format(flag))


def _refuse_redacted(ctx: click.Context, people: bool, instead: str) -> None:
    """Refuse to write people redacted: the next plan would treat the pseudonyms as other people."""
    if people and redaction_of(ctx).redacts:
        raise click.UsageError(
            "pull writes personal data into files, which --redact forbids; "
            f"omit --redact (RECONCILER_REDACT), or select kinds without people: {instead}"
        )


def _accepts_people(options: PullOptions) -> bool:
    """Whether accepted changes may concern people."""
    patterns = [pattern.partition("/")[0] for pattern in options.accepted]
    kinds = tuple(name for name in KINDS if any(fnmatchcase(name, pattern) for pattern in patterns))
    return options.everything or (bool(kinds) and of_people(kinds))


def _fresh(ctx: click.Context, path: Path, invocation: Invocation, settings: Settings, options: PullOptions) -> int:
    if unknown := unknown_kinds(options.kinds):
        raise click.UsageError(_no_such_kind(unknown[0]))
    if options.own and settings.ledger == "none":
        raise ConfigurationError("--own needs a ledger, which records the resources")
    _refuse_redacted(ctx, of_people(options.kinds), "--kind tag")
    chosen = PullSelection(
        options.kinds, options.tags, options.courses, options.after, options.before, options.csv_sources
    )
    session = open_session(ctx, settings)
    with _ledger(session, options.own) as store:
        with session.reader() as reader, stopping(session.stop), session.progress() as progress:
            pulled = read_account(reader, chosen, Dialect(settings.dialect), progress)
        written = write(pulled, path, settings.root, settings.connection)
        owned = None
        if store is not None and written:
            owned = own(pulled, Project(path, settings, DesiredState()), invocation, session, store)
    folder = "" if Path(options.folder) == Path() else f" {shlex.quote(str(options.folder))}"
    following = f"reconciler plan{folder}"
    return _print(pulled, written, owned, invocation, following, as_json=options.as_json)


def _ledger(session: CommandContext, wanted: bool) -> AbstractContextManager[Store | None]:
    session.api_key  # noqa: B018 - before a ledger is made
    return session.ledger_to_write() if wanted else nullcontext()


def _no_such_kind(name: str) -> str:
    known = [kind.name for kind in pullable()]
    hint = near(name, known)
    return f"{name!r} cannot be pulled; " + (f"did you mean {hint}?" if hint else f"use one of {', '.join(known)}")


def _print(
    pulled: Pulled, written: list[Path], owned: int | None, invocation: Invocation, following: str, *, as_json: bool
) -> int:
    names = [shown_name(path, invocation.cwd) for path in written]
    if as_json:
        print_json(pulled_document(pulled.made, names, owned, pulled.reads))
    else:
        print_lines(pulled_lines(pulled.made, names, owned, pulled.reads, following))
    return 0


def _patch(ctx: click.Context, path: Path, invocation: Invocation, settings: Settings, options: PullOptions) -> int:
    """Show the drift as a diff of the files, and write it after confirmation."""
    _refuse_redacted(ctx, _accepts_people(options), "--accept 'tag/*'")
    taking = prepare(path, settings, invocation)
    session = open_session(ctx, settings)
    session.redaction.learn_state(taking.workspace.state)
    wanted = Selection(options.accepted, options.everything)
    with session.ledger_to_read() as store, session.reader() as reader, stopping(session.stop):
        request = requested(taking.workspace, session)
        with session.progress() as progress:
            patch = find(taking, request, reader, store, wanted, progress)
    learn_account(session.redaction, patch.found)
    lines = patch_lines(patch.summary, chosen=bool(options.accepted or options.everything))
    print_lines(session.redaction.lines(lines), err=options.as_json)
    if patch.texts:
        _write(patch, options)
    if options.as_json:
        print_json(session.redaction.document(patch_document(patch.summary)))
    return 0


def _write(patch: PreparedPatch, options: PullOptions) -> None:
    names = ", ".join(patch.summary.names)
    require_yes(f"Write these changes to {names}?", yes=options.yes, declined="nothing was written")
    put(patch)
    log(f"Written: {names}.")
