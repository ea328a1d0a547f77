"""Runs lanes as tasks of an existing Dask cluster (extra `fleet`).

Names, paths, variables, labels and saved plans of accounts, and their results, go through the scheduler. Keys,
ledger URLs and files do not: each worker has its own environment, and the folder of the fleet at the same path. The
lane of a lost worker is begun again on another one; the ledger recovers the run that was cut off.
"""

from __future__ import annotations

import hashlib
import ipaddress
import os
import pickle
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from reconciler import __version__
from reconciler.errors import ConfigurationError, Problem, ReconcilerError
from reconciler.fleet.account import AccountJob, AccountOutput
from reconciler.fleet.check import problems_of, raise_problems
from reconciler.fleet.lane import Lane, LaneControl, not_run, run_lanes
from reconciler.fleet.local import failed

#: Seconds until the scheduler has to answer first; seconds between two checks of connection, tasks and halt.
CONNECT_TIMEOUT, POLL_INTERVAL = 10, 1.0
#: Files that a fleet is made of.
_PARTS = (".yaml", ".yml", ".csv")


class ClusterEngine:
    """Lanes on the workers of one scheduler. Raises ConfigurationError where it cannot be reached, or may not be."""

    def __init__(self, address: str, *, insecure: bool) -> None:
        check_address(address, insecure=insecure)
        distributed = _library()
        if address.startswith("tls:") and not _has_certificates():
            what = "Dask has no certificates for tls://; set DASK_DISTRIBUTED__COMM__TLS__CA_FILE"
            raise ConfigurationError(
                f"--scheduler: {what}, DASK_DISTRIBUTED__COMM__TLS__CLIENT__CERT and …__CLIENT__KEY"
            )
        try:
            self._client: Any = distributed.Client(address, timeout=CONNECT_TIMEOUT, set_as_default=False)
        except (OSError, TimeoutError, ValueError, TypeError) as error:
            what = f"no Dask scheduler answers at {address} ({type(error).__name__})"
            raise ConfigurationError(f"--scheduler: {what}; check the address, and that it runs") from None
        self._address, self._run = address, uuid.uuid4().hex[:8]
        self._queue: Any = distributed.Queue(f"reconciler-{self._run}", client=self._client)
        self._halted: Any = distributed.Event(f"reconciler-halt-{self._run}", client=self._client)
        self._futures: list[Any] = []
        self._over = False

    def check(self, jobs: Sequence[AccountJob]) -> None:
        """Raise ConfigurationError unless every worker can run these accounts: same version, same files, its own
        keys and a ledger that the others reach."""
        workers = self._client.scheduler_info(n_workers=-1)["workers"]
        if not workers:
            raise ConfigurationError(f"--scheduler: no worker is connected to {self._address}; start one")
        digest = digest_of(jobs[0].folder)
        answers = self._client.run(inspect_worker, list(jobs), digest, on_error="return")
        problems: dict[Problem, None] = {}
        for worker, answer in answers.items():
            problems |= dict.fromkeys(_worker_problems(worker, answer))
        raise_problems(list(problems))

    def run(self, lanes: Sequence[Lane]) -> Iterator[AccountOutput]:
        """Yields each account as it ends. Raises ReconcilerError if the scheduler is lost."""
        waiting = {job.account.name: job for lane in lanes for job in lane.jobs}
        self._futures = [
            self._client.submit(run_lane, lane, self._run, key=f"lane-{self._run}-{uuid.uuid4().hex[:8]}", pure=False)
            for lane in lanes
        ]
        while waiting:
            output = self._next()
            if output is None:
                if all(future.done() for future in self._futures) and not self._queue.qsize():
                    break
                continue
            if waiting.pop(output.result.name, None):
                yield output
        for job in waiting.values():
            yield (
                not_run(job) if self._over else failed(not_run(job, "its worker was lost, or its lane failed there"))
            )

    def halt(self) -> None:
        """Begin no further account; those under way end."""
        self._halted.set()

    def stop(self) -> None:
        """End the accounts under way in order: workers notice that their tasks were cancelled."""
        self._over = True
        threading.Thread(target=self._client.cancel, args=(self._futures,), daemon=True).start()

    def close(self) -> None:
        """Disconnect from the scheduler."""
        self._client.close(timeout=2)

    def _next(self) -> AccountOutput | None:
        """The next result; None if there is none within the poll interval."""
        try:
            found = pickle.loads(self._queue.get(timeout=POLL_INTERVAL))  # noqa: S301 - from workers, which run our code
        except TimeoutError:
            self._check_connection()
            return None
        except Exception as error:
            self._check_connection()
            raise _scheduler_lost(self._address) from error
        assert isinstance(found, AccountOutput)
        return found

    def _check_connection(self) -> None:
        if self._client.status != "running":
            raise _scheduler_lost(self._address)


def _library() -> Any:
    """Dask's library, which is an extra and takes a second to load."""
    try:
        return import_module("distributed")
    except ImportError:
        what = "--scheduler needs dask and distributed, which are not installed"
        raise ConfigurationError(f"{what}; run: pip install 'reconciler[fleet]'") from None


def _has_certificates() -> bool:
    config: Any = import_module("dask.config")
    names = ("ca-file", "client.cert", "client.key")
    return all(config.get(f"distributed.comm.tls.{name}", None) for name in names)


def _scheduler_lost(address: str) -> ReconcilerError:
    return ReconcilerError(
        f"the scheduler {address} was lost; what its workers did is in the ledgers. Start it, then run this again "
        "with --continue"
    )


def check_address(address: str, *, insecure: bool) -> None:
    """Raise ConfigurationError for an invalid address, and for one beyond this machine without TLS."""
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or not port or parts.scheme not in ("tcp", "tls"):
        raise ConfigurationError("--scheduler: expected tls://HOST:PORT, or tcp://127.0.0.1:PORT on this machine")
    if parts.scheme == "tcp" and not _is_loopback(host) and not insecure:
        what = f"{address} has no TLS, and plans with personal data would pass the network in clear"
        raise ConfigurationError(f"--scheduler: {what}; use tls://, or --insecure-scheduler in a network of your own")


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _worker_problems(worker: str, answer: Any) -> Iterator[Problem]:
    """Problems of one worker."""
    if isinstance(answer, BaseException) or not isinstance(answer, tuple):
        what = f"worker {worker} cannot run reconciler {__version__} ({type(answer).__name__})"
        yield Problem("--scheduler", what, "install the same version there")
        return
    version, problems = answer
    if version != __version__:
        what = f"worker {worker} has reconciler {version}, this is {__version__}"
        yield Problem("--scheduler", what, "install the same version on all")
        return
    for where, what, hint in problems:
        yield Problem(where, f"on worker {worker}: {what}" if len(problems) < 2 else what, hint)


# what runs on workers


def inspect_worker(jobs: list[AccountJob], digest: str) -> tuple[str, list[tuple[str, str, str]]]:
    """The version of this worker, and the reasons why it cannot run these accounts."""
    folder = jobs[0].folder
    if not folder.is_dir():
        return __version__, [("--scheduler", f"there is no folder {folder}", "mount or copy the fleet to that path")]
    if digest_of(folder) != digest:
        what = f"the files in {folder} differ from those here"
        return __version__, [("--scheduler", what, "update them on the workers")]
    return __version__, [(each.where, each.what, each.hint) for each in problems_of(jobs, os.environ, remote=True)]


def digest_of(folder: Path) -> str:
    """A hash of all YAML and CSV files of a fleet."""
    found = hashlib.sha256()
    for top, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(name for name in names if name.endswith(_PARTS)):
            path = Path(top) / name
            found.update(f"{path.relative_to(folder)}\0".encode(errors="surrogateescape"))
            found.update(hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()


#: The lanes of each run that this worker runs, by the key of their task.
_LANES: dict[str, dict[str, LaneControl]] = {}
_LANES_LOCK = threading.Lock()


def run_lane(lane: Lane, run: str) -> int:
    """A task: runs one lane and puts each result into the queue of the run. Its thread is given back at once, as a
    lane waits most of the time."""
    distributed = _library()
    worker = distributed.get_worker()
    key, client = worker.get_current_task(), distributed.get_client()
    queue: Any = distributed.Queue(f"reconciler-{run}", client=client)
    halted: Any = distributed.Event(f"reconciler-halt-{run}", client=client)
    distributed.secede()
    control = LaneControl()
    with _LANES_LOCK:
        is_first = run not in _LANES
        _LANES.setdefault(run, {})[key] = control
    if is_first:
        worker.loop.add_callback(_stop_profiler, worker)
        threading.Thread(target=_watch, args=(run, worker, halted), daemon=True).start()
    try:
        run_lanes([lane], lambda output: queue.put(pickle.dumps(output)), control)
    finally:
        with _LANES_LOCK:
            del _LANES[run][key]
    return len(lane.jobs)


def _stop_profiler(worker: Any) -> None:
    """Stop Dask's profiler: a hundred times a second it reads the stacks of all threads, which costs more than the
    lanes do, and can deadlock CPython 3.11 (gh-106883)."""
    if profiler := worker.periodic_callbacks.get("profile"):
        profiler.stop()


def _watch(run: str, worker: Any, halted: Any) -> None:
    """End lanes of a run on this worker early: a lane whose task was cancelled, or all when the run was halted or the
    scheduler is gone. There is one such thread for all lanes, as each check asks the scheduler."""
    while True:
        time.sleep(POLL_INTERVAL)
        with _LANES_LOCK:
            lanes = dict(_LANES[run])
            if not lanes:
                del _LANES[run]
                return
        try:
            is_halted, is_lost = halted.is_set(), False
        except Exception:  # the scheduler does not answer
            is_halted = is_lost = True
        for key, control in lanes.items():
            task = worker.state.tasks.get(key)
            if is_halted:
                control.halted.set()
            if is_lost or task is None or task.state not in ("executing", "long-running"):
                control.stop.set()
