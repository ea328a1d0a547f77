"""What the proofs share: a worker that can be killed, a prepared estate, and how much is proved at once."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from reconciler.emulator import Emulator
from tests.proofs import estate
from tests.proofs.forks import Moment, Right, Worker
from tests.support.project import Project

#: With RECONCILER_PROVE=1 (``make prove``) every point of every matrix is tried, else a sample.
WHOLE = os.environ.get("RECONCILER_PROVE") == "1"


@pytest.fixture(scope="session")
def worker() -> Iterator[Worker]:
    """A process that forks children which may be killed."""
    with Worker() as running:
        yield running


@pytest.fixture(scope="session")
def applied_once(server: Emulator, worker: Worker, tmp_path_factory: pytest.TempPathFactory) -> Moment:
    """The first state of the estate is applied, the files ask for the second."""
    folder = tmp_path_factory.mktemp("estate")
    project = Project(folder, server, server.account(f"estate-{folder.name}", estate.SEED))
    project.env |= estate.ENVIRON
    project.write(estate.SETTINGS, "reconciler.yaml")
    project.write(estate.BEFORE)
    done = worker.run(project, "apply", "--yes")
    assert done.code == 0, done.err
    project.write(estate.AFTER)
    return Moment(project)


@pytest.fixture
def owned(applied_once: Moment) -> Moment:
    """That moment, come back to."""
    applied_once.restore()
    return applied_once


@pytest.fixture(scope="session")
def right(applied_once: Moment) -> Right:
    """How it ends when nobody interrupts."""
    applied_once.restore()
    ended = applied_once.project.run("apply", "--yes", *estate.ALLOW)
    assert ended.code == 0, ended.err
    return Right.of(applied_once.project)
