"""A job of a workflow file, carried out step by step as GitHub's runner would, on this machine.

Scripts are run as they stand in the files. Of the actions of others the stand-ins do what counts here: checkout
copies a folder, setup-python names this Python, upload-artifact hands files to the stand-in for GitHub, and
upload-sarif keeps what it is given.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.ci.expressions import Evaluator
from tests.ci.github import REPOSITORY, GitHub

ROOT = Path(__file__).resolve().parents[2]
WORKFLOW = ROOT / "examples" / "github" / "reconciler.yml"
TWO_ENVIRONMENTS = ROOT / "examples" / "github" / "two-environments.yml"
FILE = ".github/workflows/reconciler.yml"


class _Loader(yaml.SafeLoader):
    """YAML 1.2's booleans: ``on`` is a word."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, form) for tag, form in resolvers if tag != "tag:yaml.org,2002:bool"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$"), list("tf"))


def load(path: Path) -> Any:
    """A workflow or an action."""
    return yaml.load(path.read_text(encoding="utf-8"), _Loader)


@dataclass
class Ended:
    """How a job ended: all that it printed, its summary, and the outputs and outcomes of its steps."""

    log: str = ""
    summary: str = ""
    steps: dict[str, Any] = field(default_factory=dict)
    failed: bool = False
    inner: dict[str, Any] = field(default_factory=dict)
    uploaded: str = ""
    sarif: str = ""
    environment: str = ""

    @property
    def annotations(self) -> list[str]:
        """What the job page shows: workflow commands that nobody had stopped."""
        found, stopped = [], ""
        for line in self.log.splitlines():
            if stopped:
                stopped = "" if line.strip() == f"::{stopped}::" else stopped
            elif line.startswith("::stop-commands::"):
                stopped = line.removeprefix("::stop-commands::")
            elif re.match(r"::(?:notice|warning|error) ", line):
                found.append(line)
        return found

    @property
    def unmasked(self) -> str:
        """The log as nobody but the runner sees it, without the lines that tell the runner what to mask."""
        return "\n".join(line for line in self.log.splitlines() if not line.startswith("::add-mask::"))


@dataclass
class Job:
    """One job to be: which of the workflow, set off by which ``event``, on which checkout."""

    name: str
    event: str
    checkout: Path
    temp: Path
    github: GitHub
    payload: dict[str, Any] = field(default_factory=dict)
    sha: str = "a" * 40
    ref: str = "refs/heads/main"
    secrets: Mapping[str, str] = field(default_factory=dict)
    environments: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    matrix: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    inputs: Mapping[str, str] = field(default_factory=dict)
    given: Mapping[str, str] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    tool: Path | None = None
    run_id: int = 1
    head: str = REPOSITORY
    actor: str = "ann"

    def run(self, workflow: Path = WORKFLOW) -> Ended | None:
        """Carry it out; None where its ``if:`` says no. ``given`` is put over the inputs of our action.

        ``environments`` has the secrets of GitHub's environments, for jobs that name one.
        """
        job = load(workflow)["jobs"][self.name]
        contexts = self._contexts()
        if not Evaluator(contexts).condition(job.get("if", "")):
            return None
        assert set(self.matrix) == set(job.get("strategy", {}).get("matrix", {}))
        ended = Ended(environment=Evaluator(contexts).text(job.get("environment", "")))
        contexts["secrets"] = {**self.secrets, **self.environments.get(ended.environment, {})}
        self._prepare()
        for step in job["steps"]:
            self._step(step, {**contexts, "steps": ended.steps}, ended, self._environment())
        path = self.temp / "summary.md"
        ended.summary = path.read_text(encoding="utf-8") if path.exists() else ""
        return ended

    # what the runner gives

    def _contexts(self) -> dict[str, Any]:
        github = {
            "event_name": self.event,
            "event": self.payload,
            "ref": self.ref,
            "sha": self.sha,
            "token": "job-token",
            "repository": REPOSITORY,
            "actor": self.actor,
            "server_url": "https://github.com",
        }
        variables = {"RECONCILER_CONNECTION": self.env.get("RECONCILER_CONNECTION", ""), **self.variables}
        return {
            "github": github,
            "secrets": self.secrets,
            "vars": variables,
            "inputs": self.inputs,
            "matrix": self.matrix,
        }

    def _prepare(self) -> None:
        self.temp.mkdir(parents=True, exist_ok=True)
        if self.tool is not None:
            (self.temp / "reconciler-tool").symlink_to(self.tool)

    def _environment(self) -> dict[str, str]:
        kept = {
            name: os.environ[name]
            for name in ("PATH", "HOME", "LANG", "PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL", "PIP_CERT", "SSL_CERT_FILE")
            if name in os.environ
        }
        return kept | {
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_ACTION_PATH": str(ROOT),
            "GITHUB_EVENT_NAME": self.event,
            "GITHUB_REF": self.ref,
            "GITHUB_REF_NAME": self.ref.rpartition("/")[2],
            "GITHUB_REPOSITORY": REPOSITORY,
            "GITHUB_RUN_ID": str(self.run_id),
            "GITHUB_SERVER_URL": "http://github.localhost",
            "GITHUB_SHA": self.sha,
            "GITHUB_WORKFLOW_REF": f"{REPOSITORY}/{FILE}@{self.ref}",
            "GITHUB_WORKSPACE": str(self.temp / "workspace"),
            "GITHUB_STEP_SUMMARY": str(self.temp / "summary.md"),
            "RUNNER_TEMP": str(self.temp),
            "RUNNER_ENVIRONMENT": "github-hosted",
            **self.env,
        }

    # steps

    def _step(self, step: dict[str, Any], contexts: dict[str, Any], ended: Ended, env: dict[str, str]) -> None:
        judge = Evaluator(contexts, failed=ended.failed)
        known = ended.inner if "inputs" in contexts and contexts.get("composite") else ended.steps
        outcome: dict[str, Any] = {"outputs": {}, "outcome": "skipped"}
        if judge.condition(step.get("if", "")):
            assert "${{" not in step.get("run", ""), f"an expression in a script: {step['run']}"
            more = {name: judge.text(value) for name, value in step.get("env", {}).items()}
            outcome = self._carried_out(step, judge, {**env, **more}, ended, contexts)
            ended.failed |= outcome["outcome"] == "failure"
        if "id" in step:
            known[step["id"]] = outcome

    def _carried_out(
        self, step: dict[str, Any], judge: Evaluator, env: dict[str, str], ended: Ended, contexts: dict[str, Any]
    ) -> dict[str, Any]:
        if "run" in step:
            return self._script(step, env, ended)
        action, _, pin = step["uses"].partition("@")
        assert re.fullmatch(r"[0-9a-f]{40}", pin), f"not pinned: {step['uses']}"
        given = {name: judge.text(value) for name, value in step.get("with", {}).items()}
        outputs: dict[str, str] = {}
        if action == "actions/checkout":
            assert given.get("persist-credentials") == "false"
            shutil.copytree(self.checkout, self.temp / "workspace", symlinks=True)
        elif action == "actions/setup-python":
            outputs["python-path"] = sys.executable
        elif action == "actions/upload-artifact":
            self._upload(given, ended)
        elif action == "github/codeql-action/upload-sarif":
            ended.sarif = Path(given["sarif_file"]).read_text(encoding="utf-8")
        else:
            assert action == "example-org/reconciler"
            outputs = self._composite(given, contexts, ended, env)
        return {"outputs": outputs, "outcome": "failure" if ended.failed else "success"}

    def _composite(
        self, given: dict[str, str], contexts: dict[str, Any], ended: Ended, env: dict[str, str]
    ) -> dict[str, str]:
        action = load(ROOT / "action.yml")
        outside = Evaluator(contexts)
        asked = {**given, **self.given}
        assert not set(asked) - set(action["inputs"]), "an input that the action has not"
        inputs = {
            name: asked.get(name, outside.text(spec.get("default", ""))) for name, spec in action["inputs"].items()
        }
        inside = {
            "inputs": inputs,
            "steps": ended.inner,
            "github": contexts["github"],
            "composite": True,
        }
        for step in action["runs"]["steps"]:
            self._step(step, inside, ended, env)
        return {name: Evaluator(inside).text(spec["value"]) for name, spec in action["outputs"].items()}

    def _script(self, step: dict[str, Any], env: dict[str, str], ended: Ended) -> dict[str, Any]:
        script, output = self.temp / "script.sh", self.temp / "output"
        script.write_text(step["run"])
        output.write_text("")
        assert step["shell"] == "bash"
        if "GH_TOKEN" in env:
            env = {**env, **self.github.proxy}
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)],
            env={**env, "GITHUB_OUTPUT": str(output)},
            cwd=self.temp / "workspace",
            capture_output=True,
            text=True,
            check=False,
            timeout=1800,
        )
        ended.log += f"{done.stdout}{done.stderr}"
        return {"outputs": outputs_of(output), "outcome": "failure" if done.returncode else "success"}

    def _upload(self, given: dict[str, str], ended: Ended) -> None:
        run = {
            "id": self.run_id,
            "event": self.event,
            "path": FILE,
            "repository": {"full_name": REPOSITORY},
            "head_sha": self.payload.get("pull_request", {}).get("head", {}).get("sha", self.sha),
            "head_repository": {"full_name": self.head},
        }
        self.github.upload(given["name"], Path(given["path"]), run)
        ended.uploaded = given["name"]


def outputs_of(path: Path) -> dict[str, str]:
    """``NAME=VALUE`` lines."""
    return dict(line.split("=", 1) for line in path.read_text().splitlines())
