"""``clone``: copies one environment to another one, without its people."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import click

from reconciler.cli import completers
from reconciler.cli.command_options import RunOptions
from reconciler.cli.context import CommandContext, learn_account, make_plan, open_session, stopping
from reconciler.cli.logs import log
from reconciler.cli.options import (
    F,
    account_options,
    add_options,
    path_argument,
    run_options,
    start_folder,
    with_options,
)
from reconciler.cli.plan import save
from reconciler.cli.program import program_of
from reconciler.cli.project_context import place, use_settings
from reconciler.cli.redaction import redaction_of
from reconciler.cli.results import RunEnding, sheet_for, show_plan
from reconciler.cli.run import Run, begin_run, plan_and_run
from reconciler.cli.terminal import print_lines, print_text
from reconciler.commands.clone import (
    CloneOptions,
    check_targets,
    check_wish,
    cloned,
    open_sides,
    read_source,
    refuse_one_place,
    request_of,
    secret_named,
)
from reconciler.commands.plan import Planned, PlanRequest
from reconciler.commands.saved_plan import check_key
from reconciler.config.files import read_targets
from reconciler.errors import Refused
from reconciler.kinds import SECTIONS
from reconciler.ledger.store import Store
from reconciler.model.did_you_mean import near
from reconciler.output.clone import cloned_document, cloned_lines
from reconciler.output.wording import count
from reconciler.planner.clone import HARMLESS, ClonedState
from reconciler.planner.matched_state import MatchedState

PROVISIONAL = (
    "The anonymized addresses are provisional: their key is created with the ledger, at the first --apply. "
    "Set RECONCILER_LEDGER_KEY to keep them."
)

_DOMAIN = re.compile(r"(?=.{1,200}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+")

_URL = re.compile(r"https?://[^\s/?#@]+[^\s#]*")

EXAMPLE = """\b
Example:
  reconciler clone --from production --to staging
  reconciler clone --from production --to staging --apply
  reconciler clone --from production --to staging --out clone.json
  reconciler clone --from production --to staging --kind all \\
      --domain staging.example.com --allow-contact '*@example.org' \\
      --webhook-url https://hooks.example.com/ --webhook-secret-env HOOK

Each side has the connection and the ledger that reconciler.yaml gives its environment; --connection and --ledger are
those of --to. What a clone makes is recorded there as made by us: declare it in files of that environment before you
apply files to it, or what no file names is removed, where pruning says so.
"""

_CLONE = (
    click.option(
        "--from",
        "source",
        required=True,
        metavar="ENV",
        help="Source environment; only read.",
        shell_complete=completers.environments,
    ),
    click.option(
        "--to",
        "goal",
        required=True,
        metavar="ENV",
        help="Target environment.",
        shell_complete=completers.environments,
    ),
    click.option(
        "--kind",
        "sections",
        multiple=True,
        metavar="SECTION",
        shell_complete=completers.kinds,
        help="What to clone: tags, contact_fields (these two by default), contacts …, or all.",
    ),
    click.option(
        "--allow-contact",
        "allowed",
        multiple=True,
        metavar="ADDRESS|FILE",
        help="Copy this contact as it is, or all in a file or a glob such as '*@example.com'.",
    ),
    click.option("--domain", metavar="DOMAIN", help="Domain of the anonymized addresses."),
    click.option("--skip-missing", is_flag=True, help="Omit resources whose course or the like the target lacks."),
    click.option("--webhook-url", metavar="URL", help="Send all webhooks to this URL; without it they are omitted."),
    click.option("--webhook-secret-env", metavar="NAME", help="Variable with the secret of redirected webhooks."),
    click.option("--apply", "applies", is_flag=True, help="Apply the plan."),
    click.option(
        "--out",
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="FILE",
        help="Save the plan, for `-e ENV apply --plan FILE`.",
    ),
)


def _clone_options(command: F) -> F:
    return add_options(_CLONE, command)


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


@click.command(epilog=EXAMPLE)
@path_argument
@_clone_options
@run_options
@account_options
@click.pass_context
@with_options(CloneCommandOptions)
def clone(ctx: click.Context, options: CloneCommandOptions) -> int:
    """Copy the account of one environment in PATH's reconciler.yaml to another one; without --apply only plan it.

    Resources are matched by natural key. The source is only read, and nothing in the target is deleted. Contacts are
    anonymized unless --allow-contact names them.
    """
    run = begin_run(ctx, options, "clone")
    _check_usage(ctx, options)
    where = place(ctx, options)
    sides = open_sides(where.cwd / options.path, where, options.source, options.goal)
    for settings in sides:
        use_settings(ctx, settings)
    wish = _wish(ctx, options)
    check_wish(wish, sides[1])
    source, target = (open_session(ctx, settings) for settings in sides)
    source.api_key  # noqa: B018 - before anything is made
    refuse_one_place(source, target)
    found = _read(source, wish)
    if options.applies:
        with target.ledger_to_write() as store:
            _, request = _prepared(run, options, found, wish, source, target, store)
            return plan_and_run(run, target, store, request)
    with target.ledger_to_read() as known:
        made, request = _prepared(run, options, found, wish, source, target, known)
        return _plan(run, options, target, known, request, provisional=bool(made.replaced))


def _check_usage(ctx: click.Context, options: CloneCommandOptions) -> None:
    parent = ctx.find_root().get_parameter_source("environment")
    if parent is not None and parent.name == "COMMANDLINE":
        raise click.UsageError("clone takes its two environments from --from and --to, not from -e")
    if options.source == options.goal:
        raise click.UsageError("--from and --to name one environment; a clone needs two")
    if program_of(ctx).events and not options.applies:
        raise click.UsageError("--json-events belongs to --apply; without that nothing happens but a plan")
    if (options.yes or options.confirm) and not options.applies:
        raise click.UsageError("--yes and --confirm belong to --apply; without that nothing is written")
    if options.out and (options.applies or redaction_of(ctx).on):
        other = "--apply makes it now" if options.applies else "under --redact it would be applied from files"
        raise click.UsageError(f"--out saves a plan for later; {other}, and a clone has none")
    if bool(options.webhook_url) != bool(options.webhook_secret_env):
        raise click.UsageError("redirected webhooks are signed: give --webhook-url and --webhook-secret-env together")


def _wish(ctx: click.Context, options: CloneCommandOptions) -> CloneOptions:
    name, url = options.webhook_secret_env, options.webhook_url or ""
    if url and not _URL.fullmatch(url):
        raise click.UsageError(f"--webhook-url: {url!r} is no address of http or https, or has a user or a # in it")
    domain = (options.domain or "").lower()
    if domain and not _DOMAIN.fullmatch(domain):
        raise click.UsageError(f"--domain: {options.domain!r} is no domain; write it like staging.example.com")
    return CloneOptions(
        _kinds(options.sections),
        tuple(_patterns(ctx, options.allowed)),
        domain,
        url,
        secret_named(name, os.environ) if name else None,
    )


def _kinds(sections: Iterable[str]) -> frozenset[str]:
    """Kinds by their sections, or by their own names."""
    known = {name: kind.name for name, kind in SECTIONS.items() if kind.writable}
    named = known | {kind: kind for kind in known.values()}
    chosen: set[str] = set()
    for section in sections:
        if section != "all" and section not in named:
            close = near(section, known, most=1)
            hint = f"did you mean {close}? " if close else ""
            raise click.UsageError(
                f"--kind: {section!r} cannot be cloned; {hint}there are {', '.join(known)}, and all"
            )
        chosen |= set(known.values()) if section == "all" else {named[section]}
    return frozenset(chosen or HARMLESS)


def _patterns(ctx: click.Context, allowed: Iterable[str]) -> Iterator[str]:
    """An address or a glob has an @ or is a lone star; anything else is a file of such, one a line."""
    for each in allowed:
        if "@" in each or each == "*":
            yield each
        else:
            yield from read_targets(start_folder(ctx) / each, each)


def _read(source: CommandContext, wish: CloneOptions) -> MatchedState:
    with stopping(source.stop), source.reader() as reader, source.progress() as progress:
        found = read_source(source, reader, wish.kinds, progress)
    learn_account(source.redaction, found)
    return found


def _prepared(
    run: Run,
    options: CloneCommandOptions,
    found: MatchedState,
    wish: CloneOptions,
    source: CommandContext,
    target: CommandContext,
    store: Store | None,
) -> tuple[ClonedState, PlanRequest]:
    """What is cloned, as a request; says what is not."""
    ledger = store if target.settings.ledger != "none" else None
    made = cloned(found, wish, source.settings, target.settings, ledger)
    made = check_targets(made, target, skip=options.skip_missing)
    log(f"Read {options.source} with {count(source.calls.reads, 'call')}; nothing is written there.")
    print_lines(target.redaction.lines(cloned_lines(made)), err=run.outputs.claimed)
    number = len(made.state.resources)
    same = f"No changes. {options.goal} holds all {number:,} that are cloned of {options.source}."
    empty = f"Nothing to clone: {options.source} has none of that. Nothing was changed."
    run.nothing = same if number else empty
    run.extra = {"clone": cloned_document(options.source, options.goal, made)}
    if not number and made.left:
        run.nothing = "Nothing is left to clone. Nothing was changed."
    return made, request_of(made, target, ledger, run.allow)


def _plan(
    run: Run,
    options: CloneCommandOptions,
    target: CommandContext,
    store: Store | None,
    request: PlanRequest,
    *,
    provisional: bool,
) -> int:
    target.redaction.learn_state(request.state)
    with stopping(target.stop), target.reader() as reader, target.progress() as progress:
        planned = make_plan(target, request, reader, store, progress)
    fleeting = provisional and not (target.has_ledger() or target.settings.digest_key)
    if options.out:
        _save(start_folder(run.ctx) / options.out, planned, request, target, store, fleeting=fleeting)
    outputs = run.outputs
    if outputs.wanted:
        ending = RunEnding(extra=run.extra, begun=False)
        heading, rate_limit = target.heading(planned), target.settings.rate_limit
        outputs.write(sheet_for(planned, outputs, heading, target.name, rate_limit=rate_limit, ending=ending))
    if not outputs.claimed:
        _print_plan(run, target, planned)
    if fleeting:
        log(PROVISIONAL)
    return 0


def _save(
    path: Path, planned: Planned, request: PlanRequest, target: CommandContext, store: Store | None, *, fleeting: bool
) -> None:
    """The plan for later, unless a second clone would make up other people."""
    if fleeting:
        raise Refused(f"{PROVISIONAL} Nothing was saved")
    check_key(target, redacts=target.redaction.on, always=True)
    save(path, planned, request, target, store, None)


def _print_plan(run: Run, target: CommandContext, planned: Planned) -> None:
    if planned.plan.pending or planned.plan.blocked:
        show_plan(run.ctx, planned, target.settings, target.heading(planned))
        log("Nothing was written; --apply makes these changes.")
    else:
        print_text(run.nothing)
