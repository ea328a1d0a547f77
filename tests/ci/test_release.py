"""The release: what it builds, that it is signed and listed, and that nobody else's moving code is part of it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

from tests.ci.jobs import ROOT, load

BIN = Path(sys.executable).parent
RELEASE = ROOT / ".github" / "workflows" / "release.yml"
JOBS = load(RELEASE)["jobs"]


def test_no_job_has_more_rights_than_it_needs() -> None:
    """Only the job that publishes has an identity for PyPI, and it builds nothing; nobody has a secret."""
    assert load(RELEASE)["permissions"] == {}
    writes = {
        name: {what for what, how in job["permissions"].items() if how == "write"} for name, job in JOBS.items()
    }
    assert writes == {
        "test": set(),
        "build": {"id-token", "attestations"},
        "image": {"packages", "id-token", "attestations"},
        "publish": {"id-token"},
        "release": {"contents"},
    }
    assert {name for name, job in JOBS.items() if "environment" in job} == {"image", "publish", "release"}
    assert "secrets." not in RELEASE.read_text(encoding="utf-8")
    assert not [step for step in JOBS["publish"]["steps"] if "make" in step.get("run", "")]


def test_everything_waits_for_the_tests() -> None:
    """Nothing is published that was not tested and built from the tag."""

    def before(name: str) -> set[str]:
        needs = JOBS[name].get("needs", [])
        direct = {needs} if isinstance(needs, str) else set(needs)
        return direct.union(*map(before, direct))

    assert before("release") == {"test", "build", "image", "publish"}


def test_what_the_notes_are_made_of(tmp_path: Path) -> None:
    """The part of the changelog below the version, and no other."""
    (script,) = (step["run"] for step in JOBS["release"]["steps"] if "awk" in step.get("run", ""))
    awk = script.splitlines()[0]
    (tmp_path / "CHANGELOG.md").write_text(
        "# Changelog\n\n## Unreleased\n\n- a\n\n## 0.1.0\n\n- b\n\n## 0.0.1\n\n- c\n"
    )
    subprocess.run(["bash", "-euc", awk], cwd=tmp_path, env={"GITHUB_REF_NAME": "v0.1.0"}, check=True)
    assert (tmp_path / "notes.md").read_text().strip() == "- b"


def test_the_bill_of_materials_names_every_package(tmp_path: Path) -> None:
    """By the command of the Makefile: each pin of the lock with its version and hashes."""
    (recipe,) = re.findall(r"^\t\$\(BIN\)/(cyclonedx-py .*) -o ", (ROOT / "Makefile").read_text(), re.MULTILINE)
    file = tmp_path / "sbom.json"
    program, *flags = recipe.split()
    subprocess.run(
        [BIN / program, *flags, "-o", file, "requirements.lock"], cwd=ROOT, check=True, stderr=subprocess.DEVNULL
    )
    made = json.loads(file.read_text())
    assert made["metadata"]["component"]["name"] == "reconciler"
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    pins = dict(re.findall(r"^([\w.-]+)==(\S+)", lock, re.MULTILINE))
    assert {each["name"]: each["version"] for each in made["components"]} == pins
    assert all(each["externalReferences"][0]["hashes"] for each in made["components"])
