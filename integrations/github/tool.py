"""reconciler as the action runs it: isolated, with what it needs of the environment, its words passed on as text."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from types import FrameType
from urllib.parse import unquote

from workflow import mask, quoted, temp, told

#: Variables that are the runner's and this action's own; the tool has no business with them.
_BLOCKED = re.compile(
    r"GITHUB_(?!ACTIONS$|WORKSPACE$|SERVER_URL$|REPOSITORY$|SHA$|RUN_ID$)|ACTIONS_|PYTHON|PIP_|TOKEN$"
)


def secrets_masked() -> None:
    """The runner shows stars in place of the keys, and of the password in the ledger's URL."""
    for name in ("MATON_API_KEY", "RECONCILER_LEDGER_KEY", "RECONCILER_LEDGER"):
        mask(os.environ.get(name, ""))
    login = told("RECONCILER_LEDGER").partition("://")[2].rpartition("@")[0]  # a password may hold any character
    password = login.partition(":")[2]
    for text in (password, unquote(password)):
        mask(text)


def reconciler(*args: str) -> tuple[int, str]:
    """Run one command line in the checkout: its exit code, and all that it said, which is in the log as well.

    A signal to this process is passed on, so that a cancelled apply ends in order and is recorded.
    """
    environment = ["-e", told("ENVIRONMENT")] if told("ENVIRONMENT") else []
    python = temp("reconciler-tool/bin/python")
    command = [str(python), "-I", "-m", "reconciler", *environment, *args]
    with quoted():
        return _followed(command, environment_of())


def environment_of() -> dict[str, str]:
    """What the tool is given: secrets that the files name are in it, tokens of the job are not."""
    given = {name: value for name, value in os.environ.items() if not _BLOCKED.match(name)}
    ledger = told("FETCHED") or told("RECONCILER_LEDGER")
    given |= {"RECONCILER_LEDGER": ledger, "CI": "true"}
    empty = [name for name in given if name.startswith("RECONCILER_") and not given[name].strip()]
    return {name: value for name, value in given.items() if name not in empty}


def _followed(command: list[str], env: dict[str, str]) -> tuple[int, str]:
    said = []
    with subprocess.Popen(
        command, env=env, cwd=told("GITHUB_WORKSPACE") or ".", stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8", errors="replace",
    ) as process:  # fmt: skip

        def pass_on(number: int, frame: FrameType | None) -> None:
            process.send_signal(number)

        before = {number: signal.signal(number, pass_on) for number in (signal.SIGINT, signal.SIGTERM)}
        for line in process.stdout or ():
            said.append(line)
            sys.stdout.write(line)
            sys.stdout.flush()
        code = process.wait()
        for number, handler in before.items():
            signal.signal(number, handler)
    return (code if code >= 0 else 128 - code), "".join(said)


def emptied(name: str) -> Path:
    """An empty folder of this job that nobody else can read."""
    folder = temp(name)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for file in folder.iterdir():
        file.unlink()
    return folder
