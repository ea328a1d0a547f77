"""Help of every command, subcommands included, and the topics: complete, with examples, and 80 columns wide."""

from __future__ import annotations

import re
from collections.abc import Iterator

import click
import pytest

from reconciler.cli.main import COMMANDS, cli
from reconciler.commands.help import manual
from reconciler.config.settings import _SETTINGS
from reconciler.errors import ReconcilerError
from reconciler.kinds import SECTIONS
from reconciler.model.policy import Allow, Prune
from reconciler.output.formats import FORMATS
from reconciler.output.help_topics import CodeExample, Definitions, page, topics
from reconciler.output.meanings import ALLOWS, CODES, PRUNES
from tests.cli.support import ended
from tests.support.project import Project

NAMES = [topic.name for topic in topics()]


def tree(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every command, by the words that call it."""
    yield path
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            yield from tree(inner, (*path, name))


COMMANDLINES = list(tree(cli))


@pytest.mark.parametrize("command", COMMANDLINES, ids=" ".join)
def test_every_command(project: Project, command: tuple[str, ...]) -> None:
    """It says what it does, shows an example that begins with its own name, and fits 80 columns."""
    result = project.run(*command, "--help")
    ended(result, 0)
    assert result.out.startswith(" ".join(("Usage: reconciler", *command)))
    example = result.out.partition("Example:")[2]
    assert re.search(rf"reconciler.*{' '.join(command)}", example), result.out
    assert max(len(line) for line in result.out.splitlines()) <= 80
    options = [line for line in result.out.partition("Options:")[2].splitlines() if line.startswith("  -")]
    assert options
    assert (
        project.run("help", *command).out.strip() == result.out.strip() or command == () or set(command) & set(NAMES)
    )


@pytest.mark.parametrize("name", NAMES)
def test_every_topic(project: Project, name: str) -> None:
    """A page that begins with its name, of at most 80 columns, with no line of code that had to be cut."""
    result = project.run("help", name)
    ended(result, 0)
    assert result.out.startswith(f"{name.upper()}: ")
    assert max(len(line) for line in result.out.splitlines()) <= 80
    assert project.run("help", name.replace("-", "_").upper()).out == result.out


def test_a_narrow_page() -> None:
    """Pages wrap at any width; only code and words that are longer stay as they are."""
    for topic in manual():
        prose = topic._replace(blocks=tuple(each for each in topic.blocks if not isinstance(each, CodeExample)))
        for width in (40, 60):
            lines = [line for line in page(prose, width).splitlines()[1:] if len(line) > width]
            assert [line for line in lines if len(line.split()) > 1] == []


def test_help_alone(project: Project) -> None:
    """Lists topics and commands."""
    said = ended(project.run("help"), 0)
    for name in (*NAMES, *COMMANDS):
        assert f"  {name} " in said


def test_what_is_not_there(project: Project) -> None:
    """A near one is proposed."""
    ended(project.run("help", "outpts"), 1, "did you mean", "outputs")
    ended(project.run("help", "ledger", "mvoe"), 1, "ledger mvoe")
    ended(project.run("aply"), 1, "Did you mean", "apply")


def test_topics_tell_the_tables(project: Project) -> None:
    """Every kind, setting, class, word and code is there: a new one cannot be forgotten."""
    told = {topic.name: page(topic, 100) for topic in manual({"rate_limit"}, {"gateway_url": "The gateway."})}
    assert all(section in told["files"] for section in SECTIONS)
    assert all(f"RECONCILER_{setting.name.upper()}" in told["settings"] for setting in _SETTINGS)
    assert "--rate-limit" in told["settings"]
    assert "The gateway." in told["settings"]
    assert all(allow.value in told["approvals"] for allow in Allow)
    assert all(prune.value in told["pruning"] for prune in Prune)
    assert all(name in told["outputs"] for name in FORMATS)
    assert set(ALLOWS) == set(Allow)
    assert set(PRUNES) == set(Prune)
    codes = {error.exit_code for error in [ReconcilerError, *ReconcilerError.__subclasses__()]}
    assert codes <= set(CODES)
    assert all(isinstance(block, str | CodeExample | Definitions) for topic in topics() for block in topic.blocks)
