"""The schemas in the repository are those that the tool prints, and fit what it reads and prints."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest

from reconciler.cli.schema import schema
from reconciler.emulator.seedfiles import parse
from tests.docs.conftest import ROOT, on_its_account
from tests.docs.test_examples import FILES, OPTIONS, PROJECTS
from tests.support import node
from tests.support.project import Project

NAMES = {what: "reconciler" if what == "files" else what for what in schema.params[0].type.choices}
del NAMES["catalog"]  # which is no schema, but tells where they are


#: Compiles a schema as ajv's documentation says, in strict mode; what editors add to JSON Schema is made known to it.
AJV = """
const Ajv = require("ajv").default, formats = require("ajv-formats").default, fs = require("fs");
const ajv = new Ajv({strictSchema: true, strictTuples: true, unicodeRegExp: true, allErrors: true, logger: false});
formats(ajv);
ajv.addVocabulary(["markdownDescription", "enumDescriptions"]);
const [schema, ...documents] = process.argv.slice(1).map((path) => JSON.parse(fs.readFileSync(path)));
const validate = ajv.compile(schema);
for (const document of documents) if (!validate(document)) throw new Error(ajv.errorsText(validate.errors));
console.log(`compiled, ${documents.length} valid`);
"""


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
        "type": "object",
        "additionalProperties": False,
        "required": ["name", "description", "url"],
        "properties": {
            "name": {"type": "string"},
            "description": {"type": "string"},
            "url": {"type": "string", "pattern": "^https://"},
            "fileMatch": {"type": "array", "items": {"type": "string"}, "uniqueItems": True},
        },
    }
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


def checked_by(what: str) -> list[Path]:
    """The examples that a schema is for."""
    files = [path for path in FILES if path.parent.name != "accounts"]
    if what == "settings":
        return [path for path in files if path.name == "reconciler.yaml"]
    return [path for path in files if path.name != "reconciler.yaml"] if what == "files" else []


@pytest.mark.parametrize("what", NAMES)
def test_ajv_takes_it(what: str, tmp_path: Path) -> None:
    """In strict mode, with patterns read as ECMAScript has them; and all examples are valid."""
    node.require("ajv", "ajv-formats")
    documents = []
    for path in checked_by(what):
        documents.append(tmp_path / f"{len(documents)}.json")
        documents[-1].write_text(json.dumps(parse(path.read_bytes(), "yaml"), default=str))
    done = node.run(AJV, committed(what), *documents)
    assert (done.stdout, done.stderr) == (f"compiled, {len(documents)} valid\n", "")


def test_check_jsonschema_takes_them() -> None:
    """As schemas."""
    check_jsonschema("--check-metaschema", *map(committed, NAMES))


@pytest.mark.parametrize("what", [what for what in NAMES if checked_by(what)])
def test_check_jsonschema_takes_the_examples(what: str) -> None:
    """All of them are valid."""
    check_jsonschema("--schemafile", committed(what), *checked_by(what))


def check_jsonschema(*args: object) -> None:
    command = [sys.executable, "-m", "check_jsonschema", *map(str, args)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("what", NAMES)
def test_it_has_an_identifier(what: str) -> None:
    """The one under which the catalogue lists it."""
    document = json.loads(committed(what).read_text(encoding="utf-8"))
    listed = json.loads((ROOT / "schema" / "catalog.json").read_text(encoding="utf-8"))["schemas"]
    assert document["$id"] == f"https://example.com/schema/{NAMES[what]}.schema.json"
    assert what not in ("files", "settings") or document["$id"] in [each["url"] for each in listed]


@pytest.mark.parametrize("name", PROJECTS)
def test_documents_fit(name: str, example: Callable[[str], Project]) -> None:
    """plan --json and apply --json are what their schemas say."""
    project, options = on_its_account(example(name), "staging"), OPTIONS.get(name, [])
    for what, args in (("plan", ["plan", "--json"]), ("report", ["apply", "--yes", "--json"])):
        document = json.loads(project.run(*options, *args).out)
        jsonschema.validate(document, json.loads(committed(what).read_text(encoding="utf-8")))
