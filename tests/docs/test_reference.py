"""docs/reference is what the code says: fresh, complete, and its words are those of the tool."""

from __future__ import annotations

import re
import shlex
import subprocess
import tomllib
from pathlib import Path

import click
import pytest

from docs.generate import FOLDER, PAGES, commands, meanings, pages, settings
from reconciler import errors
from reconciler.cli.main import COMMANDS, cli
from tests.docs import pages as markdown
from tests.docs.conftest import ROOT
from tests.support.project import Project

WALKED = dict(commands.walk())
OPTIONS = {
    word
    for command in (cli, *WALKED.values())
    for each in command.params
    for word in (*each.opts, *each.secondary_opts)
    if word.startswith("-")
} | {"-h", "--help"}
#: Programs whose flags stand in code marks too, and such flags without their program.
UNMANAGED = {"--doit", "docker", "gh", "git", "journalctl", "kubectl", "make", "npx", "pip", "systemctl"}
UNMANAGED |= {"dask", "py", "uv"}

each_page = pytest.mark.parametrize("page", markdown.PAGES, ids=lambda page: str(page.relative_to(ROOT)))


@pytest.mark.parametrize("name", PAGES)
def test_it_is_fresh(name: str) -> None:
    """``make docs`` would change nothing."""
    assert (FOLDER / name).read_text(encoding="utf-8") == pages()[name]


def test_nothing_else_is_there() -> None:
    """Every page of docs/reference is generated."""
    assert {path.name for path in FOLDER.iterdir()} == set(PAGES)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_an_example(command: str, project: Project) -> None:
    """The help of every command has an example of itself."""
    result = project.run(command, "--help")
    assert result.code == 0
    assert re.search(rf"Example:\n.*reconciler .*{command}", result.out, re.DOTALL)


@pytest.mark.parametrize("path", [path for path, command in WALKED.items() if commands.examples(command)])
def test_examples_are_commands(path: str) -> None:
    """Every example of a help parses: its command, options and choices exist."""
    for line in commands.examples(WALKED[path]):
        if line.startswith("export "):
            continue
        typed = re.search(r"^(?:\w+=\S+ )*(?:source <\()?(reconciler[^)>|&]*)", line)
        assert typed, line
        words = shlex.split(typed.group(1))
        assert words[:1] == ["reconciler"], line
        _parse(cli, words[1:])


def _parse(command: click.Command, words: list[str], parent: click.Context | None = None) -> None:
    """Let click read the words, without running anything; raises where it would refuse them."""
    context = command.make_context(command.name or "reconciler", list(words), parent=parent, resilient_parsing=True)
    parser = command.make_parser(context)
    values, rest, _ = parser.parse_args(list(words))
    for option in command.params:
        if (
            isinstance(option, click.Option)
            and isinstance(option.type, click.Choice)
            and values.get(option.name or "")
        ):
            option.type_cast_value(context, values[option.name or ""])
    if isinstance(command, click.Group):
        _, sub, arguments = command.resolve_command(context, rest)
        assert sub
        _parse(sub, arguments, context)


def test_exit_codes_are_described() -> None:
    """Every code of the exception tree has its meaning, and so have done, changes found and applied in part."""
    assert set(meanings.CODES) == {each.exit_code for each in vars(errors).values() if hasattr(each, "exit_code")} | {
        0,
        2,
        4,
    }


def test_variables_are_described() -> None:
    """Every variable that the tool reads stands on the page of settings."""
    known = set(settings.variables())
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "reconciler").rglob("*.py")]
    named = {name for text in sources for name in re.findall(r"\b(?:RECONCILER|MATON)_[A-Z_]+[A-Z]\b", text)}
    assert {name for name in named - known if not name.startswith("RECONCILER_VAR")} == set()


def test_every_setting_is_described() -> None:
    """No row of the settings is without words."""
    rows = [line for line in pages()["settings.md"].splitlines() if "`RECONCILER_" in line]
    assert [row for row in rows if row.startswith("|  |")] == []


@each_page
def test_words_are_those_of_the_tool(page: Path) -> None:
    """Commands, options and variables in code marks exist."""
    yaml = [path for top in ("integrations", "examples") for path in (ROOT / top).rglob("*.yml")]
    texts = [path.read_text(encoding="utf-8") for path in yaml]
    known = set(settings.variables()) | {name for text in texts for name in re.findall(r"\bRECONCILER_[A-Z_]+", text)}
    for mark in markdown.marked(page):
        words = mark.split()
        if words[0] == "reconciler" and len(words) > 1 and re.fullmatch(r"[a-z]+", words[1]):
            assert words[1] in COMMANDS, mark
        if words[0] not in UNMANAGED:
            flags = {each.partition("=")[0] for each in re.findall(r"(?<![\w-])--?[a-z][\w-]*(?:=\S*)?", mark)}
            assert {each for each in flags if each.startswith("--")} <= OPTIONS | UNMANAGED, mark
        for name in re.findall(r"\b(?:RECONCILER|MATON)_[A-Z_]+[A-Z]\b", mark):
            assert name in known or name.startswith("RECONCILER_VAR"), mark


def test_make_is_asked_for_its_targets(copy: Path, shell: dict[str, str]) -> None:
    """Every ``make`` in code marks is a target."""
    named = {mark.split()[1] for page in markdown.PAGES for mark in markdown.marked(page) if mark.startswith("make ")}
    assert {"docs", "schema"} <= named
    for target in {each for each in named if each.isalpha() and each.islower()}:
        done = subprocess.run(["make", "-n", target], cwd=copy, env=shell, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


def test_dependencies_are_described() -> None:
    """Every dependency has its reason, and nothing else does."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = [each for group in project["optional-dependencies"].values() for each in group]
    wanted = {re.split(r"[\[>=<;~! ]", each)[0].lower() for each in [*project["dependencies"], *extras]}
    page = markdown.text(ROOT / "docs" / "development.md")
    table = page.partition("## What it is made of")[2].partition("| --- |")[2].partition("\n## ")[0]
    cells = [re.sub(r"\(.*?\)", "", row.split("|")[1]) for row in table.splitlines() if re.match(r"\| [\w*]", row)]
    named = {name.strip().lower() for cell in cells for name in cell.split(",")} - {"*for tests*"}
    assert named == wanted
