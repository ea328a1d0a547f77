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
    assert {path.name for path in (ROOT / "schema").iterdir()} == {f"{name}.schema.json" for name in NAMES.values()}


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
