"""What the README shows is what happens."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from reconciler import errors
from reconciler.cli.main import COMMANDS
from reconciler.disk.settings import _SETTINGS
from reconciler.emulator import Emulator
from reconciler.emulator.seedfiles import read
from reconciler.kinds import KINDS
from tests.docs import readme
from tests.docs.conftest import ROOT, SECRETS
from tests.support.project import Project


def test_the_plan_is_what_the_tool_prints(copy: Path) -> None:
    """The plan in the README is that of the quickstart, to the letter; ``make readme`` copies it."""
    with Emulator(key="emulator-key") as server:
        seed = read(copy / "examples" / "accounts" / "quickstart.yaml")
        project = Project(copy / "examples" / "quickstart", server, server.account("default", seed))
        steps = {**SECRETS, "RECONCILER_CONNECTION": None, "RECONCILER_PACE": None}
        result = project.run("plan", env=steps)
    assert result.code == 0, result.err
    shown = readme.blocks("console")[0]
    printed = "$ reconciler plan\n" + result.out
    if os.environ.get("RECONCILER_UPDATE") == "readme":
        readme.replace_block(shown, printed)
    else:
        assert shown.text == printed


def test_make_blocks_name_targets(copy: Path, shell: dict[str, str]) -> None:
    """Every ``make`` command of the README is a target."""
    lines = [line.partition("#")[0].split() for block in readme.blocks("sh") for line in block.text.splitlines()]
    named = {words[1] for words in lines if words[:1] == ["make"]}
    named |= set(re.findall(r"`make (\w+)`", readme.text()))
    assert {"demo", "test"} <= named
    for target in named:
        done = subprocess.run(["make", "-n", target], cwd=copy, env=shell, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


def test_the_first_steps_work_on_the_emulator(copy: Path, shell: dict[str, str]) -> None:
    """The two blocks about the emulator, as two terminals."""
    first, second = (block.text for block in readme.blocks("sh")[1:3])
    port = str(_free_port())
    with _background(first.replace("emulator ", f"emulator --port {port} "), copy, shell):
        done = _bash(second.replace("8642", port), copy, shell)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.rstrip().splitlines()[-1].startswith("No changes.")


def test_the_first_steps_work_on_a_gateway(copy: Path, shell: dict[str, str]) -> None:
    """The block about the real gateway, against an emulator that knows its key and connection."""
    block = readme.blocks("sh")[3].text
    with Emulator(key="your-maton-key") as server:
        account = server.account("your-connection-id")
        done = _bash(block, copy, {**shell, "RECONCILER_GATEWAY_URL": server.url})
    assert done.returncode == 0, done.stdout + done.stderr
    assert [each["path"] for each in account.writes] == ["/api/tags"]


def test_no_block_is_left_out() -> None:
    """The README has four blocks of commands, and a test for each."""
    assert len(readme.blocks("sh")) == 4


def test_links_and_paths_exist() -> None:
    """Whatever the README points to is there."""
    named = [*readme.links(), *readme.paths()]
    assert len(named) > 15
    assert [each for each in named if not (ROOT / each).exists()] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_are_described(command: str, project: Project) -> None:
    """Every command is in the README, and its help has an example of itself."""
    assert f"`reconciler {command}" in readme.text()
    result = project.run(command, "--help")
    assert result.code == 0
    assert re.search(rf"Example:\n.*reconciler .*{command}", result.out, re.DOTALL)


@pytest.mark.parametrize("setting", _SETTINGS, ids=lambda setting: setting.name)
def test_settings_are_described(setting: object) -> None:
    """Every setting has a row with its variable, its key and its default."""
    name, path, default = setting.name, ".".join(setting.path), setting.default  # type: ignore[attr-defined]
    rows = [line for line in readme.text().splitlines() if f"`RECONCILER_{name.upper()}`" in line and line[0] == "|"]
    assert len(rows) == 1
    cells = [cell.strip().strip("`") for cell in rows[0].strip("|").split("|")]
    assert cells[3] in ((path,) if path else ("", "never"))
    if default is not None:
        assert cells[4] == (str(default).lower() if isinstance(default, bool) else f"{default:g}" if isinstance(
            default, int | float) else default)  # fmt: skip


def test_exit_codes_are_described() -> None:
    """Every code of the exception tree has a row, and so have done, changes found and applied in part."""
    codes = {each.exit_code for each in vars(errors).values() if hasattr(each, "exit_code")} | {0, 2, 4}
    rows = {int(code) for code in re.findall(r"^\| (\d+) \|", readme.text(), re.MULTILINE)}
    assert rows == codes


def test_pruning_is_described() -> None:
    """The table of what is deleted says the default of every kind."""
    found: dict[str, str] = {}
    for line in readme.text().partition("## What is deleted")[2].splitlines():
        if line.startswith("| `"):
            kinds, what = line.strip("|").split("|")
            word = re.search(r"\(`(\w+)`\)", what)
            found |= dict.fromkeys(re.findall(r"`(\w+)`", kinds), word.group(1) if word else "none")
    assert found == {kind.name: kind.prune.value for kind in KINDS.values()}


def test_dependencies_are_described() -> None:
    """Every dependency has its reason, and nothing else does."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["postgresql"]]
    table = readme.text().partition("## What it is made of")[2].partition("```")[0]
    cells = [re.sub(r"\(.*?\)", "", line.split("|")[1]) for line in table.splitlines() if line.startswith("| ")][2:]
    named = {name.strip().lower() for cell in cells for name in cell.split(",")}
    assert named == {re.split(r"[\[>=<]", each)[0].lower() for each in wanted}


def _bash(script: str, cwd: Path, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = ["bash", "-euo", "pipefail", "-c", script]
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=120, check=False)


@contextmanager
def _background(script: str, cwd: Path, env: dict[str, str]) -> Iterator[None]:
    """A command in another terminal, until it says that it listens and for as long as it is needed."""
    with subprocess.Popen(
        ["bash", "-c", f"exec {script}"], cwd=cwd, env=env, stdout=subprocess.PIPE, text=True
    ) as made:
        try:
            assert made.stdout and made.stdout.readline().startswith("listening on")
            yield
        finally:
            made.terminate()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
