"""A stand-in for GitHub's REST API, for the real gh: comments, issues, pull requests, runs, artifacts, and faults.

gh speaks plain HTTP with the host github.localhost only, and reaches it here through ``HTTP_PROXY``.
"""

from __future__ import annotations

import io
import itertools
import json
import re
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

REPOSITORY = "acme/account"
BOT = "github-actions[bot]"


class GitHub:
    """What it holds is there to be looked at and changed; ``faults`` maps ``"METHOD pattern"`` to a status.

    A status of 0 hangs up without an answer. ``read_only`` refuses writes, like the token of a fork's pull request.
    """

    def __init__(self) -> None:
        self.comments: list[dict[str, Any]] = []
        self.issues: list[dict[str, Any]] = []
        self.pulls: dict[str, list[dict[str, Any]]] = {}
        self.runs: dict[int, dict[str, Any]] = {}
        self.artifacts: list[dict[str, Any]] = []
        self.blobs: dict[int, bytes] = {}
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        self.faults: dict[str, int] = {}
        self.read_only = False
        self.careless = False  # lists runs of every event, commit and workflow, whatever it is asked for
        self.numbers = itertools.count(100)
        self._api = _server(self)
        self._storage = _server(self)
        self.proxy = {"HTTP_PROXY": f"http://127.0.0.1:{self._api.server_port}", "NO_PROXY": "127.0.0.1"}
        self.storage = f"http://127.0.0.1:{self._storage.server_port}"

    def close(self) -> None:
        """Stop serving."""
        for server in (self._api, self._storage):
            server.shutdown()
            server.server_close()

    def upload(self, name: str, folder: Path, run: dict[str, Any], **more: Any) -> dict[str, Any]:
        """Leave an artifact, as upload-artifact does in a job of ``run``."""
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as archive:
            for file in sorted(folder.rglob("[!.]*")):
                archive.write(file, file.relative_to(folder))
        number = next(self.numbers)
        self.runs[run["id"]] = run
        self.blobs[number] = content.getvalue()
        url = f"http://api.github.localhost/repos/{REPOSITORY}/actions/artifacts/{number}/zip"
        made = {"id": number, "name": name, "expired": False, "archive_download_url": url, "run": run["id"]}
        self.artifacts.append({**made, **more})
        return self.artifacts[-1]

    def writes(self) -> list[str]:
        """``METHOD path`` of everything but GETs."""
        return [f"{method} {path}" for method, path, _ in self.requests if method != "GET"]

    def fault(self, method: str, path: str) -> int | None:
        """The fault that this call meets."""
        for pattern, status in self.faults.items():
            verb, _, rest = pattern.partition(" ")
            if verb in (method, "*") and re.search(rest, path):
                return status
        return 403 if self.read_only and method != "GET" else None

    def answer(  # noqa: C901
        self, method: str, path: str, query: dict[str, str], body: Any
    ) -> tuple[int, Any]:
        """Status and JSON of one call below ``/repos/OWNER/NAME``."""
        parts = path.strip("/").split("/")
        if len((body or {}).get("body", "").encode("utf-16-le")) // 2 > 65_536:
            return 422, {"message": "body is too long (maximum is 65536 characters)"}
        match (method, *parts):
            case ("GET", "issues", number, "comments"):
                return 200, _page([each for each in self.comments if each["issue"] == int(number)], query)
            case ("POST", "issues", number, "comments"):
                return 201, self._made(self.comments, {"issue": int(number), **body})
            case ("PATCH", "issues", "comments", number):
                return self._changed(self.comments, "id", number, body)
            case ("GET", "issues"):
                found = [each for each in self.issues if each["state"] == query.get("state", "open")]
                return 200, _page([each for each in found if each["user"]["login"] == query["creator"]], query)
            case ("POST", "issues"):
                return 201, self._made(self.issues, {"number": next(self.numbers), "state": "open", **body})
            case ("PATCH", "issues", number):
                return self._changed(self.issues, "number", number, body)
            case ("GET", "commits", sha, "pulls"):
                return 200, _page(self.pulls.get(sha, []), query)
            case ("GET", "actions", "workflows", file, "runs"):
                runs = sorted(self.runs.values(), key=lambda run: int(run["id"]), reverse=True)
                runs = [run for run in runs if self.careless or self._is_asked_for(run, file, query)]
                return 200, {"total_count": len(runs), "workflow_runs": _page(runs, query)}
            case ("GET", "actions", "runs", number, "artifacts"):
                found = [each for each in self.artifacts if each["run"] == int(number)]
                return 200, {"total_count": len(found), "artifacts": _page(found, query)}
            case ("GET", "actions", "artifacts", number, "zip"):
                return 302, f"{self.storage}/blobs/{number}"
        return 404, {"message": "Not Found"}

    @staticmethod
    def _is_asked_for(run: dict[str, Any], file: str, query: dict[str, str]) -> bool:
        name = run["path"].rpartition("/")[2].partition("@")[0]
        return (run["event"], run["head_sha"], name) == (query["event"], query["head_sha"], file)

    def _made(self, where: list[dict[str, Any]], body: dict[str, Any]) -> dict[str, Any]:
        where.append({"id": next(self.numbers), "user": {"login": BOT}, **body})
        return where[-1]

    def _changed(self, where: list[dict[str, Any]], key: str, number: str, body: dict[str, Any]) -> tuple[int, Any]:
        for each in where:
            if each[key] == int(number):
                each |= body
                return 200, each
        return 404, {"message": "Not Found"}


def _page(items: list[Any], query: dict[str, str]) -> list[Any]:
    size, page = int(query.get("per_page", 30)), int(query.get("page", 1))
    return items[size * (page - 1) : size * page]


def _next(url: str, query: dict[str, str], found: Any) -> dict[str, str]:
    """The header that leads to the next page; after a full one there may be more."""
    if not isinstance(found, list) or len(found) < int(query.get("per_page", 30)):
        return {}
    page = int(query.get("page", 1))
    following = re.sub(r"&page=\d+", "", url) + f"&page={page + 1}"
    return {"Link": f'<{following}>; rel="next"'}


def _server(github: GitHub) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        """One call."""

        protocol_version = "HTTP/1.1"

        def _handle(self) -> None:
            url = urlsplit(self.path)
            github.requests.append((self.command, self.path, dict(self.headers)))
            body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"null")
            fault = github.fault(self.command, url.path)
            if fault == 0:
                self.close_connection = True
            elif url.path.startswith("/blobs/"):
                self._send(fault or 200, github.blobs.get(int(url.path.rpartition("/")[2]), b""))
            elif fault:
                self._send(fault, b'{"message": "a fault"}')
            else:
                query = {name: values[0] for name, values in parse_qs(url.query).items()}
                path = url.path.removeprefix(f"/repos/{REPOSITORY}")
                status, found = github.answer(self.command, path, query, body)
                if status == 302:
                    self._send(302, b"", Location=found)
                else:
                    self._send(status, json.dumps(found).encode(), **_next(self.path, query, found))

        do_GET = do_POST = do_PATCH = _handle  # noqa: N815

        def _send(self, status: int, content: bytes, **headers: str) -> None:
            self.send_response(status)
            for name, value in {"Content-Length": str(len(content)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *args: Any) -> None:
            """Not on our screen."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    return server


def running() -> Iterator[GitHub]:
    """One that serves until it is not needed any more."""
    github = GitHub()
    try:
        yield github
    finally:
        github.close()
