"""The locks: what the action, the jobs, the image and CI install, and nothing that is not pinned by hash."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
EXTRAS = PROJECT["project"]["optional-dependencies"]
TEXT, DEVELOPMENT = (
    (ROOT / name).read_text(encoding="utf-8") for name in ("requirements.lock", "requirements-dev.lock")
)
PINNED = re.compile(r"([a-z0-9-]+)==(\S+)(?: ; .*)? \\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)")


def wanted() -> list[Requirement]:
    """What the package, its extras for a pipeline, and its build need."""
    texts = [*PROJECT["project"]["dependencies"], *EXTRAS["postgresql"], *EXTRAS["metrics"]]
    return [Requirement(text) for text in [*texts, *PROJECT["build-system"]["requires"]]]


@pytest.mark.parametrize("text", [TEXT, DEVELOPMENT], ids=["use", "development"])
def test_every_line_is_a_pin_with_hashes(text: str) -> None:
    """No address of an index, no file, no option."""
    assert PINNED.sub("", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE)).strip() == ""


def test_it_holds_all_that_is_needed() -> None:
    """In versions that pyproject.toml admits; the one for development has every extra."""
    pins = {name: Version(version) for name, version, _ in PINNED.findall(TEXT)}
    for each in wanted():
        assert pins[normal(each.name)] in each.specifier, each
    pins = {name: Version(version) for name, version, _ in PINNED.findall(DEVELOPMENT)}
    for each in [Requirement(text) for texts in EXTRAS.values() for text in texts]:
        assert pins[normal(each.name)] in each.specifier, each


def normal(name: str) -> str:
    """The name as an index writes it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def test_both_agree() -> None:
    """What is tested is what is installed."""
    use, development = (dict(re.findall(r"^([\w.-]+)==(\S+)", text, re.MULTILINE)) for text in (TEXT, DEVELOPMENT))
    assert {name: development[name] for name in use} == use


def test_ci_and_the_image_install_from_the_locks() -> None:
    """By their hashes."""
    assert "LOCKED=1" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "--require-hashes -r requirements-dev.lock" in (ROOT / "Makefile").read_text(encoding="utf-8")
    image = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    installs = [line for line in image.splitlines() if "pip install" in line]
    assert len(installs) == 3
    for line in installs:
        assert "--require-hashes" in line or "--no-deps" in line or "--constraint requirements-dev.lock" in line


def test_the_emulator_is_left_out() -> None:
    """A pipeline talks to the real gateway."""
    pins = {name for name, _, _ in PINNED.findall(TEXT)}
    assert pins.isdisjoint(Requirement(text).name for text in EXTRAS["emulator"])


@pytest.mark.parametrize("name", ["action.yml", "integrations/gitlab/reconciler.gitlab-ci.yml"])
def test_nothing_else_is_installed(name: str) -> None:
    """Each install takes the lock with its hashes, or the tool itself without dependencies and build isolation."""
    text = re.sub(r"\\\n\s*", "", (ROOT / name).read_text(encoding="utf-8"))
    lines = [line for line in text.splitlines() if "pip install" in line or '"${install[@]}"' in line]
    lines = [line for line in lines if not line.strip().startswith("install=")]
    assert len(lines) == 2
    assert "--require-hashes -r" in lines[0]
    assert "requirements.lock" in lines[0]
    assert "--no-deps --no-build-isolation" in lines[1]
