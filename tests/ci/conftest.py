"""A stand-in for GitHub, the tool as the action installs it, and a repository whose account is on the emulator."""

from __future__ import annotations

import itertools
import shutil
import sys
import sysconfig
import venv
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.ci.github import REPOSITORY, GitHub, running
from tests.ci.jobs import ROOT, WORKFLOW, Ended, Job
from tests.support.project import Project

KEY = "a-key-of-the-team-that-stays"
RUNS = itertools.count(1)


@pytest.fixture
def github() -> Iterator[GitHub]:
    """An empty repository on GitHub, which the real gh talks to."""
    if shutil.which("gh") is None:
        pytest.skip("gh, the GitHub CLI, is not installed (apt-get install gh)")
    yield from running()


@pytest.fixture(scope="session")
def tool(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the install step makes, out of what is installed already; the proof installs it as it stands."""
    folder = tmp_path_factory.mktemp("tool") / "reconciler-tool"
    venv.create(folder, with_pip=False, symlinks=True)
    packages = folder / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"
    (packages / "there.pth").write_text(f"{ROOT}\n{sysconfig.get_path('purelib')}\n")
    (folder / "bin" / "reconciler").write_text("#!/bin/sh\nexit 1\n")
    (folder / "bin" / "reconciler").chmod(0o755)
    return folder


class Repository:
    """A repository with YAML: its jobs run the example workflow, its ledger is a file that outlives them."""

    def __init__(self, project: Project, github: GitHub, tool: Path) -> None:
        self.project, self.github, self.tool = project, github, tool
        self.account = project.account
        self.checkout = project.folder
        self.ledger = project.folder.parent / f"{project.folder.name}-ledger.db"
        self.ledger.touch()
        (self.checkout / ".git").mkdir()
        self.secrets = {
            "MATON_API_KEY": project.env["MATON_API_KEY"],
            "RECONCILER_LEDGER": f"sqlite:///{self.ledger}",
            "RECONCILER_LEDGER_KEY": KEY,
        }
        self.env = {name: value for name, value in project.env.items() if name != "MATON_API_KEY"}
        self.given: dict[str, str] = {}
        self.workflow = WORKFLOW

    def job(self, name: str, event: str, **more: Any) -> Job:
        """One job of the workflow, with a runner of its own."""
        number = next(RUNS)
        temp = self.checkout.parent / f"{self.checkout.name}-runner-{number}"
        given = {**self.given, **more.pop("given", {})}
        options: dict[str, Any] = {
            "secrets": self.secrets,
            "env": self.env,
            "tool": self.tool,
            "run_id": number,
            **more,
        }
        return Job(name, event, self.checkout, temp, self.github, given=given, **options)

    def plan(self, sha: str = "b" * 40, number: int = 7, head: str = REPOSITORY, **more: Any) -> Ended:
        """The job of a pull request."""
        source = {"sha": sha, "repo": {"full_name": head}}
        payload = {"pull_request": {"number": number, "head": source, "base": {"ref": "main"}}}
        job = self.job("plan", "pull_request", payload=payload, ref=f"refs/pull/{number}/merge", head=head, **more)
        return ended(job, self.workflow)

    def merge(self, sha: str = "b" * 40, number: int = 7, commit: str = "c" * 40, **more: Any) -> Ended:
        """The pull request is merged, and the job of the push is run."""
        pull = {"number": number, "merged_at": "2026-01-01T00:00:00Z", "head": {"sha": sha}, "base": {"ref": "main"}}
        self.github.pulls[commit] = [pull]
        return ended(self.job("apply", "push", sha=commit, **more), self.workflow)

    def drift(self, **more: Any) -> Ended:
        """The job of the schedule."""
        return ended(self.job("drift", "schedule", **more), self.workflow)


def ended(job: Job, workflow: Path = WORKFLOW) -> Ended:
    """How it ended; a job that its own ``if:`` keeps away is a failure of the test."""
    found = job.run(workflow)
    assert found is not None
    assert "Traceback" not in found.log, found.log
    return found


@pytest.fixture
def make_repository(make_project: Callable[..., Project], github: GitHub, tool: Path) -> Callable[..., Repository]:
    """Makes repositories: ``make_repository({"tags": [...]})`` has an account seeded so."""

    def make(seed: Mapping[str, Any] | None = None) -> Repository:
        return Repository(make_project(dict(seed or {})), github, tool)

    return make


@pytest.fixture
def repository(make_repository: Callable[..., Repository]) -> Repository:
    """A repository with an empty account."""
    return make_repository()
