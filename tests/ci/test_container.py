"""The image and the demo in containers: what Docker would carry out, as far as that works without Docker."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from tests.ci.jobs import ROOT
from tests.support.postgres import Postgres
from tests.support.project import Project

BIN = Path(sys.executable).parent
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
KEPT = (ROOT / ".dockerignore").read_text(encoding="utf-8").split()


def stages() -> dict[str, list[str]]:
    """The instructions of each stage, on one line each."""
    found: dict[str, list[str]] = {}
    for line in re.sub(r"\\\n\s*", "", DOCKERFILE).splitlines():
        if line.startswith("FROM "):
            found[line.split()[-1]] = []
        if line and not line.startswith("#"):
            found[list(found)[-1]].append(line)
    return found


def test_hadolint_is_content(tmp_path: Path) -> None:
    """And would not be with an image of no version."""
    assert subprocess.run([BIN / "hadolint", ROOT / "Dockerfile"], check=False).returncode == 0
    worse = tmp_path / "Dockerfile"
    worse.write_text("FROM python\n")
    assert subprocess.run([BIN / "hadolint", worse], stdout=subprocess.DEVNULL, check=False).returncode == 1


def test_images_are_named_by_version_and_digest() -> None:
    """Those that are not stages of our own."""
    named = [line.split()[1] for lines in stages().values() for line in lines if line.startswith("FROM ")]
    others = [name for name in named if name not in stages()]
    others += [service["image"] for service in COMPOSE["services"].values() if "image" in service]
    assert len(others) == 2
    assert all(re.fullmatch(r"[\w/]+:\d+\.\d+[\w.-]*@sha256:[0-9a-f]{64}", name) for name in others)


def test_the_image_has_no_rights() -> None:
    """The last stage is the tool, as a user of its own, without the emulator."""
    assert list(stages())[-1] == "reconciler"
    assert "FROM runtime AS reconciler" in stages()["reconciler"]
    assert "USER 10001:10001" in stages()["runtime"]
    assert [line for line in stages()["reconciler"] if "demo" in line] == []
    assert 'ENTRYPOINT ["reconciler"]' in stages()["runtime"]


def test_what_is_copied_is_there() -> None:
    """And is not left out of what Docker sees."""
    for lines in stages().values():
        for line in lines:
            if line.startswith("COPY ") and "--from" not in line:
                for name in line.split()[1:-1]:
                    assert (ROOT / name).exists(), name
                    assert any(each in (f"!{name}", f"!{name}/**/*.md") for each in KEPT), name


def test_compose_is_valid() -> None:
    """By the schema of its makers; every target is a stage."""
    done = subprocess.run(
        [BIN / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", ROOT / "compose.yaml"], check=False
    )
    assert done.returncode == 0
    targets = [service["build"]["target"] for service in COMPOSE["services"].values() if "build" in service]
    assert set(targets) <= set(stages())


def test_the_demo_of_compose_converges(make_project: Callable[..., Project], postgres: Postgres) -> None:
    """The same files, seed and variables, an emulator and a PostgreSQL server in place of containers."""
    services = COMPOSE["services"]
    command = services["account"]["command"]
    seed = yaml.safe_load((ROOT / command[command.index("--seed") + 1].lstrip("/")).read_text(encoding="utf-8"))
    project = make_project(seed)
    (source,) = (volume.split(":")[0] for volume in services["reconciler"]["volumes"])
    shutil.copytree(ROOT / source, project.folder, dirs_exist_ok=True)
    given = services["reconciler"]["environment"]
    assert given["MATON_API_KEY"] == command[command.index("--key") + 1]
    assert given["RECONCILER_LEDGER"] == "postgresql://reconciler:demo@ledger/reconciler"
    own = {name: given[name] for name in ("RECONCILER_LEDGER_KEY", "CRM_WEBHOOK_SECRET")}
    project.env |= {**own, "RECONCILER_LEDGER": postgres.namespace()}
    asked = re.findall(r"docker compose run --rm reconciler ([\w -]+?) *(?:#.*)?$", DEMO, re.MULTILINE)
    ended = [project.run(*line.split()) for line in asked]
    assert [result.code for result in ended] == [0, 0, 0], ended
    assert "No changes" in ended[-1].out


DEMO = (ROOT / "compose.yaml").read_text(encoding="utf-8")

if os.environ.get("RECONCILER_PROVE") == "1":

    def test_the_steps_of_the_image_work(tmp_path: Path) -> None:
        """RUN and COPY of the two build stages, in a folder in place of /source: several minutes, in make prove."""
        source, target = tmp_path / "source", tmp_path / "opt"
        source.mkdir()
        for line in stages()["build"] + stages()["build-demo"]:
            words = line.split()
            if words[0] == "COPY":
                for name in words[1:-1]:
                    copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
                    copy(ROOT / name, source / name)
            elif words[0] == "RUN":
                script = line.removeprefix("RUN ").replace("/opt/reconciler", str(target))
                subprocess.run(["sh", "-euc", script], cwd=source, check=True)
        tool = target / "bin" / "reconciler"
        done = subprocess.run([tool, "help"], cwd=tmp_path, capture_output=True, text=True, check=True)
        assert "Usage" in done.stdout or "reconciler" in done.stdout
        assert subprocess.run([tool, "emulator", "--help"], cwd=tmp_path, check=False).returncode == 0
