"""``help``: every command, complete and with an example; every kind; every page of the documentation."""

from __future__ import annotations

import re
from collections.abc import Iterator

import click
import pytest
from rich.cells import cell_len

from reconciler.cli.main import COMMANDS, cli
from reconciler.commands.help import topics
from reconciler.errors import ReconcilerError
from reconciler.kinds import KINDS
from reconciler.model.policy import Allow, Prune
from reconciler.output.meanings import ALLOWS, CODES, PRUNES
from tests.cli.support import ended
from tests.support.project import Project


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
    if command:
        assert project.run("help", *command).out.strip() == result.out.strip()


@pytest.mark.parametrize("name", [section.page for section in topics()])
def test_every_page(project: Project, name: str) -> None:
    """The page as Markdown, without comments and addresses of links; commands of the same name come first."""
    result = project.run("help", name)
    ended(result, 0)
    assert result.out.startswith("Usage: " if name in COMMANDS else "# ")
    assert "<!--" not in result.out and "](" not in result.out


@pytest.mark.parametrize(
    ("words", "heading", "text"),
    [
        (["csv"], "## csv", "delimiter"),
        (["approvals"], "## Approvals", "--allow CLASS[=N]"),
        (["pruning"], "## Pruning", "owned"),
        (["secrets"], "# Secrets and people", "{env: NAME}"),
        (["exit-codes"], "# Exit codes", "130"),
        (["EXIT_CODES"], "# Exit codes", "130"),
        (["reconciler.yaml"], "## reconciler.yaml", "environments"),
        (["stale", "plan"], '## "stale plan"', "differences"),
    ],
    ids=lambda each: " ".join(each) if isinstance(each, list) else "",
)
def test_a_word_finds_its_page_or_section(project: Project, words: list[str], heading: str, text: str) -> None:
    """By the name of the page or the heading, in any case."""
    said = ended(project.run("help", *words), 0, text)
    assert said.startswith(heading + "\n")
    assert said.count(f"\n{heading.split()[0]} ") == 0 or heading.startswith("# ")


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind(project: Project, kind: str) -> None:
    """Under its own name and under that of its section in the files."""
    said = ended(project.run("help", kind), 0, f"{kind}/")
    assert said.startswith(f"## {kind}\n")
    if KINDS[kind].section:
        assert project.run("help", KINDS[kind].section).out == said


def test_on_a_terminal_it_is_laid_out(project: Project) -> None:
    """With styles, and without the signs of Markdown; NO_COLOR gives the text."""
    said = ended(project.run("help", "approvals", env={"FORCE_COLOR": "1", "COLUMNS": "100"}), 0, "\x1b[")
    assert "## Approvals" not in said and "| --- |" not in said
    assert max(map(cell_len, click.unstyle(said).splitlines())) <= 100
    assert "\x1b" not in project.run("help", "approvals", env={"FORCE_COLOR": "1", "NO_COLOR": "1"}).out


def test_help_alone(project: Project) -> None:
    """Lists commands, kinds and pages."""
    said = ended(project.run("help"), 0)
    for name in (*COMMANDS, *KINDS, *(section.page for section in topics())):
        assert f"`{name}`" in said


def test_what_is_not_there(project: Project) -> None:
    """A near one is proposed."""
    ended(project.run("help", "outpts"), 1, "did you mean", "outputs")
    ended(project.run("help", "ledger", "mvoe"), 1, "ledger mvoe")
    ended(project.run("aply"), 1, "Did you mean", "apply")


def test_the_meanings_are_complete() -> None:
    """Every class, word and code has a sentence."""
    assert set(ALLOWS) == set(Allow)
    assert set(PRUNES) == set(Prune)
    codes = {error.exit_code for error in [ReconcilerError, *ReconcilerError.__subclasses__()]}
    assert codes <= set(CODES)
