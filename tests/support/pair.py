"""A project with two environments and an account for each, between which things are cloned."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reconciler.emulator import Account, Emulator
from tests.support.project import Project, Result


class Pair(Project):
    """``production`` is the account ``source``, ``staging`` the account ``account``."""

    def __init__(self, folder: Path, server: Emulator, source: Account, target: Account) -> None:
        super().__init__(folder, server, target)
        self.source = source
        del self.env["RECONCILER_CONNECTION"]
        blocks = {"production": source, "staging": target}
        lines = "".join(
            f"  {name}: {{connection: {each.connection}, dialect: {each.options.dialect}}}\n"
            for name, each in blocks.items()
        )
        self.write(f"environments:\n{lines}", "reconciler.yaml")

    def clone(self, *args: str, env: Mapping[str, str | None] | None = None) -> Result:
        """``clone --from production --to staging``."""
        return self.run("clone", "--from", "production", "--to", "staging", *args, env=env)

    def done(self, *args: str, env: Mapping[str, str | None] | None = None) -> dict[str, Any]:
        """The document of a clone that was applied."""
        result = self.clone("--apply", "--yes", "--json", *args, env=env)
        assert result.code == 0, result.err + result.out
        document: dict[str, Any] = result.document
        return document

    def told(self) -> str:
        """Everything that the target was sent, and its ledger's every byte."""
        ledger = b"".join(path.read_bytes() for path in sorted((self.folder / ".reconciler").glob("staging*")))
        sent = json.dumps(self.account.requests, ensure_ascii=False, default=str)
        return (sent + ledger.decode("utf-8", "replace")).casefold()
