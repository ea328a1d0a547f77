"""Writes docs/reference/settings.md: sources and defaults of the settings, and the keys of reconciler.yaml."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import click

from docs.generate import commands, schemas
from docs.generate.markdown import code, listed, table
from reconciler.cli.main import cli
from reconciler.commands.init import schema_of
from reconciler.config.settings import _SETTINGS, Setting, default_ledger
from reconciler.config.settings_schema import PRESETS

INTRO = """\
# Settings

Flags override environment variables, which override `environments.NAME` and then the top level of `reconciler.yaml`.
The file is optional. `reconciler validate --show` prints the effective settings and resources
with their sources.

Every option that a machine or a pipeline may set once has a variable. Options of a single call have none: its subject
(`--target`, `--from`), its files (`--out`, `--output`), the meaning of its exit code (`--fail-on`), and permissions
(`--allow`, `--yes`, `--confirm`, `--metrics-public`).

"""
#: Variables without a flag: name, meaning, default.
VARIABLES = (
    (
        "MATON_API_KEY",
        "The API key of the gateway. No flag and no file can set it, so that no history contains it.",
        "the account cannot be read",
    ),
    (
        "RECONCILER_LEDGER_KEY",
        "Key of secret digests, plan signatures and the pseudonyms of `--redact`; 16 characters or more.",
        "a key in the ledger",
    ),
    (
        "RECONCILER_FILES",
        "Further folders for secret files and CSV sources, separated as in `PATH`.",
        "the project folder only",
    ),
    (
        "RECONCILER_ENV_ALLOW",
        "Names or patterns, comma-separated, of further variables that `{env: NAME}` may read.",
        "`*WEBHOOK*`",
    ),
    (
        "RECONCILER_SECRET_COMMANDS",
        "Programs that `{command: […]}` may run, comma-separated; `op read` allows only commands that begin so.",
        "none",
    ),
    (
        "RECONCILER_PAGER",
        "Command that shows long output on a terminal; empty or `cat`: none. Without it, `PAGER` is used.",
        "`less`",
    ),
    (
        "RECONCILER_VAR_…",
        "Variables for `${env.RECONCILER_VAR_…}` in the files; other variables cannot be read that way.",
        "",
    ),
    (
        "CI",
        "`true` or `1`: the ledger is set by `--ledger` or `RECONCILER_LEDGER`; one in the checkout is refused.",
        "",
    ),
)
#: What neither a flag nor a key of the file describes.
DOCS = {
    "notify_url": "URL that receives notifications by POST; only its host is shown.",
    "notify_link": "A link in notifications, e.g. to the CI job.",
}
DEFAULTS = {"gateway_url": "the preset's", "control_url": "the gateway's", "connection": "the oldest active one"}
FILE = """
## reconciler.yaml

It stands in the project's folder. [schema/settings.schema.json](../../schema/settings.schema.json) is its schema for
editors; `reconciler init` writes one to start from. A key, a password or the gateway's address is refused here, so
that nobody who may edit the files can send the API key elsewhere.

"""
ENVIRONMENTS = """
Below `environments.NAME` all of these may stand again except `format`, `requires` and `environments`; there `null`
drops what the top has. These differ or are there only:

"""


def page() -> str:
    """The whole page."""
    rows = [*(_row(setting) for setting in _SETTINGS), *(_flag(option) for option in _flags())]
    presets = ([code(name), gateway, control] for name, (gateway, control) in PRESETS.items())
    document = schema_of("settings")
    inner = document["properties"]["environments"]["additionalProperties"]
    known = document["properties"]
    own = {name: each for name, each in inner["properties"].items() if name == "files" or name not in known}
    return "\n".join(
        [
            INTRO + table(["setting", "flag", "environment", "reconciler.yaml", "default"], rows),
            "## Variables without a flag\n",
            table(["variable", "meaning", "default"], ([code(name), *rest] for name, *rest in VARIABLES)),
            "## Presets of the gateway\n",
            table(["preset", "gateway", "connections API"], presets),
            FILE + _keys(document),
            ENVIRONMENTS + _keys({"properties": own}),
        ]
    )


def _keys(schema: Mapping[str, Any]) -> str:
    rows = (row for row in schemas.rows(schema) if not row.path.startswith("environments."))
    return table(["key", "type", "meaning"], ([code(row.path), row.holds, row.doc] for row in rows))


def _row(setting: Setting) -> list[str]:
    option = _options().get(setting.name)
    said = _described(setting) or (_said(option) if option else DOCS.get(setting.name, ""))
    words = [*option.opts, *option.secondary_opts] if option else []
    variable, key = f"RECONCILER_{setting.name.upper()}", ".".join(setting.path)
    return [said, listed(words), code(variable), code(key), _default(setting)]


def _flag(option: click.Option) -> list[str]:
    default = option.default if option.show_default and option.default is not None else "none"
    return [_said(option), listed(option.opts), code(option.envvar), "", _shown(default)]


def _said(option: click.Option) -> str:
    return re.sub(r"\s*\[RECONCILER_\w+\]", "", option.help or "")


def _flags() -> list[click.Option]:
    """Options with a variable of their own that no setting is."""
    names = {setting.name for setting in _SETTINGS}
    return [each for each in _options().values() if each.envvar and each.name not in names]


def _default(setting: Setting) -> str:
    if setting.name in DEFAULTS:
        return DEFAULTS[setting.name]
    if setting.name == "ledger":
        return f"{code(default_ledger(None))}, with `-e NAME` {code(default_ledger('NAME'))}"
    return "never" if setting.default is None else _shown(setting.default)


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, int | float) else str(value)


@cache
def _options() -> dict[str, click.Option]:
    """Every option by its setting's name, the first command that has it deciding."""
    found: dict[str, click.Option] = {}
    for params in (cli.params, *(command.params for _, command in commands.walk())):
        for each in params:
            if isinstance(each, click.Option):
                found.setdefault(str(each.name), each)
    return found


def _described(setting: Setting) -> str:
    """The description that the file's schema has at the setting's path."""
    node: Any = schema_of("settings")
    for key in setting.path:
        node = node["properties"][key]
    return str(node.get("description", "")) if setting.path else ""


def variables() -> Iterator[str]:
    """Every environment variable that the page names."""
    yield from (f"RECONCILER_{setting.name.upper()}" for setting in _SETTINGS)
    yield from (str(option.envvar) for option in _flags())
    yield from (name for name, *_ in VARIABLES)
