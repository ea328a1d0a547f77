"""``validate --show``: what is set, and where it came from."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import fields
from typing import get_type_hints

import click
import pytest
import yaml

from reconciler.cli.main import COMMANDS, cli
from reconciler.cli.options import AccountOptions
from reconciler.cli.program import Program
from reconciler.cli.project_context import invocation_of
from reconciler.config.settings import NAMES, Settings
from reconciler.model.policy import Limits
from tests.support.project import Project

SETTINGS = """\
prune: {tag: owned}
vars: {site: example.com}
environments:
  staging: {connection: abc, limits: {deletes: 5}, defaults: {contacts: {locale: fr}}, protect: true}
"""


def rows(project: Project, *args: str, **env: str) -> dict[str, tuple[object, str]]:
    """Value and source by name."""
    found = project.run(*args, "validate", "--show", "--json", env=env)
    assert found.code == 0, found.err
    return {each["name"]: (each["value"], each["source"]) for each in found.document["settings"]}


def test_every_setting_has_a_source(project: Project) -> None:
    """A flag, a variable, a position, or default."""
    project.write("tags: [VIP]")
    project.write(SETTINGS, "reconciler.yaml")
    found = rows(project, "-e", "staging", "--rate-limit", "3", RECONCILER_CONNECTION="abc")
    assert found["environment"] == ("staging", "-e")
    assert found["rate_limit"] == (3.0, "--rate-limit")
    assert found["connection"] == ("abc", "RECONCILER_CONNECTION")
    assert found["deletes"] == (5, "reconciler.yaml:4:39")
    assert found["prune.tag"] == ("owned", "reconciler.yaml:1:9")
    assert found["vars.site"] == ("example.com", "reconciler.yaml:2:8")
    assert found["defaults.contacts.locale"] == ("fr", "reconciler.yaml:4:74")
    assert found["protect"] == (True, "reconciler.yaml:4:88")
    assert found["updates"] == (30, "default")


def test_what_is_secret_stays_so(project: Project) -> None:
    """Keys and the password of a ledger, in both forms."""
    project.write("tags: [VIP]")
    env = {
        "MATON_API_KEY": "hunter-api",
        "RECONCILER_LEDGER_KEY": "hunter-digest-key",
        "RECONCILER_LEDGER": "postgresql://me:hunter-word@localhost/x?sslpassword=hunter-ssl",
    }
    found = rows(project, **env)
    assert found["api_key"] == ("set, not shown", "MATON_API_KEY")
    assert found["ledger"] == ("postgresql://me:***@localhost/x?sslpassword=***", "RECONCILER_LEDGER")
    shown = project.run("validate", "--show", env=env)
    assert "hunter" not in shown.out + shown.err + str(found)
    assert shown.out.splitlines()[0].split() == ["api_key", "set,", "not", "shown", "MATON_API_KEY"]
    assert shown.out.endswith("Valid: 1 tag.\n")


def test_without_the_flag_nothing_more_is_said(project: Project) -> None:
    """The settings are for who asks."""
    project.write("tags: [VIP]")
    assert project.run("validate").out == "Valid: 1 tag.\n"
    assert "settings" not in project.run("validate", "--json").document


@pytest.mark.parametrize("name", [limit.name for limit in fields(Limits)])
def test_a_limit_reaches_every_consumer(project: Project, name: str) -> None:
    """The file sets it, a variable overrides it, and a saved plan does not carry it along."""
    project.write("tags: [VIP]")
    project.write(f"limits: {{{name}: 7}}\n", "reconciler.yaml")
    assert rows(project)[name] == (7, f"reconciler.yaml:1:{len('limits: {') + 1}")
    variable = f"RECONCILER_{name.upper()}"
    assert rows(project, **{variable: "8"})[name] == (8, variable)
    assert project.run("plan", "--out", "plan.json", env={variable: "8"}).code == 0
    saved = json.loads((project.folder / "plan.json").read_text(encoding="utf-8"))
    assert f'"{name}": 8' not in json.dumps(saved)


def test_every_setting_is_shown(project: Project) -> None:
    """All settings with a flag or variable, all limits, and every other field that a user can set."""
    project.write("tags: [VIP]")
    shown = rows(project)
    internal = {"root", "format", "ci", "sources", "limits", "notify", "prune", "vars", "vars_defined_in"}
    internal.add("defaults")
    expected = {*NAMES, *(each.name for each in fields(Settings) if each.name not in internal)}
    assert expected <= {*shown, "parallel"}


def test_a_flag_that_is_a_setting_is_not_dropped() -> None:
    """The invocation takes every option of a command that has the name of a setting."""
    named = set(get_type_hints(AccountOptions))
    assert named <= set(NAMES)
    values = dict.fromkeys(named, "x")
    program = Program()
    program.rate_limit, program.redact = "3", True
    context = click.Context(cli, obj=program)
    assert invocation_of(context, AccountOptions(**values)).flags == {**values, "rate_limit": "3", "redact": True}
    for command in commands():
        flags = {each.name for each in command.params if isinstance(each, click.Option) and each.name in NAMES}
        others = {"wait"} if command.name == "create" else set()  # for a connection; the setting is for the ledger
        assert flags - {"rate_limit", "redact"} - others <= named, command.name


def test_options_have_the_fields_of_their_commands() -> None:
    """Each command takes one object, and every parameter of the command is a field of it."""
    for command in commands():
        if command.callback is None or isinstance(command, click.Group):
            continue
        kind = get_type_hints(command.callback).get("options")
        shown = {each.name for each in command.params if each.expose_value}
        if kind is not None:
            wanted = set(get_type_hints(kind))
            required = {name for name in wanted if not hasattr(kind, name)}
            assert shown <= wanted, command.name
            assert required <= shown, command.name


def commands() -> Iterator[click.Command]:
    """All commands, subcommands included."""
    context = click.Context(cli)
    for name in COMMANDS:
        command = cli.get_command(context, name)
        assert command is not None
        yield command
        if isinstance(command, click.Group):
            yield from command.commands.values()


def test_effective_resources_are_shown(project: Project) -> None:
    """After variables, defaults, CSV rows and short forms, with their positions; secrets only as their source."""
    project.write("defaults: {contacts: {locale: fr}}\nvars: {term: Q3}\n", "reconciler.yaml")
    project.write("email,first\nann@example.com,Ann\n", "people.csv")
    project.write(
        "tags: [{name: '${var.term}', lifecycle: {prevent_destroy: true}}]\n"
        "contacts: [{csv: {file: people.csv, fields: {first_name: first}}, tags: [Q3], fields: {company: Acme}}]\n"
        "webhooks: [{name: H, url: 'https://h.example.com/', secret: {env: A_WEBHOOK}, events: [SALE_NEW]}]\n"
        "enrollments: [{course: {id: 5}, access: full_access, contacts: [ann@example.com]}]\n"
    )
    env = {"A_WEBHOOK": "s3cret"}
    shown = project.run("validate", "--show", env=env).out
    text = shown.partition("\n\n")[2].rpartition("Valid:")[0]
    assert yaml.safe_load(text) == {
        "contacts": [
            {"email": "ann@example.com", "first_name": "Ann", "locale": "fr", "fields": {"company": "Acme"}}
        ],
        "enrollments": [{"course": {"id": "5"}, "access": "full_access", "contact": "ann@example.com"}],
        "tags": [{"name": "Q3", "lifecycle": {"prevent_destroy": True}}],
        "taggings": [{"contact": "ann@example.com", "tag": "Q3"}],
        "webhooks": [
            {"name": "H", "url": "https://h.example.com/", "secret": {"env": "A_WEBHOOK"}, "events": ["SALE_NEW"]}
        ],
    }
    assert "  # people.csv:2:1\n  - email: ann@example.com\n" in text
    assert "s3cret" not in shown
    effective = project.run("validate", "--show", "--json", env=env).document["effective"]
    assert effective["tags"][0]["origin"] == "site.yaml:1:8"
    redacted = project.run("--redact", "validate", "--show", env=env).out
    assert not any(text in redacted for text in ("ann@example.com", "Ann", "Acme"))
