"""Opens a project without a command line."""

from __future__ import annotations

from pathlib import Path

from reconciler.commands.project import Invocation, Project, read_settings, read_state, require_path


def opened(path: Path, place: Invocation) -> Project:
    """Settings and desired state of the files below ``path``, as the commands read them."""
    path = place.cwd / path
    require_path(path)
    settings = read_settings(path, place)
    return Project(path, settings, read_state(path, settings, place))
