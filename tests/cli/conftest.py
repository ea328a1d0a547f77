"""Fixtures that several tests of the command line use."""

from __future__ import annotations

import pytest

from reconciler.gateway.retry import Retries
from tests.support.project import Project


@pytest.fixture
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pauses of hundredths of a second between attempts."""
    monkeypatch.setattr("reconciler.gateway.client.Retries", lambda: Retries(tries=3, first=0.01, longest=0.02))


@pytest.fixture
def declared(project: Project) -> Project:
    """A project that would create one tag."""
    project.write("tags: [A]\n")
    return project
