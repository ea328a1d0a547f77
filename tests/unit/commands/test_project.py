"""A path and the environment to a project."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from reconciler.commands.project import Invocation, find_root, require_resources
from reconciler.errors import ConfigurationError
from reconciler.model.policy import Prune
from reconciler.model.values import Address
from tests.support.workspace import opened


def place(cwd: Path, **more: Any) -> Invocation:
    return Invocation(cwd, {}, {}, **more)


def test_the_root_is_the_nearest_folder_with_settings(tmp_path: Path) -> None:
    """Not above the folder that the command started in."""
    (tmp_path / "reconciler.yaml").write_text("format: 1\n")
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (inner / "x.yaml").write_text("tags: []\n")
    assert find_root(inner, tmp_path) == tmp_path
    assert find_root(inner / "x.yaml", tmp_path) == tmp_path
    assert find_root(inner, tmp_path / "a") == inner
    (tmp_path / "a" / "reconciler.yml").write_text("format: 1\n")
    assert find_root(inner, tmp_path) == tmp_path / "a"
    assert find_root(inner, tmp_path / "elsewhere") == inner


def test_a_workspace_is_settings_and_state(tmp_path: Path) -> None:
    """Read from one folder, merged from all its files."""
    (tmp_path / "reconciler.yaml").write_text("format: 1\nprune: {tag: none}\nlimits: {deletes: 5}\n")
    (tmp_path / "a.yaml").write_text("tags: [A]\n")
    (tmp_path / "b.yml").write_text("tags: [B]\n")
    found = opened(Path(), place(tmp_path))
    assert set(found.state.resources) == {Address("tag", "A"), Address("tag", "B")}
    assert found.policy.prune["tag"] is Prune.NONE
    assert found.policy.limits.deletes == 5


def test_a_path_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    """Which names it."""
    with pytest.raises(ConfigurationError, match="nowhere does not exist"):
        opened(Path("nowhere"), place(tmp_path))


def test_an_empty_project_is_not_planned(tmp_path: Path) -> None:
    """It never means: delete everything. An empty section is something else."""
    (tmp_path / "a.yaml").write_text("")
    with pytest.raises(ConfigurationError, match="reconciler destroy"):
        require_resources(opened(tmp_path, place(tmp_path)))
    (tmp_path / "a.yaml").write_text("tags: []\n")
    require_resources(opened(tmp_path, place(tmp_path)))
