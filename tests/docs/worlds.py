"""The blocks of a page → shell scripts, run one after the other as a reader would, against an emulated account."""

from __future__ import annotations

import re
import shlex
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import requests

from reconciler.emulator import Emulator
from reconciler.emulator.seedfiles import read
from reconciler.ledger import lock_holder
from tests.docs.conftest import ROOT, SECRETS
from tests.docs.pages import Block

#: The port that pages name; every run has one of its own.
PORT = "8642"
#: The command that stays, as in a terminal of its own.
EMULATOR = "reconciler emulator"
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(\.\d+)?(\+00:00|Z)?")
#: How often a run writes its ledger depends on how its calls fall together; before the first one it does not.
_SERIAL = re.compile(r"\bledger serial (?:[2-9]|\d\d+)\b")
_WHO = re.compile(re.escape(f"{lock_holder.here().who} on {lock_holder.here().host}"))
_TOOK = re.compile(r"\b\d+\.\d+ m?s\b")


class World(NamedTuple):
    """A setting and the blocks that follow it on a page."""

    setting: Block | None
    blocks: list[Block]

    @property
    def name(self) -> str:
        """Where it begins."""
        return (self.setting or self.blocks[0]).name


def worlds(blocks: list[Block]) -> list[World]:
    """The blocks that run or are written, by the setting they belong to."""
    found: list[World] = [World(None, [])]
    for block in blocks:
        if block.language == "try":
            found.append(World(block, []))
        elif block.language in ("sh", "console", "meanwhile") or block.what == "write":
            found[-1].blocks.append(block)
    return [world for world in found if world.blocks]


class Shell:
    """One reader at work: folder, variables and port live on from block to block."""

    def __init__(self, folder: Path, env: dict[str, str], stack: ExitStack) -> None:
        self.folder, self.env, self._stack = folder, env, stack
        self._state = folder.parent / "state.sh"
        self._port = free_port()

    def enter(self, setting: str) -> None:
        """``seed=NAME in=DIR key=KEY connections=A,B``: an emulator that runs until the end; ``alone``: none."""
        given = dict(word.split("=", 1) for word in shlex.split(setting) if "=" in word)
        self.folder = self.folder / given.get("in", ".")
        if "alone" in setting.split():
            return
        key = given.get("key", "emulator-key")
        server = self._stack.enter_context(Emulator(key=key))
        names = given.get("connections", "default").split(",")
        seed = read(ROOT / "examples" / "accounts" / f"{given['seed']}.yaml") if "seed" in given else {}
        for name in names:
            server.account(name, seed if name == names[0] else {})
        self.env |= {"RECONCILER_GATEWAY_URL": server.url} | ({} if "key" in given else {"MATON_API_KEY": key})
        self.env |= SECRETS | {"RECONCILER_LEDGER_KEY": "one that makes the same marks in every run"}

    def do(self, block: Block) -> str:
        """What the block prints; fails where a line of a ``sh`` block does."""
        if block.what == "write":
            path = self.folder / block.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, encoding="utf-8")
            return ""
        if block.language == "meanwhile":
            return self._meanwhile(block.text)
        script = block.text.replace(PORT, str(self._port))
        if script.startswith(EMULATOR):
            own = script.strip().replace(EMULATOR, f"{EMULATOR} --port {self._port}", 1)
            self._stack.enter_context(_staying(own, self.folder, self.env))
            return ""
        return self._steady(self._run(script if block.language == "sh" else _session(script), block))

    def _meanwhile(self, request: str) -> str:
        """``PATCH /api/contacts/1 {"locale": "fr"}``, sent by somebody else; prints nothing."""
        method, path, *body = request.split(" ", 2)
        form = "merge-patch+json" if method == "PATCH" else "json"
        headers = {"Authorization": f"Bearer {self.env['MATON_API_KEY']}", "Content-Type": f"application/{form}"}
        url = f"{self.env['RECONCILER_GATEWAY_URL']}/systeme{path}"
        answer = requests.request(method, url, data=body[0].encode() if body else None, headers=headers, timeout=10)
        answer.raise_for_status()
        return ""

    def _run(self, script: str, block: Block) -> str:
        strict = "set -euo pipefail\n" if block.language == "sh" else ""
        at_end = f"{{ export -p; printf 'cd %q\\n' \"$PWD\"; }} > {self._state}"
        keep = f"at_end() {{ local code=$?; {at_end}; exit $code; }}\ntrap at_end EXIT\n"
        made = 'make() { command make -n "$@"; }\n'  # the long ones have tests of their own
        before = f"source {self._state} > /dev/null\n" if self._state.exists() else ""
        done = subprocess.run(
            ["bash", "-c", before + keep + made + strict + script],
            cwd=self.folder,
            env=self.env,
            timeout=120,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            check=False,
        )
        assert block.language == "console" or done.returncode == 0, f"{block.name}\n{done.stdout}"
        assert "Traceback (most recent" not in done.stdout, f"{block.name}\n{done.stdout}"
        return done.stdout

    def _steady(self, printed: str) -> str:
        """The same in every run: ports, folders, moments."""
        for folder in dict.fromkeys((str(self.folder), str(self._state.parent))):
            printed = printed.replace(folder, "/path/to")
        printed = re.sub(r"127\.0\.0\.1:\d+", f"127.0.0.1:{PORT}", printed)
        printed = _WHO.sub("ann on laptop", printed)
        printed = _SERIAL.sub("ledger serial 12", printed)
        return _TOOK.sub("0.2 s", _MOMENT.sub("2026-01-15 09:30", printed))


def _session(text: str) -> str:
    """A script that shows each command of a ``console`` block as typed, and lets the next one ask for its ``$?``."""
    commands = [line[2:] for line in text.splitlines() if line.startswith("$ ")]
    parts = [f"printf '%s\\n' {shlex.quote('$ ' + each)}; (exit $__s); {each}\n__s=$?\n" for each in commands]
    return "__s=0\n" + "".join(parts)


@contextmanager
def _staying(script: str, cwd: Path, env: dict[str, str]) -> Iterator[None]:
    """A command in another terminal, until it says that it listens and for as long as it is needed."""
    with subprocess.Popen(
        ["bash", "-c", f"exec {script}"], cwd=cwd, env=env, stdout=subprocess.PIPE, text=True
    ) as made:
        try:
            assert made.stdout and made.stdout.readline().startswith("listening on")
            yield
        finally:
            made.terminate()


def free_port() -> int:
    """One that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
