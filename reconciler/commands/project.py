"""Reads a project: its root folder, settings and desired state."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reconciler import __version__
from reconciler.config import configuration, settings, yaml_loader
from reconciler.config.compile import compile_state
from reconciler.config.settings import Settings
from reconciler.errors import ConfigurationError, Problem
from reconciler.kinds import KINDS, SECTIONS, csv_source_forms
from reconciler.model.policy import Policy
from reconciler.model.resource import DesiredState


@dataclass(frozen=True)
class Invocation:
    """The context of a command: current folder, environment variables and flags.

    ``cwd``: the current folder; ``flags``: settings given as options, by name; ``environment``: the name given with
    ``-e``. ``on_warning`` is called with each warning about the files. With ``skip_commands`` the command needs no
    secret: one from a program that is not allowed to run is left empty.
    """

    cwd: Path
    environ: Mapping[str, str]
    flags: Mapping[str, Any]
    environment: str | None = None
    on_warning: Callable[[Problem], None] = lambda problem: None
    skip_commands: bool = False


@dataclass(frozen=True)
class Project:
    """A project; ``path`` is the file or folder given on the command line."""

    path: Path
    settings: Settings
    state: DesiredState

    @property
    def policy(self) -> Policy:
        """Pruning and limits of this run."""
        return Policy(self.settings.prune, self.settings.limits)


def find_root(path: Path, cwd: Path) -> Path:
    """The project folder: the nearest folder from ``path`` up to ``cwd`` that has a reconciler.yaml.

    Without one, the folder ``path`` itself, or the folder of the file ``path``.
    """
    folder = path if path.is_dir() else path.parent
    for candidate in (folder, *folder.parents):
        if (candidate / "reconciler.yaml").is_file() or (candidate / "reconciler.yml").is_file():
            return candidate
        if candidate == cwd or cwd not in candidate.parents:
            break
    return folder


def read_settings(path: Path, invocation: Invocation) -> Settings:
    """The settings for ``path``; raises ConfigurationError with all errors in them."""
    writable = [kind.name for kind in KINDS.values() if kind.writable]
    return settings.load(
        find_root(path, invocation.cwd),
        flags=invocation.flags,
        environ=invocation.environ,
        environment=invocation.environment,
        version=__version__,
        kinds=writable,
        sections=list(SECTIONS),
        cwd=invocation.cwd,
    )


def require_path(path: Path) -> None:
    """Raise ConfigurationError if the file or folder does not exist."""
    if not path.exists():
        raise ConfigurationError(f"{path} does not exist; pass the folder or file with your YAML")


def read_state(path: Path, chosen: Settings, invocation: Invocation, shared: Sequence[Path] = ()) -> DesiredState:
    """The desired state declared by the files below ``path`` and by the ``shared`` files and folders."""
    people = [section for section, kind in SECTIONS.items() if kind.person]
    with yaml_loader.collector_paused():
        return compile_state(
            configuration.load(
                [*shared, path],
                project=chosen.root,
                files=chosen.files,
                schema=configuration.files_schema(),
                environ=invocation.environ,
                variables=chosen.vars,
                defined_in=chosen.vars_defined_in,
                defaults=chosen.defaults,
                roots=chosen.files_roots,
                cwd=invocation.cwd,
                hidden_sections=people if chosen.redact else (),
                forms=csv_source_forms(),
                warn=lambda finding: invocation.on_warning(finding.problem()),
                skip_commands=invocation.skip_commands,
            )
        )


def require_resources(project: Project) -> None:
    """Raise ConfigurationError for an empty desired state: only `destroy` deletes everything."""
    if not project.state.kinds:
        raise ConfigurationError(
            f"{project.path}: nothing is declared, so nothing was planned. `reconciler destroy` deletes "
            "what this project created, `reconciler init` creates a first file"
        )
