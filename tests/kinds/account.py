"""Gadgets of an account as JSON over HTTP; whatever else is asked for goes on to the emulator."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import requests

PATH = "/systeme/api/gadgets"
#: What is sent under another name than it is answered, and what is never answered.
ANSWERED = {"label": "labelText"}
HIDDEN = ("pinCode", "tagIds")
_PASSED = ("authorization", "content-type", "maton-connection")


class Gadgets:
    """The rows, and the bodies of the writes in their order."""

    def __init__(self, behind: str) -> None:
        self.behind = behind
        self.rows: dict[int, dict[str, Any]] = {}
        self.writes: list[tuple[str, Any]] = []
        self.next = 501

    def answer(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        """Status and document."""
        number = int(path.rpartition("/")[2]) if path != PATH else 0
        if method != "GET":
            self.writes.append((method, body))
        if path == PATH and method == "GET":
            return 200, {"items": [self.shown(each) for each in sorted(self.rows)], "hasMore": False}
        if method == "POST":
            number, self.next = self.next, self.next + 1
            self.rows[number] = {"isActive": True, "plan": "basic"}
        elif number not in self.rows:
            return 404, {"detail": "Not Found"}
        if method == "DELETE":
            del self.rows[number]
            return 204, None
        for key, value in (body or {}).items():
            if key == "noteTexts":
                kept = {**self.rows[number].get(key, {}), **value}
                value = {slug: text for slug, text in kept.items() if text is not None}
            self.rows[number][key] = value
        return 201 if method == "POST" else 200, self.shown(number)

    def shown(self, number: int) -> dict[str, Any]:
        """A row as an answer has it."""
        row = {ANSWERED.get(key, key): value for key, value in self.rows[number].items() if key not in HIDDEN}
        return {"id": number, **row}


@contextmanager
def serving(gadgets: Gadgets) -> Iterator[str]:
    """The address of a running server."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _handle(self) -> None:
            sent = self.rfile.read(int(self.headers.get("content-length") or 0))
            path = urlsplit(self.path).path
            if path == PATH or path.startswith(PATH + "/"):
                status, document = gadgets.answer(self.command, path, json.loads(sent) if sent else None)
                self._end(status, b"" if document is None else json.dumps(document).encode())
                return
            headers = {name: self.headers[name] for name in _PASSED if self.headers[name]}
            found = requests.request(self.command, gadgets.behind + self.path, data=sent, headers=headers, timeout=60)
            self._end(found.status_code, found.content)

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _handle  # noqa: N815 - names of the base class

        def _end(self, status: int, content: bytes) -> None:
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name of the base class
            """Nothing on the terminal."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
