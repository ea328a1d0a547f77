"""``pull``: the account as files where there are none, and its drift taken back into the files where there are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from reconciler.cli import completers
from reconciler.cli.options import account_options, place

EXAMPLE = """\b
Example:
  reconciler pull site/
  reconciler pull site/ --kind tag --kind contact --tag VIP --csv
  reconciler pull site/ --own
  reconciler pull site/ --accept 'contact/*'
  reconciler pull site/ --all --yes --json
"""

_DATES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z"]


def _moment(ctx: click.Context, param: click.Parameter, value: Any) -> str | None:
    """A moment as the account takes it; where no zone is named it is UTC."""
    if value is None:
        return None
    from datetime import UTC

    return str((value if value.tzinfo else value.replace(tzinfo=UTC)).isoformat(timespec="seconds"))


_FRESH = (
    click.option(
        "--kind",
        "kinds",
        multiple=True,
        metavar="KIND",
        help="Only this kind; repeatable.",
        shell_complete=completers.pulled,
    ),
    click.option("--tag", "tags", multiple=True, metavar="NAME", help="Only people with this tag; repeatable, all."),
    click.option("--course", "courses", multiple=True, metavar="NAME", help="Only people in this course."),
    click.option(
        "--registered-after",
        "after",
        type=click.DateTime(_DATES),
        callback=_moment,
        metavar="DATE",
        help="Only people that came after it.",
    ),
    click.option(
        "--registered-before",
        "before",
        type=click.DateTime(_DATES),
        callback=_moment,
        metavar="DATE",
        help="Only people that came before it.",
    ),
    click.option("--csv", "csv_sources", is_flag=True, help="People as CSV files."),
    click.option("--own", is_flag=True, help="Record everything as made by us; writes nothing to the account."),
)
_PATCH = (
    click.option(
        "--accept",
        "accepted",
        multiple=True,
        metavar="ADDRESS",
        help="Take this back (globs).",
        shell_complete=completers.recorded,
    ),
    click.option("--all", "everything", is_flag=True, help="Take back all that drifted."),
    click.option("--yes", is_flag=True, help="Do not ask."),
)
_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")


def _options(command: Any) -> Any:
    for option in reversed((*_FRESH, *_PATCH, _JSON)):
        command = option(command)
    return command


@click.command(epilog=EXAMPLE)
@click.argument("folder", type=click.Path(path_type=Path), default=".", metavar="[DIR]")
@_options
@account_options
@click.pass_context
def pull(ctx: click.Context, /, folder: Path, **given: Any) -> int:
    """Write what the account holds as YAML into DIR, where there is none yet.

    Where there is, the files are patched: without --accept or --all it is shown what the account changed; with
    them the new values are put in the place of the old ones, and every other byte stays. Never writes to the account.
    """
    from contextlib import nullcontext

    from reconciler.commands.project import read_settings
    from reconciler.commands.pull import holds_yaml, made

    where = place(ctx, given)
    path = where.cwd / folder
    with nullcontext() if path.is_file() else made(path):
        settings = read_settings(path, where)
        if holds_yaml(path, settings.root):
            _refuse(given, _FRESH, "there are files in this folder already; {} is for a folder without any")
            return _patch(ctx, path, where, given)
        _refuse(given, _PATCH, "there is no YAML in this folder that could be patched; {} has no meaning here")
        return _fresh(ctx, path, where, settings, given)


def _refuse(given: dict[str, Any], options: tuple[Any, ...], what: str) -> None:
    """Flags of the other half of this command."""
    names = [param for option in options for param in _params(option)]
    for param in names:
        if given.get(str(param.name)):
            raise click.UsageError(what.format(param.opts[0]))


def _refuse_redacted(ctx: click.Context, people: bool) -> None:
    """Files that declare people cannot be redacted: the next plan would take the pseudonyms for other people."""
    if people and ctx.obj["curtain"].redactor is not None:
        raise click.UsageError(
            "pull writes people into files as they are, which --redact forbids; "
            "leave --redact (RECONCILER_REDACT) out, or name kinds without people: --kind tag"
        )


def _params(option: Any) -> list[click.Parameter]:
    def nothing() -> None:
        """Carries an option, to be asked for its name."""

    option(nothing)
    found: list[click.Parameter] = nothing.__click_params__  # type: ignore[attr-defined]
    return found


def _fresh(ctx: click.Context, path: Path, where: Any, settings: Any, given: dict[str, Any]) -> int:
    from reconciler.cli.context import open_session, stopping
    from reconciler.commands.project import Project
    from reconciler.commands.pull import PullSelection, of_people, own, read_account, unknown_kinds, write
    from reconciler.errors import ConfigurationError
    from reconciler.kinds.dialect import Dialect
    from reconciler.model.resource import DesiredState

    if unknown := unknown_kinds(given["kinds"]):
        raise click.UsageError(_no_such_kind(unknown[0]))
    if given["own"] and settings.ledger == "none":
        raise ConfigurationError("without a ledger nothing can be recorded; --own needs one")
    _refuse_redacted(ctx, of_people(given["kinds"]))
    chosen = {name: given[name] for name in ("kinds", "tags", "courses", "after", "before", "csv_sources")}
    session = open_session(ctx, settings)
    with _ledger(session, given["own"]) as store:
        with session.reader() as reader, stopping(session.stop), session.progress() as progress:
            pulled = read_account(reader, PullSelection(**chosen), Dialect(settings.dialect), progress)
        written = write(pulled, path, settings.root)
        owned = None
        if store is not None and written:
            owned = own(pulled, Project(path, settings, DesiredState()), where, session, store)
    return _tell(pulled, written, owned, where, as_json=given["as_json"])


def _ledger(session: Any, wanted: bool) -> Any:
    from contextlib import nullcontext

    session.api_key  # noqa: B018 - before a ledger is made
    return session.ledger_to_write() if wanted else nullcontext()


def _no_such_kind(name: str) -> str:
    from reconciler.edit.export import pullable
    from reconciler.model.did_you_mean import near

    known = [kind.name for kind in pullable()]
    hint = near(name, known)
    return f"{name!r} cannot be pulled; " + (f"did you mean {hint}?" if hint else f"there are {', '.join(known)}")


def _tell(pulled: Any, written: list[Path], owned: int | None, where: Any, *, as_json: bool) -> int:
    from reconciler.cli.terminal import show, show_json
    from reconciler.config.files import shown_name
    from reconciler.output.pull import pulled_document, pulled_lines

    told = (pulled.made, [shown_name(path, where.cwd) for path in written], owned, pulled.reads)
    if as_json:
        show_json(pulled_document(*told))
    else:
        show(pulled_lines(*told))
    return 0


def _patch(ctx: click.Context, path: Path, where: Any, given: dict[str, Any]) -> int:
    """What drifted, as a difference of the files; written after a yes."""
    from reconciler.cli.context import open_session, requested, stopping
    from reconciler.cli.terminal import show, show_json
    from reconciler.commands.accept import Selection, find, prepare
    from reconciler.output.pull import patch_document, patch_lines

    taking = prepare(path, where)
    session = open_session(ctx, taking.workspace.settings)
    wanted = Selection(given["accepted"], given["everything"])
    with session.ledger_to_read() as store, session.reader() as reader, stopping(session.stop):
        request = requested(taking.workspace, session, given)
        with session.progress() as progress:
            patch = find(taking, request, reader, store, wanted, progress)
    show(patch_lines(patch, chosen=bool(given["accepted"] or given["everything"])), err=given["as_json"])
    if patch.texts:
        _write(patch, given)
    if given["as_json"]:
        show_json(patch_document(patch, patch.names if patch.texts else ()))
    return 0


def _write(patch: Any, given: dict[str, Any]) -> None:
    from reconciler.cli.open_ledger import ask
    from reconciler.commands.accept import put

    ask(f"Write this into {', '.join(patch.names)}?", yes=given["yes"], declined="nothing was written")
    put(patch)
    click.echo(f"Written: {', '.join(patch.names)}.", err=True)
