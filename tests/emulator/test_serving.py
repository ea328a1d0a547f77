"""How the emulator keeps its accounts, starts and stops."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from reconciler.emulator import Emulator
from tests.emulator.conftest import Api
from tests.emulator.test_admin import ANN, SEED
from tests.support.waiting import PATIENCE

# The store


def test_a_store_brings_everything_back(tmp_path: Path, session: requests.Session) -> None:
    """A second emulator on the same file has the accounts, ids and options of the first."""
    store = tmp_path / "deep" / "emulator.db"
    with Emulator(store=store) as emulator:
        emulator.account("gone", {"tags": ["x"]})
        emulator.save()
        emulator.gateway.remove("gone")
        first = emulator.account("one", SEED, payments=False, quota={"limit": 90, "per_seconds": 60})
        api = Api(emulator, first, session)
        doomed = api.post("/api/tags", {"name": "Doomed"}).json()["id"]
        api.delete(f"/api/tags/{doomed}")
        state, ids = first.state(times=True), first.ids()
    with Emulator(store=store) as emulator:
        assert list(emulator.gateway.accounts) == ["one"]
        again = emulator.account("one")
        assert (again.state(times=True), again.ids()) == (state, ids)
        assert (again.options.payments, again.options.quota and again.options.quota.limit) == (False, 90)
        api = Api(emulator, again, session)
        assert api.post("/api/tags", {"name": "Next"}).json()["id"] == doomed + 1
        assert violating_email(api) == 422
    assert [tag for tag in Emulator(store=store).account("one").state()["tags"] if tag == "Next"] == ["Next"]


def violating_email(api: Api) -> int:
    return api.post("/api/contacts", {"email": ANN}).status_code


# The process


def test_a_taken_port_is_an_error(emulator: Emulator) -> None:
    """Starting on a port in use raises at once."""
    with pytest.raises(OSError, match="in use"):
        Emulator(port=emulator.port).start()


def test_ipv6_loopback_works(session: requests.Session) -> None:
    """The server listens on ::1 as well when told to, and says so where there is none."""
    with socket.socket(socket.AF_INET6) as probe:
        try:
            probe.bind(("::1", 0))
        except OSError:
            with pytest.raises(OSError, match="address"):
                Emulator(host="::1").start()
            return
    with Emulator(host="::1") as emulator:
        emulator.account("one", {"tags": ["A"]})
        assert emulator.url.startswith("http://[::1]:")
        assert session.get(f"{emulator.url}/_emulator/accounts/one").json()["tags"] == ["A"]


SERVE = """
import sys
from reconciler.emulator import serve
serve(key="k", accounts={"one": sys.argv[1], "two": {"tags": ["B"]}}, store=sys.argv[2],
      ready=lambda url: print(url, flush=True))
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_serving_ends_cleanly_on_signals(tmp_path: Path, session: requests.Session, number: signal.Signals) -> None:
    """`serve` reads seed files, says where it listens, and saves what changed when it is told to stop."""
    seed, store = tmp_path / "seed.yaml", tmp_path / "emulator.db"
    seed.write_text("tags: [A]\n", encoding="utf-8")
    for tags in (["A"], ["A", "New"]):
        command = [sys.executable, "-c", SERVE, str(seed), str(store)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=dict(os.environ)) as process:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            headers = {"Authorization": "Bearer k"}
            found = session.get(f"{url}/systeme/api/tags", params={"order": "asc"}, headers=headers).json()["items"]
            session.post(f"{url}/systeme/api/tags", json={"name": "New"}, headers=headers)
            process.send_signal(number)
            assert process.wait(timeout=PATIENCE) == 0
        assert [row["name"] for row in found] == tags
