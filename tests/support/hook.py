"""A server on loopback that takes notifications and remembers them."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Taken:
    """``documents`` and ``headers`` of what came; ``answers`` are given one after the other, then 200."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.documents: list[dict[str, Any]] = []
        self.bodies: list[bytes] = []
        self.headers: list[dict[str, str]] = []
        self.answers: list[tuple[int, dict[str, str]]] = []

    @property
    def events(self) -> list[str]:
        """What was told of, in order."""
        return [each["event"] for each in self.documents]


@contextmanager
def hook(path: str = "/hooks/s3cr3t-path?token=s3cr3t-token") -> Iterator[Taken]:
    """A running one."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            taken.bodies.append(body)
            taken.documents.append(json.loads(body))
            taken.headers.append(dict(self.headers))
            status, more = taken.answers.pop(0) if taken.answers else (200, {})
            self.send_response(status)
            for name, value in {"Content-Length": "0", **more}.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nobody reads along."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        taken = Taken(f"http://127.0.0.1:{server.server_port}{path}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield taken
        finally:
            server.shutdown()
            thread.join(10)
