"""The least that an honest plan has to do: YAML events with lines, pages by http.client and json, one ``==`` each.

No validation, no ledger, no order, no output: what the tool needs beyond this is the price of those.
"""

from __future__ import annotations

import http.client
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from yaml.cyaml import CParser
from yaml.events import MappingEndEvent, MappingStartEvent, ScalarEvent, SequenceEndEvent, SequenceStartEvent

PATHS = {
    "contacts": "/api/contacts",
    "tags": "/api/tags",
    "enrollments": "/api/school/enrollments",
    "courses": "/api/school/courses",
    "contact_fields": "/api/contact_fields",
    "webhooks": "/api/webhooks",
}
WHOLE = ("contact_fields", "webhooks")


def load(path: Path) -> Any:
    """The document, every mapping with the line it begins in."""
    parser = CParser(path.read_bytes())
    get = parser.get_event
    while not isinstance(event := get(), MappingStartEvent):
        pass
    return _node(event, get)


def _node(event: Any, get: Any) -> Any:
    if type(event) is ScalarEvent:
        return event.value
    if type(event) is SequenceStartEvent:
        items = []
        while type(item := get()) is not SequenceEndEvent:
            items.append(item.value if type(item) is ScalarEvent else _node(item, get))
        return items
    made: dict[str, Any] = {"": event.start_mark.line}
    while type(key := get()) is not MappingEndEvent:
        value = get()
        made[key.value] = value.value if type(value) is ScalarEvent else _node(value, get)
    return made


def walk(url: str, key: str, connection: str, section: str) -> list[dict[str, Any]]:
    """Every item of one collection over one connection."""
    parts = urlsplit(url)
    link = http.client.HTTPConnection(parts.hostname or "", parts.port)
    headers = {"Authorization": f"Bearer {key}", "Maton-Connection": connection}
    items: list[dict[str, Any]] = []
    target = f"/systeme{PATHS[section]}" + ("" if section in WHOLE else "?limit=100")
    after = ""
    while True:
        link.request("GET", target + after, headers=headers)
        answer = link.getresponse()
        page = json.loads(answer.read())
        if answer.status != 200:
            raise SystemExit(f"{answer.status} {page}")
        items += page["items"]
        if not page["hasMore"]:
            return items
        after = f"&startingAfter={items[-1]['id']}"


def compare(desired: dict[str, Any], live: dict[str, list[dict[str, Any]]]) -> int:
    """How many contacts, tags and enrollments are not as the files say."""
    different = 0
    by_email = {item["email"]: item for item in live["contacts"]}
    for want in desired["contacts"]:
        item = by_email.get(want["email"])
        fields = {row["slug"]: row["value"] for row in item["fields"]} if item else {}
        same = item is not None and item["locale"] == want["locale"]
        same = same and {tag["name"] for tag in item["tags"]} == set(want["tags"]) if item else False
        different += not (same and all(fields.get(k) == v for k, v in want.get("fields", {}).items() if k))
    tags = {item["name"] for item in live["tags"]}
    different += sum(want["name"] not in tags for want in desired["tags"])
    joined = {(item["contact"]["email"], item["course"]["name"]) for item in live.get("enrollments", ())}
    return different + sum((w["contact"], w["course"]) not in joined for w in desired.get("enrollments", ()))


def main(path: str, url: str, key: str, connection: str) -> None:
    """Print how many differ."""
    desired = load(Path(path))
    sections = [name for name in PATHS if name in desired or (name == "courses" and "enrollments" in desired)]
    with ThreadPoolExecutor(len(sections)) as pool:
        walks = {name: pool.submit(walk, url, key, connection, name) for name in sections}
        live = {name: each.result() for name, each in walks.items()}
    print(compare(desired, live))


if __name__ == "__main__":
    main(*sys.argv[1:])
