"""Every option has an environment variable, which its help shows, or a reason to have none."""

from __future__ import annotations

import re
from collections.abc import Iterator

import click
import pytest

from docs.generate.commands import walk
from reconciler.cli.main import cli
from tests.cli.support import ended
from tests.support.project import Project

#: Reason → the options that have no variable for it.
WITHOUT = {
    "permits more than usual, which only the call itself may": "allow allow-apply allow-contact apply confirm "
    "insecure-scheduler metrics-public own public skip-missing yes",
    "what the call is about": "C accept all at course csv continue domain exclude from full kind limit of only plan "
    "plans project refresh registered-after registered-before show status tag target target-file to wave "
    "webhook-secret-env webhook-url",
    "where the result is written, and how": "calls diff format json json-events no-pager out output",
    "what the exit code means": "check detailed-exitcode fail-on",
    "how long the call takes": "healthy max-cycles once wait",
    "a process for trials, started by hand": "connection host key port seed store",
    "only prints": "version",
}
REASONS = {name: reason for reason, names in WITHOUT.items() for name in names.split()}


def options() -> Iterator[tuple[str, click.Option]]:
    """Every option that a help shows, with its command."""
    for path, command in [("", cli), *walk()]:
        for each in command.params:
            if isinstance(each, click.Option) and not each.hidden:
                yield path, each


def test_every_option_has_a_variable_or_a_reason() -> None:
    """A variable that click reads is the one in the help."""
    for path, option in options():
        shown = re.search(r"\[(RECONCILER_\w+)\]$", (option.help or "").rstrip("."))
        name = option.opts[-1].lstrip("-")
        if shown:
            assert option.envvar in (None, shown.group(1)), (path, name)
            assert not name.startswith(("allow", "yes", "confirm")), (path, name)
        else:
            assert option.envvar is None, (path, name)
            assert name in REASONS, f"{path} --{name}: give it a variable, or add a reason here"


def test_no_reason_is_left_over() -> None:
    """Each option of the list exists."""
    assert {option.opts[-1].lstrip("-") for _, option in options()} >= REASONS.keys()


@pytest.mark.parametrize(("name", "value"), [("INTERVAL", "soon"), ("JITTER", "2"), ("WITHIN", "late")])
def test_watch_reads_its_variables(project: Project, name: str, value: str) -> None:
    """An invalid value is refused like that of the option, which it is named after."""
    variable = f"RECONCILER_WATCH_{name}"
    ended(project.run("watch", "--once", env={variable: value}), 1, f"--{name.lower()}", value)
    assert "has no effect" not in project.run("validate", env={variable: "5m"}).err


def test_a_fleet_reads_its_variables(project: Project) -> None:
    """As on the command line."""
    env = {"RECONCILER_FLEET_WORKERS": "none"}
    ended(project.run("fleet", "plan", env=env), 1, "--workers", "none")


UNSET = "${env.RECONCILER_VAR_" + 40 * "X" + "}"
#: Expressions and their texts.
TEXTS = {
    "${var.a}": "Ann",
    "${var.a}${env.RECONCILER_VAR_A} $${var.a}": "Ann${var.a} ${var.a}",
    "${env.RECONCILER_VAR_NO:-b:-c}": "b:-c",
    "${env.RECONCILER_VAR_EMPTY:-d}": "d",
    "${env.RECONCILER_VAR_A:-e} 1": "${var.a} 1",
    "f${env.RECONCILER_VAR_EMPTY}": "f",
    "${env.RECONCILER_VAR_U}": "Ü",
}
#: Expressions and what is wrong with them.
MISTAKES = {
    "${var.b}": 'unknown variable "b"; variables: a',
    "${var.one}": "it is defined in environment live: choose one with -e",
    "${var.two}": "it is defined in environments live and test: choose one with -e",
    "${env.HOME}": "${env.HOME} cannot be read: names must begin with RECONCILER_VAR_; rename the variable",
    "${env.HOME:-x}": "${env.HOME} cannot be read",
    "${env.RECONCILER_VAR_NAM}": "RECONCILER_VAR_NAM is not set; did you mean `RECONCILER_VAR_NAME`?",
    UNSET: f"is not set; set it, or write {UNSET[:-1]}:-default}}",
    "${env.RECONCILER_VAR_BYTES}": "environment variable RECONCILER_VAR_BYTES is not UTF-8; set it to text",
    "${var.a": "unclosed `${`",
    "${x.a}": "unknown expression ${x.a}; use ${var.NAME} or ${env.NAME}",
}


def test_expressions(project: Project) -> None:
    """Each gives its text, which is not looked into, or its error."""
    env = {"A": "${var.a}", "EMPTY": "", "NAME": "n", "BYTES": "\udcff", "U": "Ü"}
    project.env |= {f"RECONCILER_VAR_{name}": value for name, value in env.items()}
    project.env[f"MY_{UNSET[6:-1]}"] = "not readable, and not suggested"
    environments = "environments: {live: {vars: {one: 1, two: 2}}, test: {vars: {two: 3}}}\n"
    project.write(f"vars: {{a: Ann}}\n{environments}", "reconciler.yaml")
    project.write("tags:\n" + "".join(f"  - '{text}'\n" for text in TEXTS))
    project.apply()
    assert set(project.account.state()["tags"]) == set(TEXTS.values())
    project.write("tags:\n" + "".join(f"  - '{text}'\n" for text in MISTAKES))
    lines = ended(project.run("plan"), 1).splitlines()
    for number, (text, words) in enumerate(MISTAKES.items(), 2):
        mine = [line for line in lines if line.startswith(f"error: site.yaml:{number}:")]
        assert [words in line for line in mine] == [True], (text, mine)
