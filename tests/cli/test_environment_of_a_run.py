"""What a run takes from around it: options of the program, variables, environments, a ledger from before them."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.cli.support import ended
from tests.support.project import Project


@pytest.mark.parametrize(
    "args",
    [
        ("-e", "live", "validate", "--show", "--json"),
        ("validate", "-e", "live", "--show", "--json"),
        ("validate", "--show", "--json", "--environment", "live"),
        ("validate", "--show", "--json", "-elive"),
    ],
)
def test_options_of_the_program_stand_anywhere(project: Project, args: tuple[str, ...]) -> None:
    """Before the command and after it."""
    project.write("tags: [A]\n")
    project.write("environments: {live: {vars: {a: b}}}\n", "reconciler.yaml")
    settings = {each["name"]: each["value"] for each in project.run(*args).document["settings"]}
    assert (settings["environment"], settings["vars.a"]) == ("live", "b")


def test_all_of_them_do(project: Project) -> None:
    """Also below a group of commands; the last one counts, and -v adds up."""
    project.write("contacts: [{email: ann@example.com}]\n", "site/a.yaml")
    ended(project.run("plan", "-C", "site", "-q", "--rate-limit", "0", "--heartbeat", "5"), 0, "ann@example.com")
    assert "ann@example.com" not in ended(project.run("plan", "site", "--redact"), 0)
    assert "GET" in project.run("-v", "plan", "site", "-v").err
    said = project.run("ledger", "list", "--log-format", "json").err
    assert json.loads(said)["event"] == "error"
    assert "--environment" not in project.run("plan", "--help").out


def test_a_variable_that_nothing_reads_is_warned_of(project: Project) -> None:
    """Once, on standard error, with the nearest name; those for the files are nobody else's business."""
    project.write("tags: [A]\n")
    env = {"RECONCILER_CONECTION": "x", "RECONCILER_VAR_CONECTION": "x", "RECONCILER_ZZZ": "x"}
    result = project.run("plan", "--json", env=env)
    assert result.document["changes"]
    assert [line for line in result.err.splitlines() if line.startswith("warning")] == [
        "warning: environment variable RECONCILER_CONECTION has no effect; did you mean `RECONCILER_CONNECTION`?",
        "warning: environment variable RECONCILER_ZZZ has no effect",
    ]


@pytest.mark.parametrize("command", [("plan",), ("apply", "--yes"), ("drift",)])
def test_a_ledger_from_before_the_environments_is_kept(project: Project, command: tuple[str, ...]) -> None:
    """An empty one would make everything unmanaged; the message has the line that keeps it."""
    project.write("tags: [A]\n")
    project.apply()
    connection = project.account.connection
    project.write(f"environments: {{live: {{connection: {connection}}}}}\n", "reconciler.yaml")
    said = ended(project.run("-e", "live", *command), 3, "ledger.db records 1 resources of the same connection")
    assert "`ledger: sqlite:///.reconciler/ledger.db` to environments.live" in said
    assert not (project.folder / ".reconciler/live.db").exists()
    project.write(
        f"environments: {{live: {{connection: {connection}, ledger: 'sqlite:///.reconciler/ledger.db'}}}}\n",
        "reconciler.yaml",
    )
    ended(project.run("-e", "live", "plan"), 0, "No changes")


def test_a_ledger_of_another_account_is_no_obstacle(project: Project) -> None:
    """Then the environment is a new one."""
    project.write("tags: [A]\n")
    project.apply()
    other = project.server.account("elsewhere", {})
    project.env["RECONCILER_CONNECTION"] = other.connection
    project.write("environments: {live: {}}\n", "reconciler.yaml")
    ended(project.run("-e", "live", "plan"), 0)


def test_the_next_step_of_init_works(project: Project) -> None:
    """The line that is printed, run by a shell."""
    result = project.run("init", "my site")
    line = result.err.splitlines()[-1]
    assert line == "Next: export MATON_API_KEY=…; reconciler plan 'my site'"
    command = line.partition("; ")[2].replace("reconciler", f"{sys.executable} -m reconciler", 1)
    done = subprocess.run(["sh", "-c", command], cwd=project.folder, env=project.environment(), check=False)
    assert done.returncode == 0


def test_settings_below_the_project_are_no_resources(project: Project) -> None:
    """Another project may be there."""
    project.write("tags: [A]\n")
    project.write("format: 1\n", "other/reconciler.yaml")
    assert [each["address"] for each in project.plan()["changes"]] == ["tag/A"]
    ended(project.run("validate"), 0)
