"""The unit of systemd and the job of Kubernetes are valid, closed, and run what they say."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from tests.cli.support import ended
from tests.fleet.dask_cluster import is_dask_command
from tests.support.postgres import Postgres
from tests.support.project import Project, Result
from tests.support.watching import Script, rounds_of

EXAMPLES = Path(__file__).parents[2] / "examples" / "service"
UNIT, JOB = EXAMPLES / "reconciler.service", EXAMPLES / "cronjob.yaml"
#: The oldest version that is still in wide use, and the newest that is known here.
VERSIONS = ("1.27", kubernetes_validate.latest_version())


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit as it would stand on a machine where the program is installed."""
    program = tmp_path / "reconciler"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    copy = tmp_path / UNIT.name
    copy.write_text(UNIT.read_text(encoding="utf-8").replace("/opt/reconciler/bin/reconciler ", f"{program} "))
    return copy


def analyze(*args: str | Path) -> Result:
    """What systemd itself says."""
    tool = shutil.which("systemd-analyze")
    if tool is None:
        pytest.skip("systemd-analyze is not installed")
    done = subprocess.run([tool, *args], capture_output=True, text=True, check=False, timeout=60)
    return Result(done.returncode, done.stdout, done.stderr)


def test_systemd_takes_the_unit(unit: Path) -> None:
    """Every section, key and value is one that systemd knows."""
    result = analyze("verify", "--man=no", unit)
    assert (result.code, result.err) == (0, "")


def test_systemd_finds_what_is_wrong(unit: Path) -> None:
    """A mistyped key is found: else the test above proves nothing."""
    unit.write_text(unit.read_text().replace("ProtectHome=yes", "ProtectHomme=yes"))
    assert "ProtectHomme" in analyze("verify", "--man=no", unit).err


def test_the_unit_is_closed(unit: Path) -> None:
    """By systemd's own measure of exposure, from 0 to 100, at most 20."""
    result = analyze("security", "--offline=yes", "--threshold=20", "--no-pager", unit)
    assert result.code == 0, result.out[-2000:]


def test_the_unit_runs(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its command line, with places of this machine, applies; and its environment names no secret."""
    text = UNIT.read_text(encoding="utf-8").replace("\\\n", " ")
    (line,) = re.findall(r"^ExecStart=(\S+) (.+)$", text, re.MULTILINE)
    project.write("tags: [VIP]\n", "site/site.yaml")
    moved = line[1].replace("/etc/reconciler/", "").replace("/run/reconciler/", "").replace(":9309", ":0")
    (url,) = re.findall(r"^Environment=RECONCILER_LEDGER=(\S+)$", text, re.MULTILINE)
    env = {"RECONCILER_LEDGER": url.replace("/var/lib/reconciler", str(project.folder))}
    result = project.run(*shlex.split(moved), "--once", env=env)
    ended(result, 0, "cycle 1: applied")
    assert (project.folder / "ledger.db").exists()
    assert (project.folder / "health.json").exists()
    assert "MATON_API_KEY=" not in "".join(each for each in text.splitlines() if not each.startswith("#"))


@pytest.mark.parametrize("version", VERSIONS)
def test_kubernetes_takes_the_job(version: str) -> None:
    """Strictly: no key that it does not know, by the schemas of the API servers."""
    kubernetes_validate.validate(_job(), version, strict=True)


@pytest.mark.parametrize("version", VERSIONS)
def test_kubernetes_takes_the_cluster(version: str) -> None:
    """Strictly, too; and its commands are those of Dask and reconciler."""
    documents = list(yaml.safe_load_all((EXAMPLES / "dask.yaml").read_text(encoding="utf-8")))
    for document in documents:
        kubernetes_validate.validate(document, version, strict=True)
    pods = [each["spec"]["template"]["spec"] for each in documents if "template" in each["spec"]]
    commands = [[*each.get("command", []), *each.get("args", [])] for pod in pods for each in pod["containers"]]
    assert [words[0] for words in commands] == ["dask", "dask", "reconciler"]
    assert [words for words in commands if words[0] == "dask" and not is_dask_command(words)] == []


def test_kubernetes_finds_what_is_wrong() -> None:
    """A mistyped key is found: else the test above proves nothing."""
    job = _job()
    job["spec"]["concurencyPolicy"] = job["spec"].pop("concurrencyPolicy")
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(job, VERSIONS[-1], strict=True)


def test_the_job_is_closed() -> None:
    """One at a time, not as root, nothing to write to, no token, bounds on all, secrets by reference."""
    spec = _job()["spec"]
    assert spec["concurrencyPolicy"] == "Forbid"
    inner = spec["jobTemplate"]["spec"]
    pod = inner["template"]["spec"]
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["automountServiceAccountToken"] is False
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert set(container["resources"]["limits"]) == {"cpu", "memory"}
    assert float(container["args"][-1]) * 60 < inner["activeDeadlineSeconds"] < 15 * 60
    secret = {each["name"] for each in container["env"] if "secretKeyRef" in each.get("valueFrom", {})}
    assert {"MATON_API_KEY", "RECONCILER_LEDGER", "RECONCILER_NOTIFY_URL"} == secret
    assert container["image"].startswith("registry.example.com/")


def test_the_job_runs(project: Project, postgres: Postgres, tmp_path: Path) -> None:
    """Its arguments, on a folder that looks like a mounted ConfigMap and takes no file, with a ledger elsewhere."""
    (container,) = _job()["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
    mount = tmp_path / "site"
    swap(mount, "tags: [VIP]\n", 1)
    args = [str(mount) if each == "/site" else each for each in container["args"]]
    env = {"RECONCILER_LEDGER": postgres.namespace(), "CI": "true"}
    before = sorted(mount.rglob("*"))
    ended(project.run(*args, env=env), 0)
    assert project.account.state()["tags"] == ["VIP"]
    assert sorted(mount.rglob("*")) == before


def test_a_mounted_configmap_that_changes(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Kubernetes swaps a link under the files; the next cycle of a watch sees the new ones."""
    mount = tmp_path / "site"
    swap(mount, "tags: [VIP]\n", 1)
    result = Script(monkeypatch).run(
        project,
        str(mount),
        "--apply",
        "--max-cycles",
        "2",
        "--ledger",
        "none",
        steps=[lambda: swap(mount, "tags: [VIP, Gold]\n", 2)],
    )
    assert rounds_of(result) == ["applied", "applied"]
    assert sorted(project.account.state()["tags"]) == ["Gold", "VIP"]


def swap(mount: Path, text: str, number: int) -> None:
    """What the kubelet does with a ConfigMap: a folder for each version, a link to it, a link for each file."""
    version = mount / f"..2026_11_{number:02}"
    version.mkdir(parents=True)
    (version / "site.yaml").write_text(text)
    fresh = mount / "..data_tmp"
    fresh.symlink_to(version.name)
    fresh.rename(mount / "..data")
    if not (mount / "site.yaml").is_symlink():
        (mount / "site.yaml").symlink_to("..data/site.yaml")


def _job() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(JOB.read_text(encoding="utf-8"))
    return found
