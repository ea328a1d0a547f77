"""A folder with YAML files and an account on the emulator, driven through the command line in this process."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

from reconciler.cli.main import run
from reconciler.emulator import Account, Emulator


class Result(NamedTuple):
    """How a command ended: exit code, standard output, standard error."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """Standard output as JSON."""
        return json.loads(self.out)


class _Noticing(io.StringIO):
    """Calls ``first`` once, before the first text is written."""

    def __init__(self, first: Callable[[], None] | None) -> None:
        super().__init__()
        self.first = first

    def write(self, text: str, /) -> int:
        first, self.first = self.first, None
        if first is not None:
            first()
        return super().write(text)


class Project:
    """``write`` files, ``run`` commands; ``account`` is the handle of the emulated account."""

    def __init__(self, folder: Path, server: Emulator, account: Account) -> None:
        self.folder, self.server, self.account = folder, server, account
        self.env: dict[str, str] = {
            "MATON_API_KEY": server.key,
            "RECONCILER_GATEWAY_URL": server.url,
            "RECONCILER_CONNECTION": account.connection,
            "RECONCILER_RATE_LIMIT": "0",
            "RECONCILER_ENV_ALLOW": "*",
            "RECONCILER_WAIT": "0",
        }

    def write(self, text: str, name: str = "site.yaml") -> Path:
        """Write one file of the project, folders included."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def run(
        self, *args: str, env: Mapping[str, str | None] | None = None, on_output: Callable[[], None] | None = None
    ) -> Result:
        """One command line in this process, started in the project folder.

        ``on_output`` is called once, when the command first prints: ``apply`` has planned and sent nothing yet.
        """
        out, err = _Noticing(on_output), io.StringIO()
        streams = contextlib.ExitStack()
        streams.enter_context(contextlib.redirect_stdout(out))
        streams.enter_context(contextlib.redirect_stderr(err))
        with self._environment({**self.env, **(env or {})}), contextlib.chdir(self.folder), streams:
            code = run(list(args))
        return Result(code, out.getvalue(), err.getvalue())

    def process(self, *args: str, env: Mapping[str, str | None] | None = None, stdin: str | None = None) -> Result:
        """The same as a process of its own."""
        done = subprocess.run(
            [sys.executable, "-m", "reconciler", *args],
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=120,
            env=self.environment(env),
            input=stdin,
            check=False,
        )
        return Result(done.returncode, done.stdout, done.stderr)

    def started(self, *args: str, env: Mapping[str, str | None] | None = None) -> subprocess.Popen[bytes]:
        """A process of its own that runs; its output is dropped."""
        return subprocess.Popen(
            [sys.executable, "-m", "reconciler", *args],
            cwd=self.folder,
            env=self.environment(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def environment(self, env: Mapping[str, str | None] | None = None) -> dict[str, str]:
        """What a process of its own is given."""
        merged = {**_clean_environment(), **self.env, **(env or {})}
        return {name: value for name, value in merged.items() if value is not None}

    def plan(self, *args: str) -> dict[str, Any]:
        """The document of ``plan --json``; fails when the plan fails."""
        result = self.run("plan", "--json", *args)
        assert result.code == 0, result.err
        document: dict[str, Any] = result.document
        return document

    def apply(self, *args: str) -> dict[str, Any]:
        """The document of ``apply --yes --json``, with no limit for e-mail; fails when the apply does."""
        result = self.run("apply", "--yes", "--json", *args, env={"RECONCILER_EMAILS": "1000000"})
        assert result.code == 0, result.err + result.out
        document: dict[str, Any] = result.document
        return document

    def assert_converged(self) -> None:
        """The next plan is empty, and the next apply sends nothing but reads."""
        result = self.run("plan", "--detailed-exitcode")
        assert result.code == 0, result.out + result.err

    def change(self, address: str, *args: str) -> dict[str, Any]:
        """What ``plan --json`` says of one resource."""
        (change,) = (each for each in self.plan(*args)["changes"] if each["address"] == address)
        found: dict[str, Any] = change
        return found

    @contextlib.contextmanager
    def _environment(self, wanted: Mapping[str, str | None]) -> Iterator[None]:
        before = dict(os.environ)
        os.environ.clear()
        os.environ.update(_clean_environment())
        os.environ.update({name: value for name, value in wanted.items() if value is not None})
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(before)


def _clean_environment() -> dict[str, str]:
    """This process's environment without what would steer the tool."""
    own = ("RECONCILER_", "MATON_", "CI", "NO_COLOR", "FORCE_COLOR")
    return {name: value for name, value in os.environ.items() if not name.startswith(own)}


def requests_of(account: Account, *, writes: bool = False) -> list[str]:
    """The account's request log as ``METHOD /path?query`` lines, in order."""
    log = account.writes if writes else account.requests
    queries = [f"?{urlencode(each['query'])}" if each["query"] else "" for each in log]
    return [f"{each['method']} {each['path']}{query}" for each, query in zip(log, queries, strict=True)]
