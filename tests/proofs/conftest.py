"""What the proofs share: a worker that can be killed, a prepared estate, and how much is proved at once."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest

from tests.proofs import estate
from tests.proofs.forks import Moment, Worker
from tests.support.project import Project

#: With RECONCILER_PROVE=1 (``make prove``) every point of every matrix is tried, else a sample.
WHOLE = os.environ.get("RECONCILER_PROVE") == "1"


@pytest.fixture(scope="session")
def worker() -> Iterator[Worker]:
    """A process that forks children which may be killed."""
    with Worker() as running:
        yield running


@pytest.fixture
def owned(make_project: Callable[..., Project], worker: Worker) -> Moment:
    """The first state of the estate is applied, the files ask for the second."""
    project = make_project(estate.SEED)
    project.env |= estate.ENVIRON
    project.write(estate.SETTINGS, "reconciler.yaml")
    project.write(estate.BEFORE)
    done = worker.run(project, "apply", "--yes")
    assert done.code == 0, done.err
    project.write(estate.AFTER)
    return Moment(project)
