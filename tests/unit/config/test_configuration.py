"""All files of a project to declarations."""

import gc
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.config import yaml_loader
from reconciler.config.configuration import LoadOptions, check, load
from reconciler.config.secrets import resolve_secrets
from reconciler.config.validation import CompiledSchema
from reconciler.config.yaml_loader import parse
from reconciler.errors import ConfigurationError
from reconciler.model.resource import Declared
from reconciler.model.values import Origin, Secret

ANY = ["string", "number", "boolean"]
SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "tags": {
            "type": "array",
            "items": {
                "anyOf": [
                    {"type": ANY},
                    {
                        "type": "object",
                        "additionalProperties": False,
                        "required": ["name"],
                        "properties": {"name": {"type": ANY}, "active": {"type": "boolean"}},
                    },
                ]
            },
        },
        "webhooks": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "properties": {
                    "name": {"type": ANY},
                    "url": {"anyOf": [{"type": ANY}, {"$ref": "#/definitions/secret"}]},
                    "secret": {"$ref": "#/definitions/secret"},
                },
            },
        },
    },
    "definitions": {
        "secret": {
            "type": "object",
            "additionalProperties": False,
            "properties": {"env": {"type": "string"}, "file": {"type": "string"}},
        }
    },
}


def loaded(folder, contents, **more):
    """Write the files and load the folder."""
    for name, text in contents.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(text.encode() if isinstance(text, str) else text)
    given = {"project": folder, "schema": CompiledSchema(SCHEMA), "environ": {}, "cwd": folder, **more}
    return tuple(load([folder], **given))


def refused(folder, contents, **more):
    """The problems of loading, as lines."""
    with pytest.raises(ConfigurationError) as caught:
        loaded(folder, contents, **more)
    return [str(problem) for problem in caught.value.problems]


def test_one_declared_for_each_item_in_order(tmp_path):
    """Files in order of name, items in order of line, scalars with the position of the scalar."""
    found = loaded(tmp_path, {"b.yaml": "tags: [Z]\n", "a.yaml": "tags:\n  - VIP\n  - name: no\n    active: true\n"})
    assert found == (
        Declared("tags", "VIP", Origin("a.yaml", 2, 5)),
        Declared("tags", {"name": "no", "active": True}, Origin("a.yaml", 3, 5)),
        Declared("tags", "Z", Origin("b.yaml", 1, 8)),
    )
    assert found[1].raw.origin("active") == Origin("a.yaml", 4, 5)


def test_nothing_declared_is_an_empty_result(tmp_path):
    """What that means is for the caller to decide."""
    assert loaded(tmp_path, {"a.yaml": "# nothing yet\n", "b.yaml": ""}) == ()


def test_an_empty_section_is_not_a_missing_one(tmp_path):
    """It says "none of these", at its position."""
    assert loaded(tmp_path, {"a.yaml": "tags: []\n"}) == (Declared("tags", None, Origin("a.yaml", 1, 1)),)


def test_all_problems_of_all_files_at_once(tmp_path):
    """Broken syntax, types, unknown keys, secrets and missing files, sorted by place."""
    found = refused(
        tmp_path,
        {
            "a.yaml": "tags:\n  - {nmae: x}\n",
            "b.yaml": "a: [\n",
            "c.yaml": "webhooks:\n  - name: ${var.x}\n    secret: {env: MATON_API_KEY}\ntgas: []\n",
            "d.yaml": b"a: \xff\n",
            "e.yaml": "- list\n",
        },
        environ={"MATON_API_KEY": "k3y"},
    )
    assert [line.split(": ")[0] for line in found] == [
        "a.yaml:2:5",
        "a.yaml:2:6",
        "b.yaml:2:1",
        "c.yaml:2:11",
        "c.yaml:3:19",
        "c.yaml:4:1",
        "d.yaml:1:4",
        "e.yaml:1:1",
    ]
    assert "k3y" not in "".join(found)


def test_missing_paths_are_problems_too(tmp_path):
    """Beside those of the files that are there."""
    (tmp_path / "a.yaml").write_text("tgas: []\n")
    with pytest.raises(ConfigurationError) as caught:
        tuple(
            load(
                [tmp_path / "nobody", tmp_path / "a.yaml"],
                project=tmp_path,
                schema=CompiledSchema(SCHEMA),
                environ={},
                cwd=tmp_path,
            )
        )
    assert [problem.where for problem in caught.value.problems] == ["nobody", "a.yaml:1:1"]


def test_a_file_named_twice_is_read_once(tmp_path):
    """By its path and by its folder."""
    (tmp_path / "a.yaml").write_text("tags: [x]\n")
    paths = [tmp_path / "a.yaml", tmp_path]
    assert len(list(load(paths, project=tmp_path, schema=CompiledSchema(SCHEMA), environ={}))) == 1


def test_secrets_are_in_their_places(tmp_path):
    """From a variable and from a file; the position of the key stays."""
    text = "webhooks:\n  - name: CRM\n    url: {env: WEBHOOK_URL}\n    secret: {file: s.txt}\n"
    files = {"a.yaml": text, "s.txt": "s3cret\n"}
    (item,) = loaded(tmp_path, files, environ={"WEBHOOK_URL": "https://hook.example.com/x"})
    assert item.raw["secret"] == Secret("file:s.txt", "s3cret")
    assert item.raw["url"] == Secret("env:WEBHOOK_URL", "https://hook.example.com/x")
    assert item.raw.origin("secret") == Origin("a.yaml", 4, 5)
    assert "s3cret" not in repr(item)


def test_variables(tmp_path):
    """From the settings and from the environment."""
    text = "tags: ['${var.a}', '${env.RECONCILER_VAR_B}']\n"
    found = loaded(tmp_path, {"a.yaml": text}, variables={"a": "1"}, environ={"RECONCILER_VAR_B": "2"})
    assert [item.raw for item in found] == ["1", "2"]


def test_defaults_fill_mappings_that_lack_the_key(tmp_path):
    """They are typed like what stands in the file, and have the position of the settings."""
    defaults = {"tags": parse("active: true\nname: x\n", "reconciler.yaml"), "nobody": parse("a: 1", "x")}
    found = loaded(tmp_path, {"a.yaml": "tags:\n  - VIP\n  - name: Gold\n"}, defaults=defaults)
    assert [item.raw for item in found] == ["VIP", {"name": "Gold", "active": True}]
    assert found[1].raw.origin("active") == Origin("reconciler.yaml", 1, 1)
    assert defaults["tags"] == {"active": "true", "name": "x"}


def test_a_wrong_default_is_reported_once_and_where_it_stands(tmp_path):
    """However many items it would go into."""
    defaults = {"tags": parse("active: yes\nother: 1\n", "reconciler.yaml")}
    assert refused(tmp_path, {"a.yaml": "tags: [{name: a}, {name: b}]\n"}, defaults=defaults) == [
        "reconciler.yaml:1:9: expected true or false, got `yes`; write true",
        "reconciler.yaml:2:1: unknown key `other`; keys: active, name",
    ]


def test_files_and_patterns(tmp_path):
    """What the settings list is what is read."""
    assert len(loaded(tmp_path, {"a.yaml": "tags: [a]", "b.yaml": "tags: [b]"}, files=["b.yaml"])) == 1


def test_the_collector_runs_again(tmp_path):
    """After loading and after failing."""
    loaded(tmp_path, {"a.yaml": "tags: [a]"})
    refused(tmp_path, {"a.yaml": "tags: {a: b}"})
    assert gc.isenabled()


RULES = LoadOptions(CompiledSchema(SCHEMA), {}, {}, {})
names = st.sampled_from(["tags", "webhooks", "name", "url", "secret", "env", "file", "active", "x"])
leaves = st.sampled_from(
    ["a", "null", "~", "", "yes", "true", "5", "${var.x}", "$${", "MATON_API_KEY", "/etc/passwd"]
)
trees = st.recursive(leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4))


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(names, trees, max_size=3), st.booleans())
def test_any_document_is_valid_or_has_findings(tree, quoted):
    """Whatever stands where, each finding has a position, and nothing else is raised."""
    node = parse(yaml.safe_dump(tree, default_style="'" if quoted else None), "f")
    findings, unresolved = check(node, "f", RULES)
    findings += resolve_secrets(unresolved, {}, [Path("/nowhere")])
    assert all(finding.origin.file == "f" and finding.origin.line > 0 and finding.what for finding in findings)
    if not findings:
        assert set(node) <= {"tags", "webhooks"}


def test_files_are_read_in_parts(tmp_path, monkeypatch):
    """Also across anchors: a variable inside of an anchor is replaced once, there and at each alias."""
    monkeypatch.setattr(yaml_loader, "PART_SIZE", 2)
    monkeypatch.setattr(yaml_loader, "parse", None)
    text = "webhooks:\n  - &a {name: '$${x} ${var.v}'}\n  - *a\n  - {name: b}\n"
    found = loaded(tmp_path, {"a.yaml": text}, variables={"v": "${y}"}, defaults={"webhooks": parse("{url: u}", "s")})
    assert [each.raw for each in found] == [{"name": name, "url": "u"} for name in ("${x} ${y}", "${x} ${y}", "b")]


def test_an_error_far_behind(tmp_path):
    """The items before it come first, then the error and those of other files."""
    text = "tags:\n" + "  - x\n" * 500 + "  - {nmae: y}\n"
    assert refused(tmp_path, {"a.yaml": text, "b.yaml": "tgas: []\n"})[-3:] == [
        "a.yaml:502:5: missing key `name`; add `name:`",
        "a.yaml:502:6: unknown key `nmae`; did you mean `name`?",
        "b.yaml:1:1: unknown section `tgas`; did you mean `tags`?",
    ]
