"""A fleet of emulated accounts in one folder."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from reconciler.emulator import Account, Emulator
from reconciler.output.schema import fleet_report_schema
from tests.support.project import Project

_NUMBERS = itertools.count(1)

TAGS = "tags: [VIP, Lead]\n"


class FleetProject(Project):
    """A folder with ``fleet.yaml``; ``accounts`` holds the handle of each account by name."""

    def __init__(self, folder: Path, server: Emulator, accounts: dict[str, Account]) -> None:
        super().__init__(folder, server, next(iter(accounts.values())))
        self.accounts = accounts
        del self.env["RECONCILER_CONNECTION"]

    def declare(self, head: str = "common: [common]\n", **more: str) -> None:
        """Write ``fleet.yaml`` with all accounts; ``more`` are further lines of single accounts."""
        lines = [f"  - name: {name}\n    connection: {each.connection}\n" for name, each in self.accounts.items()]
        own = [line + more.get(name, "") for name, line in zip(self.accounts, lines, strict=True)]
        self.write(f"{head}accounts:\n{''.join(own)}", "fleet.yaml")

    def finish(self, *args: str, env: Mapping[str, str | None] | None = None) -> None:
        """Continue the last apply until it ends well: workers of a killed run hold ledgers for a moment."""
        for _ in range(60):
            result = self.run("fleet", "apply", "--yes", "--continue", *args, env=env)
            if result.code == 0:
                return
            time.sleep(0.2)
        raise AssertionError(result.err + result.out)


def fits_schema(document: Any) -> bool:
    """Whether a fleet report is valid, and has no key that its schema does not name."""
    schema = fleet_report_schema()
    jsonschema.validate(document, schema)
    keys = schema["properties"]["accounts"]["items"]["properties"]
    return set(document) == set(schema["properties"]) and all(set(each) == set(keys) for each in document["accounts"])


@pytest.fixture
def make_fleet(server: Emulator, tmp_path: Path) -> Callable[..., FleetProject]:
    """Makes fleets: ``make_fleet("acme", "bolt")`` declares two accounts, which both have two tags in common."""

    def make(*names: str, seed: dict[str, Any] | None = None) -> FleetProject:
        number = next(_NUMBERS)
        accounts = {name: server.account(f"fleet-{number}-{name}", seed or {}) for name in names}
        folder = tmp_path / f"fleet-{number}"
        folder.mkdir()
        fleet = FleetProject(folder, server, accounts)
        fleet.write(TAGS, "common/tags.yaml")
        fleet.declare()
        return fleet

    return make
