"""A fleet on a Dask cluster of this machine: results, lost workers, a lost scheduler, and what goes over the wire."""

from __future__ import annotations

import pickle
import re
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.fleet.account import AccountJob
from reconciler.fleet.check import problems_of
from reconciler.fleet.declaration import FleetAccount
from reconciler.fleet.lane import Lane
from tests.cli.support import ended
from tests.docs.conftest import ROOT
from tests.fleet.conftest import FleetProject
from tests.fleet.dask_cluster import Cluster, is_dask_command, stop
from tests.support.postgres import Postgres

pytest.importorskip("distributed")
from reconciler.fleet import cluster

MakeFleet = Callable[..., FleetProject]
NAMES = [f"client-{n}" for n in range(6)]


@pytest.fixture
def fleet(make_fleet: MakeFleet, postgres: Postgres) -> FleetProject:
    """Six accounts of two keys, whose ledgers are in one database."""
    made = make_fleet(*NAMES)
    number = made.folder.name
    made.declare(**{
        name: f"    ledger: {number}-{name}\n" + ("    key: {env: MATON_API_KEY_TWO}\n" if index % 2 else "")
        for index, name in enumerate(NAMES)
    })  # fmt: skip
    made.env |= {"RECONCILER_LEDGER": postgres.url, "MATON_API_KEY_TWO": made.env["MATON_API_KEY"]}
    return made


@pytest.fixture
def cluster_of(tmp_path: Path) -> Iterator[Callable[..., Cluster]]:
    """Makes clusters: ``cluster_of(fleet, workers=2)``; workers have the environment of the fleet."""
    with ExitStack() as stack:

        def make(fleet: FleetProject, workers: int = 2, env: Mapping[str, str | None] | None = None) -> Cluster:
            made = Cluster(tmp_path, stack)
            for _ in range(workers):
                made.add_worker(fleet.environment(env))
            return made

        yield make


#: A driver without keys and without a ledger: they are the workers' own.
DRIVER: dict[str, str | None] = {"MATON_API_KEY": None, "MATON_API_KEY_TWO": None, "RECONCILER_LEDGER": None}


def tags(fleet: FleetProject) -> list[list[str]]:
    """The tags of all accounts."""
    return [sorted(account.state()["tags"]) for account in fleet.accounts.values()]


def writes(fleet: FleetProject) -> int:
    """How many requests wrote to any account."""
    return sum(len(account.writes) for account in fleet.accounts.values())


@contextmanager
def applying(fleet: FleetProject, made: Cluster) -> Iterator[subprocess.Popen[bytes]]:
    """An apply that has begun to write."""
    for account in fleet.accounts.values():
        account.options.latency = 100
    process = fleet.started("fleet", "apply", "--yes", "--scheduler", made.address, env=DRIVER)
    try:
        while not writes(fleet):
            assert process.poll() is None
            time.sleep(0.01)
        yield process
    finally:
        stop(process)


def test_a_fleet_on_a_cluster(fleet: FleetProject, cluster_of: Callable[..., Cluster]) -> None:
    """The same results as on this machine; the driver has neither key nor ledger. Each account is run once."""
    made = cluster_of(fleet)
    on = ("--scheduler", made.address)
    ended(fleet.run("fleet", "apply", "--yes", *on, env=DRIVER), 0, "6 accounts: 6 applied.", "2 keys")
    assert tags(fleet) == [["Lead", "VIP"]] * 6
    assert writes(fleet) == 12
    for account in fleet.accounts.values():
        account.clear()
    ended(fleet.run("fleet", "plan", *on, env=DRIVER), 0, "6 accounts: 6 unchanged.")
    assert [len(account.requests) for account in fleet.accounts.values()] == [1] * 6
    assert fleet.env["MATON_API_KEY"] not in made.log()


def test_a_killed_worker(fleet: FleetProject, cluster_of: Callable[..., Cluster]) -> None:
    """Its lanes are begun again on the other one; nothing is created twice."""
    made = cluster_of(fleet)
    with applying(fleet, made) as process:
        made.workers[0].kill()
        assert process.wait(120) == 0
    assert tags(fleet) == [["Lead", "VIP"]] * 6
    assert sum(1 for account in fleet.accounts.values() for each in account.writes if each["status"] == 201) == 12


def test_a_killed_scheduler(fleet: FleetProject, cluster_of: Callable[..., Cluster]) -> None:
    """The driver says so; on this machine --continue finishes the rest."""
    made = cluster_of(fleet)
    with applying(fleet, made) as process:
        made.scheduler.kill()
        assert process.wait(120) == 1
    for worker in made.workers:
        worker.kill()
    fleet.finish()
    assert tags(fleet) == [["Lead", "VIP"]] * 6


def test_a_killed_driver(fleet: FleetProject, cluster_of: Callable[..., Cluster]) -> None:
    """Workers notice that nobody waits for them; --continue finishes the rest on the same cluster."""
    made = cluster_of(fleet)
    with applying(fleet, made) as process:
        process.kill()
        process.wait()
    fleet.finish("--scheduler", made.address, env=DRIVER)
    assert tags(fleet) == [["Lead", "VIP"]] * 6


def test_workers_that_cannot(fleet: FleetProject, cluster_of: Callable[..., Cluster], tmp_path: Path) -> None:
    """A key that a worker does not have, ledgers in files, another version: each is named, and nothing is begun."""
    made = cluster_of(fleet, workers=0)
    (tmp_path / "sitecustomize.py").write_text("import reconciler\nreconciler.__version__ = '0.0.7'\n")
    made.add_worker(fleet.environment({"MATON_API_KEY_TWO": None}))
    made.add_worker(fleet.environment({"RECONCILER_LEDGER": None}))
    made.add_worker(fleet.environment({"PYTHONPATH": str(tmp_path)}))
    ended(
        fleet.run("fleet", "plan", "--scheduler", made.address),
        1,
        "environment variable MATON_API_KEY_TWO is not set",
        "set RECONCILER_LEDGER of the workers to a PostgreSQL URL",
        "has reconciler 0.0.7, this is",
    )
    assert not any(account.requests for account in fleet.accounts.values())


def test_a_cluster_without_workers(fleet: FleetProject, cluster_of: Callable[..., Cluster]) -> None:
    """It would wait for ever."""
    made = cluster_of(fleet, workers=0)
    ended(fleet.run("fleet", "plan", "--scheduler", made.address), 1, "no worker is connected")


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("tcp://127.0.0.1:1", "no Dask scheduler answers at tcp://127.0.0.1:1"),
        ("tls://127.0.0.1:1", "Dask has no certificates for tls://"),
        ("tcp://192.0.2.7:8786", "has no TLS"),
        ("tcp://scheduler.example.com:8786", "--insecure-scheduler"),
        ("http://127.0.0.1:8786", "expected tls://HOST:PORT"),
        ("127.0.0.1", "expected tls://HOST:PORT"),
        ("tcp://127.0.0.1:x", "expected tls://HOST:PORT"),
    ],
)
def test_addresses(make_fleet: MakeFleet, monkeypatch: pytest.MonkeyPatch, address: str, message: str) -> None:
    """Nothing there, no TLS, no address."""
    monkeypatch.setattr(cluster, "CONNECT_TIMEOUT", 1)
    fleet = make_fleet("acme")
    ended(fleet.run("fleet", "plan", "--scheduler", address), 1, message)
    assert fleet.account.requests == []


def test_accounts_without_a_ledger_may_run_anywhere(fleet: FleetProject) -> None:
    """Workers have no ledger to share then."""
    job = AccountJob(FleetAccount("acme", connection="one", ledger="none"), fleet.folder)
    assert problems_of([job], {"MATON_API_KEY": "key"}, remote=True) == []
    (problem,) = problems_of([replace(job, account=FleetAccount("acme"))], {"MATON_API_KEY": "key"}, remote=True)
    assert "other workers cannot reach" in problem.what


def test_another_version_is_refused() -> None:
    """A worker that answers with another version, or cannot answer at all."""
    other = list(cluster._worker_problems("tcp://w:1", ("0.0.0", [])))
    assert "worker tcp://w:1 has reconciler 0.0.0" in str(other[0])
    older = list(cluster._worker_problems("tcp://w:1", ModuleNotFoundError("reconciler")))
    assert "cannot run reconciler" in str(older[0])


def test_other_files_are_refused(fleet: FleetProject) -> None:
    """A worker whose checkout differs would apply other things than were planned."""
    job = AccountJob(FleetAccount("acme"), fleet.folder)
    _, problems = cluster.inspect_worker([job], "another digest")
    assert "differ" in problems[0][1]
    _, problems = cluster.inspect_worker([AccountJob(FleetAccount("acme"), fleet.folder / "gone")], "")
    assert "there is no folder" in problems[0][1]


def test_no_secret_is_in_a_task(fleet: FleetProject, monkeypatch: pytest.MonkeyPatch) -> None:
    """The serialized graph holds no key, no secret of a file, no ledger URL: canaries in all of them."""
    from distributed.protocol.serialize import serialize

    canaries = {
        "MATON_API_KEY": "canary-key",
        "CRM_WEBHOOK_SECRET": "canary-secret",
        "RECONCILER_LEDGER": "postgresql://u:canary-password@h/d",
        "RECONCILER_LEDGER_KEY": "canary-ledger-key-0123",
    }
    for name, value in canaries.items():
        monkeypatch.setenv(name, value)
    fleet.write(
        "webhooks:\n  - {url: https://example.com/x, secret: {env: CRM_WEBHOOK_SECRET}, events: [SALE_NEW]}\n"
    )
    sent: list[bytes] = []

    class Client:
        """Keeps what would be sent."""

        def submit(self, *call: object, **more: object) -> None:
            """One task."""
            sent.append(pickle.dumps(call))
            _, frames = serialize(call)
            sent.extend(bytes(frame) for frame in frames)

    engine = object.__new__(cluster.ClusterEngine)
    vars(engine).update(_client=Client(), _run="run", _over=False)
    job = AccountJob(FleetAccount("acme", vars={"site": "acme.example.com"}), fleet.folder, flags={"redact": True})
    with pytest.raises(AttributeError):  # a task was submitted; there is no queue to wait for its results
        next(engine.run([Lane("MATON_API_KEY", (job,))]))
    assert b"acme.example.com" in b"".join(sent)
    assert b"canary" not in b"".join(sent)


def test_commands_of_the_guide() -> None:
    """Every command of Dask that the guide shows, with its options."""
    commands = [line.split() for line in re.findall(r"`(dask [^`]+)`", (ROOT / "docs/guides/fleet.md").read_text())]
    assert {words[1] for words in commands} == {"scheduler", "worker", "ssh"}
    assert [words for words in commands if not is_dask_command(words)] == []
    assert not is_dask_command(["dask", "worker", "--threads", "2"])
