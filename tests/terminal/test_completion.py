"""Completion in real shells: commands, flags, addresses, environments, runs; never an error, never the network."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.project import Project
from tests.support.waiting import PATIENCE
from tests.terminal.screen import Screen

SHELLS = ("bash", "zsh", "fish")


@pytest.fixture
def shop(project: Project, tmp_path: Path) -> Project:
    """Files, a ledger with a run, two environments, an address with signs that shells treat in a way of their own."""
    project.write("environments: {staging: {}, production: {protect: true}}\n", "reconciler.yaml")
    project.write("tags: [VIP, 'Gold, old', CRM sync]\ncontacts: [{email: ann@example.com, tags: [VIP]}]\n")
    project.apply()
    project.write(
        "tags: [VIP, 'Gold, old', CRM sync, Later]\ncontacts: [{email: ann@example.com, tags: [VIP]}]\n"
        "webhooks: [{name: W, url: 'https://h.example.com', secret: {env: UNSET}, events: [SALE_NEW]}]\n"
    )
    project.account.clear()
    return project


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A folder with the command, by its name."""
    folder = tmp_path / "bin"
    folder.mkdir()
    command = folder / "reconciler"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m reconciler "$@"\n')
    command.chmod(0o755)
    return folder


def needs(shell: str) -> str:
    found = shutil.which(shell)
    if found is None:
        pytest.skip(f"{shell} is not installed")
    return found


def environment(shop: Project, programs: Path, home: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name.startswith(("PYTHONPATH", "COVERAGE_"))}
    path = f"{programs}:{os.environ['PATH']}"
    return {**kept, **shop.env, "PATH": path, "HOME": str(home), "LC_ALL": "C.UTF-8", "TERM": "xterm-256color"}


def in_bash(shop: Project, programs: Path, *lines: str) -> list[list[str]]:
    """What bash would offer at the end of each line."""
    script = "source <(reconciler completion bash)\n"
    for line in lines:
        script += (
            f"COMP_LINE={_shell(line)}; COMP_POINT=${{#COMP_LINE}}; COMPREPLY=(); _reconciler_completion reconciler\n"
        )
        script += 'printf "%s\\n" "${COMPREPLY[@]}"; echo ==\n'
    done = subprocess.run(
        [needs("bash"), "--norc", "-c", script],
        cwd=shop.folder,
        env=environment(shop, programs, shop.folder),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.stderr.replace("bash: compopt: not currently executing completion function\n", "") in ("",) or (
        "compopt" in done.stderr
    ), done.stderr
    return [part.split("\n")[:-1] if part.strip() else [] for part in done.stdout.split("==\n")[:-1]]


def _shell(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def test_bash(shop: Project, programs: Path) -> None:
    """What follows an @ or a = is what bash takes for the text; blanks are escaped, quotes are respected."""
    wanted = {
        "reconciler pl": ["plan"],
        "reconciler plan --target tag/": ["tag/CRM\\ sync", "tag/Gold,\\ old", "tag/Later", "tag/VIP"],
        "reconciler explain contact/ann@": ["@example.com"],
        "reconciler plan --target=tag/VI": ["tag/VIP"],
        "reconciler explain 'tag/CRM s": ["tag/CRM sync"],
        "reconciler ledger forget tag/VIP tag/C": ["tag/CRM\\ sync"],
    }
    assert dict(zip(wanted, in_bash(shop, programs, *wanted), strict=True)) == wanted
    assert shop.account.requests == []


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("apply --par", ["--parallel"]),
        ("apply --allow d", ["deletes"]),
        ("-e s", ["staging"]),
        ("undo ", ["1"]),
        ("plan --output ", ["text", "json", "markdown", "html", "junit", "sarif", "github", "gitlab"]),
        ("drift --output g", ["github"]),
        ("pull --kind cont", ["contact", "contact_field"]),
        ("clone --kind memb", ["memberships"]),
        ("help approva", ["approvals"]),
    ],
)
def test_values(shop: Project, line: str, offered: list[str]) -> None:
    """Flags, and values of each sort, without a request."""
    asked = {"_RECONCILER_COMPLETE": "bash_complete", "COMP_LINE": f"reconciler {line}", "COMP_WORDBREAKS": " @=:"}
    answer = shop.run(env=asked)
    assert (answer.code, answer.err) == (0, "")
    assert [word.partition(",")[2].rstrip() for word in answer.out.splitlines()] == offered
    assert shop.account.requests == []


def test_bash_on_broken_files(shop: Project, programs: Path) -> None:
    """What can be read is offered, and nobody who types hears of the rest."""
    shop.write("tags: [", "broken.yaml")
    shop.write("tags: [Sound]\n", "sound.yaml")
    assert in_bash(shop, programs, "reconciler explain tag/S", "reconciler explain tag/V") == [
        ["tag/Sound"],
        ["tag/VIP"],
    ]
    shop.write("environments: [", "reconciler.yaml")
    (shop.folder / ".reconciler/ledger.db").write_bytes(b"nonsense")
    assert in_bash(shop, programs, "reconciler explain tag/S", "reconciler -e s", "reconciler undo ") == [[], [], []]


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_at_the_prompt(shop: Project, programs: Path, tmp_path: Path, shell: str) -> None:
    """A person presses the tabulator, and the word is there."""
    program = needs(shell)
    setup = "autoload -U compinit; compinit -u\n" if shell == "zsh" else ""
    home = tmp_path / "home"
    home.mkdir()
    text = f"PS1='ready> '\n{setup}source <(reconciler completion {shell})\necho set\n"
    (home / (".zshrc" if shell == "zsh" else ".bashrc")).write_text(text)
    args = [program, "-i"] if shell == "zsh" else [program, "--rcfile", str(home / ".bashrc"), "-i"]
    with Screen(args, cwd=shop.folder, env=environment(shop, programs, home), columns=100, rows=30) as seen:
        seen.until("set", "ready>")
        seen.type("reconciler explain contact/ann@\t")
        seen.until("reconciler explain contact/ann@example.com")
        seen.type("\x15reconciler ledger show tag/C\t")
        seen.until("reconciler ledger show tag/CRM\\ sync")
        seen.type("\x15reconciler -e pro\t")
        seen.until("reconciler -e production")
        seen.type("\x15exit\n")
        seen.end()


def test_fish(shop: Project, programs: Path, tmp_path: Path) -> None:
    """The same through fish's own question."""
    program, home = needs("fish"), tmp_path / "home"
    home.mkdir()
    lines = ("reconciler pl", "reconciler explain contact/a", "reconciler ledger show tag/G", "reconciler -e s")
    script = "reconciler completion fish | source\n" + "".join(
        f"complete -C {_shell(each)}; echo ==\n" for each in lines
    )
    done = subprocess.run(
        [program, "--no-config", "-c", script],
        cwd=shop.folder,
        env=environment(shop, programs, home),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.stderr == ""
    commands, people, tags, environments = [part.split("\n")[:-1] for part in done.stdout.split("==\n")[:-1]]
    assert [line.partition("\t")[0] for line in commands] == ["plan"]
    assert people == ["contact/ann@example.com"]
    assert tags == ["tag/Gold, old"]
    assert environments == ["staging"]


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script(project: Project, shell: str) -> None:
    """Is printed for each shell, and names the command."""
    result = project.run("completion", shell)
    assert result.code == 0
    assert "_RECONCILER_COMPLETE" in result.out
    assert project.run("completion", "tcsh").code == 1


def test_nonsense_is_answered_with_nothing(project: Project) -> None:
    """A half-typed line may be anything; the answer is empty, and no error."""
    for line in (
        "reconciler nonsense --x",
        "reconciler plan --target 'a",
        "reconciler \\",
        "reconciler -C /nowhere plan ",
    ):
        env = {"_RECONCILER_COMPLETE": "bash_complete", "COMP_LINE": line, "COMP_WORDBREAKS": " @=:"}
        result = project.run(env=env)
        assert (result.code, result.err) == (0, ""), line
    assert project.run(env={"_RECONCILER_COMPLETE": "tcsh_complete"}).code == 1
