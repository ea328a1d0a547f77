"""How long a fleet takes against what its rate limits allow: ``python -m tests.fleet.measure --accounts 1000``.

Every account has 20 resources in steady state. The bound is the time that the lane with most calls needs at the rate
limit of its key; with fewer requests per second than the real ten, a small machine is not what is measured. With
``--cluster`` the lanes run on two workers of a Dask cluster, with the ledgers in PostgreSQL.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

from reconciler.emulator import Account, Emulator
from tests.fleet.dask_cluster import Cluster
from tests.support.postgres import Postgres, programs

TAGS = [f"Tag {number}" for number in range(12)]
FIELDS = [{"slug": f"field_{number}", "name": f"Field {number}"} for number in range(4)]
PEOPLE = [{"email": f"person{number}@example.com", "locale": "en"} for number in range(4)]


def burst(rate: float) -> int:
    """Requests that a new rate limiter lets pass at once."""
    return max(1, min(10, int(rate)))


class Measured(NamedTuple):
    """One run: seconds, the bound in seconds, requests of each account, MiB of the driver, and the report."""

    seconds: float
    bound: float
    requests: list[int]
    memory: float
    report: dict[str, Any]


class MeasuredFleet:
    """So many accounts of so many keys on one emulator, which are what their files say."""

    def __init__(self, folder: Path, server: Emulator, accounts: int, keys: int) -> None:
        self.folder, self.keys = folder, keys
        seed = {"tags": TAGS, "contact_fields": FIELDS, "contacts": PEOPLE}
        self.accounts: list[Account] = [server.account(f"measured-{number}", seed) for number in range(accounts)]
        (folder / "common").mkdir()
        (folder / "common" / "site.yaml").write_text(json.dumps(seed))
        rows = [f"client-{n},measured-{n},MATON_API_KEY_{n % keys}\n" for n in range(accounts)]
        (folder / "clients.csv").write_text("name,connection,key\n" + "".join(rows))
        (folder / "fleet.yaml").write_text("common: [common]\naccounts: [{csv: clients.csv}]\n")
        self.env = {**os.environ, "RECONCILER_GATEWAY_URL": server.url, "RECONCILER_EMAILS": "1000000"}
        self.env |= {f"MATON_API_KEY_{number}": server.key for number in range(keys)}

    def run(self, *args: str, rate: float = 0, codes: tuple[int, ...] = (0,)) -> Measured:
        """One command over the whole fleet."""
        for account in self.accounts:
            account.clear()
        program = "import resource, sys; from reconciler.cli.main import run; code = run(sys.argv[1:]); "
        program += "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr); sys.exit(code)"
        command = [sys.executable, "-c", program, "-q", "--rate-limit", str(rate), "fleet", *args, "--json"]
        began = time.monotonic()
        done = subprocess.run(command, cwd=self.folder, env=self.env, capture_output=True, text=True, check=False)
        seconds = time.monotonic() - began
        assert done.returncode in codes, done.stdout[-2000:] + done.stderr[-2000:]
        requests = [len(account.requests) for account in self.accounts]
        lanes: Counter[int] = Counter()
        for number, calls in enumerate(requests):
            lanes[number % self.keys] += calls
        bound = max(0, max(lanes.values()) - burst(rate)) / rate if rate else 0.0
        memory = int(done.stderr.split()[-1]) / 1024
        return Measured(seconds, bound, requests, memory, json.loads(done.stdout))


def main() -> None:
    """Print one line for each number of workers."""
    parser = argparse.ArgumentParser()
    for name, default in (("accounts", 1000), ("keys", 100)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--rates", type=float, nargs="+", default=[0, 0.5], help="requests per second of each key")
    parser.add_argument("--workers", type=int, nargs="*", default=[1, 2])
    parser.add_argument("--cluster", action="store_true", help="also on a Dask cluster")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, Emulator(key="key") as server:
        fleet = MeasuredFleet(Path(folder), server, given.accounts, given.keys)
        if given.workers:
            print(f"adopting: {fleet.run('apply', '--yes').seconds:.1f} s", flush=True)
        for workers in given.workers:
            for rate in given.rates:
                show(f"{workers} workers", fleet.run("plan", "--workers", str(workers), rate=rate), rate)
        if given.cluster:
            on_cluster(Path(folder), fleet, given.rates)
    print(f"largest worker: {resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024:.0f} MiB")


def on_cluster(folder: Path, fleet: MeasuredFleet, rates: Sequence[float]) -> None:
    """The same on two workers of a Dask cluster, with the ledgers in PostgreSQL."""
    with ExitStack() as stack:
        where = programs()
        assert where is not None, "no PostgreSQL here"
        postgres = Postgres(where)
        stack.callback(postgres.remove)
        postgres.start(connections=500)
        stack.callback(postgres.stop)
        fleet.env["RECONCILER_LEDGER"] = postgres.url
        cluster = Cluster(folder, stack)
        for _ in range(2):
            cluster.add_worker(fleet.env)
        on = ("--scheduler", cluster.address)
        print(f"adopting on the cluster: {fleet.run('apply', '--yes', *on).seconds:.1f} s", flush=True)
        for rate in rates:
            show("cluster of 2", fleet.run("plan", *on, rate=rate), rate)


def show(what: str, found: Measured, rate: float) -> None:
    """Print one line."""
    share = f", {found.seconds / found.bound:.2f} of the bound {found.bound:.0f} s" if rate else ""
    once = "each account once" if len(set(found.requests)) == 1 else "NOT each account once"
    calls = f"{sum(found.requests):,} requests, {once}"
    print(f"{what}, {rate:g}/s: {found.seconds:.1f} s{share}, {calls}, driver {found.memory:.0f} MiB", flush=True)


if __name__ == "__main__":
    main()
