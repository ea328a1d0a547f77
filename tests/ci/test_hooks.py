"""The hooks, carried out as pre-commit does: by their entry, their arguments and the files that they ask for."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.ci.jobs import ROOT

HOOKS = {hook["id"]: hook for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())}
BIN = Path(sys.executable).parent

EXAMPLE = ROOT / "examples" / "pre-commit" / ".pre-commit-config.yaml"

GOOD = "tags:\n  - VIP\n"
BAD = {
    "reconciler-validate": ("site.yaml", "tagz: [VIP]\n", "site.yaml:1:1"),
    "reconciler-fmt": ("site.yaml", "tags:   [ VIP,Gold ]\n", "site.yaml"),
}


def hooked(name: str, folder: Path) -> tuple[int, str]:
    """Exit code and words of one hook over all files of a folder; passes where it has no files to look at."""
    hook = HOOKS[name]
    assert hook["language"] == "python"
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    chosen = [each for each in names if re.search(hook.get("files", ""), each)]
    chosen = [each for each in chosen if not re.search(hook.get("exclude", "^$"), each)]
    if hook.get("types") == ["yaml"]:
        chosen = [each for each in chosen if each.endswith((".yaml", ".yml"))]
    if not chosen:
        return 0, ""
    passed = chosen if hook.get("pass_filenames", True) else []
    env = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        [*shlex.split(hook["entry"]), *passed], cwd=folder, env=env, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("name", HOOKS)
def test_a_hook_passes_what_is_good_and_stops_what_is_bad(name: str, tmp_path: Path) -> None:
    """Exit 0, then exit 1 with the place; files of other tools are none of ours."""
    (tmp_path / "site.yaml").write_text(GOOD)
    (tmp_path / ".other.yaml").write_text("repos:   []\n")
    (tmp_path / "script.py").write_text("print( 1 )\n")
    code, said = hooked(name, tmp_path)
    assert code == 0, said
    file, text, place = BAD[name]
    (tmp_path / file).write_text(text)
    code, said = hooked(name, tmp_path)
    assert code == 1, said
    assert place in said


def test_each_hook_says_what_it_is_for() -> None:
    """And its entry is a command of ours."""
    assert set(HOOKS) == set(BAD)
    assert all(hook["description"] and hook["entry"].startswith("reconciler ") for hook in HOOKS.values())


LITERAL = {
    "site.yaml": "webhooks:\n  - name: CRM\n    secret: hunter2-and-more\n",
    "comment.yaml": f"tags: [VIP]\n# token: ghp_{'0123456789abcdef' * 3:.36}\n",
    "people.csv": "email,password\nann@example.com,https://ann:hunter2-and-more@crm.example.com/\n",
}


def scanned(folder: Path) -> tuple[int, str]:
    """Exit code and output of the scanner in the example of the guide, over the files that its hook selects."""
    (hook,) = (hook for repo in repos() for hook in repo["hooks"] if hook["id"] == "detect-secrets")
    names = sorted(path.name for path in folder.iterdir() if re.search(hook["files"], path.name))
    command = [BIN / "detect-secrets-hook", *hook.get("args", []), *names]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def repos() -> list[dict[str, Any]]:
    """The repositories of hooks in the example of the guide."""
    return yaml.safe_load(EXAMPLE.read_text())["repos"]


def test_the_example_is_one_that_pre_commit_takes() -> None:
    """By pre-commit's own check; the hooks of this repository that it names exist."""
    done = subprocess.run([BIN / "pre-commit", "validate-config", EXAMPLE], capture_output=True, check=False)
    assert done.returncode == 0, done.stdout
    assert {hook["id"] for hook in repos()[0]["hooks"]} == set(HOOKS)


@pytest.mark.parametrize("name", LITERAL)
def test_the_scanner_of_the_example_finds_literal_secrets(name: str, tmp_path: Path) -> None:
    """A secret by its reference passes; a literal one is reported with file and line."""
    clean = {"clean.yaml": "webhooks:\n  - name: CRM\n    secret: {env: CRM_WEBHOOK_SECRET}\n", "tags.csv": "email\n"}
    for file, content in clean.items():
        (tmp_path / file).write_text(content)
    code, said = scanned(tmp_path)
    assert code == 0, said
    (tmp_path / name).write_text(LITERAL[name])
    code, said = scanned(tmp_path)
    assert code == 1, said
    assert f"{name}:{LITERAL[name].count(chr(10))}" in said
    assert "hunter2" not in said


if os.environ.get("RECONCILER_PROVE") == "1":

    def test_pre_commit_runs_them(tmp_path: Path) -> None:
        """pre-commit itself, which installs this repository into an environment of its own: in make prove."""
        env = {**os.environ, "PRE_COMMIT_HOME": str(tmp_path / "cache"), "GIT_CONFIG_GLOBAL": os.devnull}
        folder = tmp_path / "repository"
        folder.mkdir()
        (folder / "site.yaml").write_text("tagz:   [ VIP,Gold ]\n")
        for command in (["git", "init", "-q", "."], ["git", "add", "."]):
            subprocess.run(command, cwd=folder, env=env, check=True)
        done = subprocess.run(
            [BIN / "pre-commit", "try-repo", ROOT, "--all-files"],
            cwd=folder,
            env=env,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 1, done.stderr
        assert done.stdout.count("Failed") == len(HOOKS), done.stdout
        assert [place for _, _, place in BAD.values() if place not in done.stdout] == []
