"""The schemas in the repository are those that the tool prints, and fit what it reads and prints."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest

from reconciler.cli.project import schema
from reconciler.emulator.seedfiles import parse
from tests.docs.conftest import ROOT
from tests.docs.test_examples import FILES, OPTIONS, PROJECTS
from tests.support.project import Project

NAMES = {what: "reconciler" if what == "files" else what for what in schema.params[0].type.choices}
del NAMES["catalog"]  # which is no schema, but tells where they are


def committed(what: str) -> Path:
    """Where a schema is."""
    return ROOT / "schema" / f"{NAMES[what]}.schema.json"


@pytest.mark.parametrize("what", NAMES)
def test_it_is_fresh(what: str, project: Project) -> None:
    """``make schema`` would change nothing."""
    assert committed(what).read_text(encoding="utf-8") == project.run("schema", what).out


@pytest.mark.parametrize("what", NAMES)
def test_it_is_a_schema(what: str) -> None:
    """Draft 7, the newest that editors' YAML servers support."""
    document = json.loads(committed(what).read_text(encoding="utf-8"))
    assert document["$schema"] == "http://json-schema.org/draft-07/schema#"
    jsonschema.Draft7Validator.check_schema(document)


def test_nothing_else_is_there() -> None:
    """Every file in schema/ is one of them."""
    there = {path.name for path in (ROOT / "schema").iterdir()}
    assert there == {f"{name}.schema.json" for name in NAMES.values()} | {"catalog.json"}


def test_the_catalogue_fits_a_store(project: Project) -> None:
    """What SchemaStore asks of an entry; every entry leads to one of the schemas, wherever they are."""
    text = (ROOT / "schema" / "catalog.json").read_text(encoding="utf-8")
    assert text == project.run("schema", "catalog").out
    entry = {
        "type": "object", "additionalProperties": False, "required": ["name", "description", "url"],
        "properties": {
            "name": {"type": "string"}, "description": {"type": "string"},
            "url": {"type": "string", "pattern": "^https://"},
            "fileMatch": {"type": "array", "items": {"type": "string"}, "uniqueItems": True},
        },
    }  # fmt: skip
    document = json.loads(text)
    assert set(document) == {"$schema", "version", "schemas"}
    jsonschema.validate(document["schemas"], {"type": "array", "items": entry}, jsonschema.Draft7Validator)
    elsewhere = project.run("schema", "catalog", "--at", "https://schemas.example.org/r/").document
    for each in elsewhere["schemas"]:
        assert (ROOT / "schema" / each["url"].removeprefix("https://schemas.example.org/r/")).is_file()
    for wrong in (["catalog", "--at", "http://example.com"], ["files", "--at", "https://example.com"]):
        assert project.run("schema", *wrong).code == 1


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_an_editor_finds_nothing_wrong(path: Path) -> None:
    """Read as YAML 1.2, as editors do, each example is valid."""
    if path.parent.name == "accounts":
        return
    what = "settings" if path.name == "reconciler.yaml" else "files"
    document = json.loads(committed(what).read_text(encoding="utf-8"))
    jsonschema.validate(parse(path.read_bytes(), "yaml"), document, jsonschema.Draft7Validator)


@pytest.mark.parametrize("name", PROJECTS)
def test_documents_fit(name: str, example: Callable[[str], Project]) -> None:
    """plan --json and apply --json are what their schemas say."""
    project, options = example(name), OPTIONS.get(name, [])
    for what, args in (("plan", ["plan", "--json"]), ("report", ["apply", "--yes", "--json"])):
        document = json.loads(project.run(*options, *args).out)
        jsonschema.validate(document, json.loads(committed(what).read_text(encoding="utf-8")))
