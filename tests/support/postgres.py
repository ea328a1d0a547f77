"""A private PostgreSQL server where its programs are found, reached through a socket in a folder of its own."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import uuid
from pathlib import Path


class Postgres:
    """``url`` is that of its database; ``stop`` and ``start`` as often as a test wants."""

    def __init__(self, programs: Path) -> None:
        self.programs, self.user = programs, unprivileged()
        self.folder = Path(tempfile.mkdtemp(prefix="ledger-"))
        if self.user is not None:
            shutil.chown(self.folder, self.user)
        self._run("initdb", "-A", "trust", "-U", "ledger", "--no-sync", "-E", "UTF8", "--locale=C")
        self.url = f"postgresql+psycopg://ledger@/postgres?host={self.folder}"

    def start(self, connections: int = 100) -> None:
        """Begin to answer; so many connections at once."""
        options = f"-F -k {self.folder} -c listen_addresses='' -c max_connections={connections}"
        self._run("pg_ctl", "-w", "-l", str(self.folder / "log"), "-o", options, "start")

    def stop(self) -> None:
        """Go away at once, in the middle of whatever is going on."""
        self._run("pg_ctl", "-m", "immediate", "-w", "stop")

    def remove(self) -> None:
        """Leave nothing behind."""
        shutil.rmtree(self.folder)

    def namespace(self) -> str:
        """The URL of an empty schema of its own."""
        import psycopg

        name = f"t_{uuid.uuid4().hex}"
        with psycopg.connect(host=str(self.folder), user="ledger", dbname="postgres", autocommit=True) as connection:
            connection.execute(f"CREATE SCHEMA {name}")
        return f"{self.url}&options=-csearch_path%3D{name}"

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [str(self.programs / program), "-D", str(self.folder / "data"), *arguments],
            check=True,
            user=self.user,
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=120,
        )


def programs() -> Path | None:
    """The folder of initdb and pg_ctl, if they are installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    return Path(on_path).resolve().parent if on_path else None


def unprivileged() -> str | None:
    """The servers refuse to run as root, so root starts them as somebody else."""
    if os.getuid() != 0:
        return None
    names = {account.pw_name for account in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"
