"""A command on a terminal of its own, whose screen can be read while it runs, and whose keys can be pressed."""

from __future__ import annotations

import fcntl
import os
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self

import pyte

from tests.support.waiting import PATIENCE

#: Makes its standard input the controlling terminal, heeds Ctrl-C (who runs in the background does not), then becomes
#: the command.
_LAUNCH = """import fcntl, os, signal, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execv(sys.argv[1], sys.argv[1:])"""


class Screen:
    """``columns`` by ``rows``; ``raw`` is every byte that came, ``lines`` what a person sees now."""

    def __init__(
        self, args: Sequence[str], *, cwd: object, env: Mapping[str, str], columns: int = 80, rows: int = 60
    ) -> None:
        self.raw = b""
        self.screen = pyte.Screen(columns, rows)
        self.stream = pyte.ByteStream(self.screen)
        self._ours, theirs = os.openpty()
        self._size(columns, rows)
        self.process = subprocess.Popen(
            [sys.executable, "-c", _LAUNCH, *args],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            cwd=str(cwd),
            env={"TERM": "xterm-256color", **env},
            start_new_session=True,
        )
        os.close(theirs)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self._ours)

    @property
    def lines(self) -> list[str]:
        """What is on the screen, without the blanks at the end."""
        return [line.rstrip() for line in self.screen.display]

    @property
    def text(self) -> str:
        """The same, as one text."""
        return "\n".join(self.lines).rstrip()

    @property
    def flowing(self) -> str:
        """All that is on the screen, without any blank: what was broken over lines is whole again."""
        return "".join(self.text.split())

    def until(self, *wanted: str) -> str:
        """The screen once all of these are on it at the same time, on however many lines each."""
        end = time.monotonic() + PATIENCE
        while not all("".join(each.split()) in self.flowing for each in wanted):
            assert self._read(end), f"{wanted} never came:\n{self.text}"
        return self.text

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self._ours, keys.encode())

    def resize(self, columns: int, rows: int = 60) -> None:
        """Another size, and the signal that says so."""
        self._size(columns, rows)
        self.screen.resize(rows, columns)
        os.killpg(self.process.pid, signal.SIGWINCH)

    def end(self) -> int:
        """The exit code, once everything has been read."""
        end = time.monotonic() + PATIENCE
        while self._read(end):
            pass
        return self.process.wait(PATIENCE)

    def _size(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self._ours, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def _read(self, end: float) -> bool:
        """Whether something may still come; waits a little for it."""
        assert time.monotonic() < end, f"too long:\n{self.text}"
        if not select.select([self._ours], [], [], 0.1)[0]:
            return True
        try:
            piece = os.read(self._ours, 65536)
        except OSError:  # the other side is closed
            return False
        self.raw += piece
        self.stream.feed(piece)
        return bool(piece)
