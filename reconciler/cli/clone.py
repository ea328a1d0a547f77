"""``clone``: copies one environment to another one, without its people."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import click

from reconciler.cli import completers
from reconciler.cli.context import CommandContext, learn_account, make_plan, open_session, stopping
from reconciler.cli.logs import log
from reconciler.cli.options import (
    FILE_PATH,
    PATH,
    RunOptions,
    examples,
    option,
    start_folder,
    with_options,
)
from reconciler.cli.plan import save
from reconciler.cli.program import program_of
from reconciler.cli.project_context import invocation_of, use_settings
from reconciler.cli.redaction import redaction_of
from reconciler.cli.results import RunEnding, sheet_for, shown_plan
from reconciler.cli.run import Run, begin_run, plan_and_run
from reconciler.cli.terminal import print_lines, print_text
from reconciler.commands.clone import (
    CloneOptions,
    check_options,
    check_targets,
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

BY_DEFAULT = " and ".join(section for section, kind in SECTIONS.items() if kind.name in HARMLESS)

REMARK = """
Each side uses the connection and the ledger of its environment in reconciler.yaml; --connection and --ledger override
those of --to. Cloned resources are recorded as created by reconciler: declare them in the files of that environment
before you apply them, or pruning deletes them.
"""


class CloneCommandOptions(RunOptions):
    """``clone``."""

    path: Path = PATH
    source: str = option(
        "--from",
        required=True,
        metavar="ENV",
        help="Source environment; it is not changed.",
        shell_complete=completers.environments,
    )
    goal: str = option(
        "--to", required=True, metavar="ENV", help="Target environment.", shell_complete=completers.environments
    )
    sections: tuple[str, ...] = option(
        "--kind",
        multiple=True,
        metavar="SECTION",
        shell_complete=completers.kinds,
        help=f"Section to clone: {BY_DEFAULT} by default, contacts …, or all; repeatable.",
    )
    allowed: tuple[str, ...] = option(
        "--allow-contact",
        multiple=True,
        metavar="ADDRESS|FILE",
        help="Do not anonymize this address, this glob ('*@example.com'), or those in a file; repeatable.",
    )
    domain: str | None = option("--domain", metavar="DOMAIN", help="Domain of the anonymized addresses.")
    skip_missing: bool = option(
        "--skip-missing", is_flag=True, help="Omit resources whose course, module or community the target lacks."
    )
    webhook_url: str | None = option(
        "--webhook-url", metavar="URL", help="Redirect all webhooks to this URL; without it they are omitted."
    )
    webhook_secret_env: str | None = option(
        "--webhook-secret-env", metavar="NAME", help="Variable with the secret of redirected webhooks."
    )
    applies: bool = option("--apply", is_flag=True, help="Apply the plan.")
    out: Path | None = option(
        "--out", type=FILE_PATH, metavar="FILE", help="Save the plan, for `-e ENV apply --plan FILE`."
    )


@click.command(
    epilog=examples(
        "reconciler clone --from production --to staging",
        "reconciler clone --from production --to staging --apply",
        "reconciler clone --from production --to staging --out clone.json",
        "reconciler clone --from production --to staging --kind all \\",
        "    --domain staging.example.com --allow-contact '*@example.org' \\",
        "    --webhook-url https://hooks.example.com/ --webhook-secret-env HOOK",
    )
    + REMARK
)
@with_options(CloneCommandOptions)
def clone(ctx: click.Context, options: CloneCommandOptions) -> int:
    """Copy the account of one environment in PATH's reconciler.yaml to another one; without --apply, plan only.

    Resources are matched by natural key. The source is not changed, and nothing in the target is deleted.
    Contacts are anonymized unless --allow-contact names them.
    """
    run = begin_run(ctx, options, "clone")
    _check_usage(ctx, options)
    invocation = invocation_of(ctx, options)
    sides = open_sides(invocation.cwd / options.path, invocation, options.source, options.goal)
    for settings in sides:
        use_settings(ctx, settings)
    choice = _clone_options(ctx, options)
    check_options(choice, sides[1])
    source, target = (open_session(ctx, settings) for settings in sides)
    source.api_key  # noqa: B018 - before anything is made
    refuse_one_place(source, target)
    found = _read(source, choice)
    if options.applies:
        with target.ledger_to_write() as store:
            _, request = _prepared(run, options, found, choice, source, target, store)
            return plan_and_run(run, target, store, request)
    with target.ledger_to_read() as known:
        made, request = _prepared(run, options, found, choice, source, target, known)
        return _plan(run, options, target, known, request, provisional=bool(made.replaced))


def _check_usage(ctx: click.Context, options: CloneCommandOptions) -> None:
    parent = ctx.find_root().get_parameter_source("environment")
    if parent is not None and parent.name == "COMMANDLINE":
        raise click.UsageError("clone uses --from and --to in place of -e")
    if options.source == options.goal:
        raise click.UsageError("--from and --to name the same environment")
    if program_of(ctx).events and not options.applies:
        raise click.UsageError("--json-events needs --apply")
    if (options.yes or options.confirm) and not options.applies:
        raise click.UsageError("--yes and --confirm need --apply")
    if options.out and (options.applies or redaction_of(ctx).redacts):
        other = "--apply applies it now" if options.applies else "a redacted plan is applied from files"
        raise click.UsageError(f"--out saves a plan for later; {other}")
    if bool(options.webhook_url) != bool(options.webhook_secret_env):
        raise click.UsageError("--webhook-url and --webhook-secret-env have to be used together")


def _clone_options(ctx: click.Context, options: CloneCommandOptions) -> CloneOptions:
    name, url = options.webhook_secret_env, options.webhook_url or ""
    if url and not _URL.fullmatch(url):
        raise click.UsageError(f"--webhook-url: {url!r} is not an http or https URL without user name and fragment")
    domain = (options.domain or "").lower()
    if domain and not _DOMAIN.fullmatch(domain):
        raise click.UsageError(f"--domain: {options.domain!r} is not a domain such as staging.example.com")
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
                f"--kind: {section!r} cannot be cloned; {hint}use one of {', '.join(known)}, or all"
            )
        chosen |= set(known.values()) if section == "all" else {named[section]}
    return frozenset(chosen or HARMLESS)


def _patterns(ctx: click.Context, allowed: Iterable[str]) -> Iterator[str]:
    """Addresses and globs (with an ``@``, or ``*`` alone); any other word is a file with one of them per line."""
    for each in allowed:
        if "@" in each or each == "*":
            yield each
        else:
            yield from read_targets(start_folder(ctx) / each, each)


def _read(source: CommandContext, choice: CloneOptions) -> MatchedState:
    with stopping(source.stop), source.reader() as reader, source.progress() as progress:
        found = read_source(source, reader, choice.kinds, progress)
    learn_account(source.redaction, found)
    return found


def _prepared(
    run: Run,
    options: CloneCommandOptions,
    found: MatchedState,
    choice: CloneOptions,
    source: CommandContext,
    target: CommandContext,
    store: Store | None,
) -> tuple[ClonedState, PlanRequest]:
    """The resources to clone and their plan request; prints which are omitted."""
    ledger = store if target.settings.ledger != "none" else None
    made = cloned(found, choice, source.settings, target.settings, ledger)
    made = check_targets(made, target, skip=options.skip_missing)
    log(f"Read {options.source} with {count(source.calls.reads, 'API call')}; it is not changed.")
    print_lines(target.redaction.lines(cloned_lines(made)), err=run.outputs.claimed)
    number = len(made.state.resources)
    same = f"No changes. {options.goal} has all {number:,} resources of {options.source} that are cloned."
    empty = f"Nothing to clone: {options.source} has no resources of these kinds. No changes were made."
    run.nothing = same if number else empty
    run.extra = {"clone": cloned_document(options.source, options.goal, made)}
    if not number and made.left:
        run.nothing = "Nothing to clone: every resource is omitted. No changes were made."
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
        outputs.write(sheet_for(planned, outputs, target.settings, target.heading(planned), ending=ending))
    if not outputs.claimed:
        _print_plan(run, target, planned)
    if fleeting:
        log(PROVISIONAL)
    return 0


def _save(
    path: Path, planned: Planned, request: PlanRequest, target: CommandContext, store: Store | None, *, fleeting: bool
) -> None:
    """Save the plan, unless the same clone would anonymize people differently the next time."""
    if fleeting:
        raise Refused(f"{PROVISIONAL} Nothing was saved")
    check_key(target, redacts=target.redaction.redacts, always=True)
    save(path, planned, request, target, store, None)


def _print_plan(run: Run, target: CommandContext, planned: Planned) -> None:
    if planned.plan.effective or planned.plan.blocked:
        print_lines(shown_plan(run.ctx, planned, target.settings, target.heading(planned)))
        log("No changes were made. To apply this plan, add --apply.")
    else:
        print_text(run.nothing)
