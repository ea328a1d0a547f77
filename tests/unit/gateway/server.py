"""A raw loopback server that plays a script: one move for each request, the last one for all that follow."""

from __future__ import annotations

import json
import socket
import struct
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Move:
    """Bytes to send, and how the connection ends: ``keep``, ``close``, ``reset``, ``hang`` or ``drip``.

    To drip is to send ``drops`` again and again, with pauses that are shorter than any time-out.
    """

    data: bytes = b""
    then: str = "keep"
    drops: bytes = b"x"


@dataclass(frozen=True)
class Seen:
    """One request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    connection: int


def answer(status: int, body: Any = None, *, raw: bytes | None = None, then: str = "keep", **headers: str) -> Move:
    """An HTTP answer; ``body`` is sent as JSON, ``raw`` as it is; ``_`` in header names stands for ``-``."""
    content = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
    head = {"Content-Type": "application/json", "Content-Length": str(len(content))}
    head.update({name.replace("_", "-"): value for name, value in headers.items()})
    lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
    return Move(f"HTTP/1.1 {status} X\r\n{lines}\r\n".encode() + content, then)


def cut(status: int = 200) -> Move:
    """An answer that promises more than it sends."""
    return Move(b"HTTP/1.1 %d X\r\nContent-Length: 500\r\n\r\n{" % status, "close")


_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
#: Answers that never end, while something comes all the time.
DRIPS = {
    "status line": Move(b"HTTP/1.1 200 O", "drip"),
    "headers": Move(_HEAD, "drip", b"X-A: b\r\n"),
    "one header": Move(_HEAD + b"X-A: ", "drip"),
    "body with a length": Move(_HEAD + b"Content-Length: 1000000\r\n\r\n", "drip"),
    "body in chunks": Move(_HEAD + b"Transfer-Encoding: chunked\r\n\r\n", "drip", b"1\r\n \r\n"),
    "body without an end": Move(_HEAD + b"Connection: close\r\n\r\n", "drip", b" "),
}
HANG_UP, RESET, HANG = Move(then="close"), Move(then="reset"), Move(then="hang")


@dataclass
class RawServer:
    """Listens from construction to ``close()``, which joins every thread and closes every socket."""

    moves: list[Move]
    seen: list[Seen] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._sockets: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(0.02)
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._start(self._accept)

    def __enter__(self) -> RawServer:
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._threads[0].join()
        for thread in self._threads[1:]:
            thread.join()
        self._listener.close()

    def _start(self, target: Any, *args: Any) -> None:
        thread = threading.Thread(target=target, args=args)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        number = 0
        while not self._over.is_set():
            try:
                peer, _ = self._listener.accept()
            except TimeoutError:
                continue
            number += 1
            self._start(self._serve, peer, number)

    def _serve(self, peer: socket.socket, number: int) -> None:
        with peer:
            peer.settimeout(0.02)
            while (request := self._request(peer, number)) is not None:
                with self._lock:
                    self.seen.append(request)
                    move = self.moves.pop(0) if len(self.moves) > 1 else self.moves[0]
                if move.data:
                    peer.sendall(move.data)
                if move.then == "hang":
                    self._over.wait()
                if move.then == "drip":
                    self._drip(peer, move.drops)
                if move.then == "reset":
                    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                if move.then != "keep":
                    return

    def _drip(self, peer: socket.socket, drops: bytes) -> None:
        with suppress(OSError):
            while not self._over.wait(0.2):
                peer.sendall(drops)

    def _request(self, peer: socket.socket, number: int) -> Seen | None:
        data = b""
        while b"\r\n\r\n" not in data or len(data) < _whole(data):
            if self._over.is_set():
                return None
            try:
                part = peer.recv(65_536)
            except TimeoutError:
                continue
            except ConnectionError:
                return None
            if not part:
                return None
            data += part
        head, _, body = data.partition(b"\r\n\r\n")
        first, *rest = head.decode().split("\r\n")
        method, path, _ = first.split(" ")
        return Seen(method, path, _headers(rest), body, number)


def _headers(lines: list[str]) -> dict[str, str]:
    pairs = (line.split(": ", 1) for line in lines)
    return {name.lower(): value for name, value in pairs}


def _whole(data: bytes) -> int:
    head = data.partition(b"\r\n\r\n")[0]
    headers = _headers(head.decode().split("\r\n")[1:])
    return len(head) + 4 + int(headers.get("content-length", "0"))


def refused_port() -> int:
    """A port on loopback where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
