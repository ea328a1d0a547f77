"""``clone``: what one environment has, planned and applied on another one, without its people."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from reconciler.cli import completers
from reconciler.cli.apply import plan_and_run, run_options
from reconciler.cli.options import account_options, path_argument, place, start_folder
from reconciler.cli.terminal import say, show

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

PROVISIONAL = (
    "The made-up addresses will be others: the key that makes them comes with the ledger, at the first --apply. "
    "Set RECONCILER_LEDGER_KEY to know them before."
)
_DOMAIN = re.compile(r"(?=.{1,200}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+")
_URL = re.compile(r"https?://[^\s/?#@]+[^\s#]*")

_CLONE = (
    click.option(
        "--from",
        "source",
        required=True,
        metavar="ENV",
        help="Environment that is read, and only read.",
        shell_complete=completers.environments,
    ),
    click.option(
        "--to",
        "goal",
        required=True,
        metavar="ENV",
        help="Environment that gets what the other one has.",
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
        help="Let this person through, or all that a glob like '*@example.com' or a file names.",
    ),
    click.option("--domain", metavar="DOMAIN", help="Where made-up addresses of all other people are."),
    click.option("--skip-missing", is_flag=True, help="Leave out what needs a course or such that --to has not."),
    click.option("--webhook-url", metavar="URL", help="Redirect all webhooks there; without it they are left out."),
    click.option("--webhook-secret-env", metavar="NAME", help="Variable with the secret of redirected webhooks."),
    click.option("--apply", "applies", is_flag=True, help="Make the changes that the plan shows."),
    click.option(
        "--out",
        type=click.Path(path_type=Path, dir_okay=False),
        metavar="FILE",
        help="Save the plan, for `-e ENV apply --plan FILE`.",
    ),
)


def _clone_options(command: Any) -> Any:
    for option in reversed(_CLONE):
        command = option(command)
    return command


@click.command(epilog=EXAMPLE)
@path_argument
@_clone_options
@run_options
@account_options
@click.pass_context
def clone(ctx: click.Context, /, path: Path, **given: Any) -> int:
    """Plan, and with --apply make, what one environment of PATH's reconciler.yaml has on another one.

    By natural key and without ids. The first is only read, nothing on the second is deleted. People of the first
    become made-up ones unless they are let through by name.
    """
    from reconciler.cli.context import open_session
    from reconciler.commands.clone import check_wish, open_sides, refuse_one_place

    _check_usage(ctx, given)
    where = place(ctx, given)
    sides = open_sides(where.cwd / path, where, given["source"], given["goal"])
    wish = _wish(ctx, given)
    check_wish(wish, sides[1])
    source, target = (open_session(ctx, settings) for settings in sides)
    source.api_key  # noqa: B018 - before anything is made
    refuse_one_place(source, target)
    found = _read(source, wish)
    given["allow"] = dict(given["allow"])
    with _ledger(target, given) as store:
        made, request = _prepared(found, wish, source, target, store, given)
        if given["applies"]:
            return plan_and_run(ctx, target, store, request, given)
        return _plan(ctx, target, store, request, given, provisional=bool(made.replaced))


def _check_usage(ctx: click.Context, given: Mapping[str, Any]) -> None:
    parent = ctx.find_root().get_parameter_source("environment")
    if parent is not None and parent.name == "COMMANDLINE":
        raise click.UsageError("clone takes its two environments from --from and --to, not from -e")
    if given["source"] == given["goal"]:
        raise click.UsageError("--from and --to name one environment; a clone needs two")
    if ctx.obj["curtain"].events and not given["applies"]:
        raise click.UsageError("--json-events belongs to --apply; without that nothing happens but a plan")
    if (given["yes"] or given["confirm"]) and not given["applies"]:
        raise click.UsageError("--yes and --confirm belong to --apply; without that nothing is written")
    if given["out"] and (given["applies"] or ctx.obj["curtain"].redactor):
        other = "--apply makes it now" if given["applies"] else "under --redact it would be applied from files"
        raise click.UsageError(f"--out saves a plan for later; {other}, and a clone has none")
    if bool(given["webhook_url"]) != bool(given["webhook_secret_env"]):
        raise click.UsageError("redirected webhooks are signed: give --webhook-url and --webhook-secret-env together")


def _wish(ctx: click.Context, given: Mapping[str, Any]) -> Any:
    from reconciler.commands.clone import CloneOptions, secret_named

    name, url = given["webhook_secret_env"], given["webhook_url"] or ""
    if url and not _URL.fullmatch(url):
        raise click.UsageError(f"--webhook-url: {url!r} is no address of http or https, or has a user or a # in it")
    domain = (given["domain"] or "").lower()
    if domain and not _DOMAIN.fullmatch(domain):
        raise click.UsageError(f"--domain: {given['domain']!r} is no domain; write it like staging.example.com")
    return CloneOptions(
        _kinds(given["sections"]),
        tuple(_patterns(ctx, given["allowed"])),
        domain,
        url,
        secret_named(name, os.environ) if name else None,
    )


def _kinds(sections: Iterable[str]) -> frozenset[str]:
    """Kinds by their sections, or by their own names."""
    from reconciler.kinds import SECTIONS
    from reconciler.model.did_you_mean import near
    from reconciler.planner.clone import HARMLESS

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
    from reconciler.config.files import read_targets

    for each in allowed:
        if "@" in each or each == "*":
            yield each
        else:
            yield from read_targets(start_folder(ctx) / each, each)


def _read(source: Any, wish: Any) -> Any:
    from reconciler.cli.context import stopping
    from reconciler.commands.clone import read_source

    with stopping(source.stop), source.reader() as reader, source.progress() as progress:
        found = read_source(source, reader, wish.kinds, progress)
    source.curtain.learn_found(found)
    return found


@contextmanager
def _ledger(target: Any, given: Mapping[str, Any]) -> Iterator[Any]:
    """The target's ledger: to write with --apply, else as it is."""
    with target.ledger_to_write() if given["applies"] else target.ledger_to_read() as store:
        yield store


def _prepared(found: Any, wish: Any, source: Any, target: Any, store: Any, given: dict[str, Any]) -> Any:
    """What is cloned, as a request; says what is not."""
    from reconciler.commands.clone import check_targets, cloned, request_of
    from reconciler.output.clone import cloned_document, cloned_lines
    from reconciler.output.wording import count

    ledger = store if target.settings.ledger != "none" else None
    made = cloned(found, wish, source.settings, target.settings, ledger)
    made = check_targets(made, target, skip=given["skip_missing"])
    say(f"Read {given['source']} with {count(source.calls.reads, 'call')}; nothing is written there.")
    show(cloned_lines(made), err=given["outputs"].claimed)
    number = len(made.state.resources)
    same = f"No changes. {given['goal']} holds all {number:,} that are cloned of {given['source']}."
    empty = f"Nothing to clone: {given['source']} has none of that. Nothing was changed."
    given |= {"command": "clone", "nothing": same if number else empty}
    given["more"] = {"clone": cloned_document(given["source"], given["goal"], made)}
    if not number and made.left:
        given["nothing"] = "Nothing is left to clone. Nothing was changed."
    return made, request_of(made, target, ledger, given["allow"])


def _plan(
    ctx: click.Context, target: Any, store: Any, request: Any, given: Mapping[str, Any], *, provisional: bool
) -> int:
    from dataclasses import replace

    from reconciler.cli.context import stopping
    from reconciler.cli.results import sheet_for
    from reconciler.commands.plan import make_plan

    target.curtain.learn_state(request.state)
    request = replace(request, on_found=target.curtain.learn_found)
    with stopping(target.stop), target.reader() as reader, target.progress() as progress:
        planned = make_plan(request, reader, store, progress=progress)
    fleeting = provisional and not (target.has_ledger() or target.settings.digest_key)
    if given["out"]:
        _save(start_folder(ctx) / given["out"], planned, request, target, store, fleeting=fleeting)
    outputs = given["outputs"]
    if outputs.wanted:
        heading, rate_limit = target.heading(planned), target.settings.rate_limit
        outputs.write(sheet_for(planned, outputs, heading, target.name, rate_limit=rate_limit, extra=given["more"]))
    if not outputs.claimed:
        _say_plan(ctx, target, planned, given)
    if fleeting:
        say(PROVISIONAL)
    return 0


def _save(path: Path, planned: Any, request: Any, target: Any, store: Any, *, fleeting: bool) -> None:
    """The plan for later, unless a second clone would make up other people."""
    from reconciler.cli.plan import require_key, save
    from reconciler.errors import Refused

    if fleeting:
        raise Refused(f"{PROVISIONAL} Nothing was saved")
    require_key(target, always=True)
    save(path, planned, request, target, store, None)


def _say_plan(ctx: click.Context, target: Any, planned: Any, given: Mapping[str, Any]) -> None:
    from reconciler.cli.plan import show_plan

    if planned.plan.pending or planned.plan.blocked:
        show_plan(ctx, planned, target)
        say("Nothing was written; --apply makes these changes.")
    else:
        click.echo(given["nothing"])
