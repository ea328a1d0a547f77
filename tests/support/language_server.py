"""A YAML language server, as editors run it, on its standard streams: files in, what an editor would show out."""

from __future__ import annotations

import json
import queue
import shutil
import subprocess
import threading
from pathlib import Path
from typing import Any, Self

from tests.support.node import NODE_MODULES
from tests.support.waiting import PATIENCE

PROGRAM = "yaml-language-server"

Json = dict[str, Any]


def program() -> str | None:
    """The server, if it is installed: from npm into the environment of the tests, or anywhere."""
    here = NODE_MODULES / ".bin" / PROGRAM
    return str(here) if here.exists() else shutil.which(PROGRAM)


class LanguageServer:
    """``open`` a file, then ask: ``diagnostics``, ``hover``, ``complete``; lines and columns count from 0.

    It is told not to look for schemas anywhere but in the files' own words.
    """

    def __init__(self, command: str) -> None:
        self._process = subprocess.Popen(
            [command, "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self._answers: queue.Queue[Json] = queue.Queue()
        self._published: queue.Queue[Json] = queue.Queue()
        self._number = 0
        self._settled = threading.Event()
        self.fetched: list[str] = []
        threading.Thread(target=self._listen, daemon=True).start()
        shown = {"completion": {"completionItem": {"documentationFormat": ["markdown"]}}}
        capabilities = {"workspace": {"configuration": True}, "textDocument": shown}
        self._ask("initialize", {"processId": None, "rootUri": None, "capabilities": capabilities})
        self._tell("initialized", {})
        assert self._settled.wait(PATIENCE)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._ask("shutdown", None)
        self._tell("exit", None)
        self._process.wait(timeout=PATIENCE)
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None
            stream.close()

    def open(self, path: Path, text: str | None = None) -> str:
        """Show a file in the editor, with ``text`` in the place of what it holds; returns its URI.

        Each time it is another file of the same folder, so that what is said of one is not taken for another's.
        """
        self._number += 1
        uri = path.with_name(f"{path.stem}-{self._number}{path.suffix}").as_uri()
        shown = path.read_text(encoding="utf-8") if text is None else text
        document = {"uri": uri, "languageId": "yaml", "version": 1, "text": shown}
        self._tell("textDocument/didOpen", {"textDocument": document})
        return uri

    def diagnostics(self, path: Path, text: str | None = None) -> list[tuple[int, str]]:
        """What would be underlined in a file: line and message, by line."""
        uri = self.open(path, text)
        while (told := self._published.get(timeout=PATIENCE))["uri"] != uri:
            pass
        self.close(uri)
        return sorted((each["range"]["start"]["line"], each["message"]) for each in told["diagnostics"])

    def hover(self, path: Path, text: str, at: str) -> str:
        """The text shown over the first place where ``at`` stands."""
        uri = self.open(path, text)
        found = self._ask("textDocument/hover", {"textDocument": {"uri": uri}, "position": _position(text, at)})
        self.close(uri)
        contents = (found or {}).get("contents", "")
        return contents if isinstance(contents, str) else str(contents["value"])

    def complete(self, path: Path, text: str) -> dict[str, Json]:
        """What is offered where ``|`` stands, by label."""
        shown = text.replace("|", "")
        uri = self.open(path, shown)
        asked = {"textDocument": {"uri": uri}, "position": _position(text, "|")}
        found = self._ask("textDocument/completion", asked) or []
        self.close(uri)
        items = found["items"] if isinstance(found, dict) else found
        return {str(item["label"]): item for item in items}

    def close(self, uri: str) -> None:
        """Put a file away."""
        self._tell("textDocument/didClose", {"textDocument": {"uri": uri}})

    # the protocol

    def _ask(self, method: str, params: Any) -> Any:
        self._number += 1
        self._send({"id": self._number, "method": method, "params": params})
        while (answer := self._answers.get(timeout=PATIENCE)).get("id") != self._number:
            pass
        assert "error" not in answer, answer
        return answer.get("result")

    def _tell(self, method: str, params: Any) -> None:
        self._send({"method": method, "params": params})

    def _send(self, message: Json) -> None:
        content = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self._process.stdin is not None
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(content), content))
        self._process.stdin.flush()

    def _listen(self) -> None:
        """Every message of the server, to where it is waited for; its questions are answered at once."""
        stream = self._process.stdout
        assert stream is not None
        while header := stream.readline():
            length = int(header.split(b":")[1])
            while stream.readline().strip():
                pass
            message = json.loads(stream.read(length))
            if "method" not in message:
                self._answers.put(message)
            elif message["method"] == "textDocument/publishDiagnostics":
                told = message["params"]
                self._published.put({"uri": told["uri"], "diagnostics": told["diagnostics"]})
            elif "id" in message:
                self._answer(message)

    def _answer(self, message: Json) -> None:
        result: Any = None
        if message["method"] == "workspace/configuration":
            yaml = {"schemaStore": {"enable": False}, "validate": True, "hover": True, "completion": True}
            sections = {"yaml": yaml, "http": {}, "[yaml]": {}}
            result = [sections.get(each.get("section")) for each in message["params"]["items"]]
        elif message["method"] in ("vscode/content", "custom/schema/content"):
            self.fetched.append(str(message["params"]))
        self._send({"id": message["id"], "result": result})
        if message["method"] == "workspace/configuration":
            self._settled.set()


def _position(text: str, at: str) -> Json:
    before = text[: text.index(at)]
    return {"line": before.count("\n"), "character": len(before) - before.rfind("\n") - 1}
