"""The typed pass: what becomes of every scalar."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.config.scalars import compile_schema, resolve
from reconciler.config.yaml_loader import parse

ANY = ["string", "number", "boolean"]
SCHEMA = {
    "type": "object",
    "properties": {
        "text": {"type": ANY},
        "word": {"type": "string"},
        "open": {"type": [*ANY, "null"]},
        "flag": {"type": "boolean"},
        "whole": {"type": "integer"},
        "real": {"type": "number"},
        "rows": {"type": "array", "items": {"type": ANY}},
        "flags": {"type": "array", "items": {"type": "boolean"}},
        "grid": {"type": "array", "items": {"type": "array", "items": {"type": "integer"}}},
        "fields": {"type": "object", "additionalProperties": {"type": [*ANY, "null"]}},
        "either": {"anyOf": [{"type": ANY}, {"type": "object", "properties": {"id": {"type": "integer"}}}]},
        "many": {"oneOf": [{"type": "integer"}, {"type": "array", "items": {"type": "integer"}}]},
        "secret": {"$ref": "#/definitions/secret"},
        "maybe": {"anyOf": [{"$ref": "#/definitions/secret"}, {"type": "null"}]},
        "url": {"anyOf": [{"type": ANY}, {"$ref": "#/definitions/secret"}]},
        "secrets": {"type": "array", "items": {"$ref": "#/definitions/secret"}},
    },
    "definitions": {
        "secret": {
            "type": "object",
            "additionalProperties": False,
            "properties": {"env": {"type": "string"}, "file": {"type": "string"}},
        }
    },
}
SHAPE = compile_schema(SCHEMA)


def typed(text, **more):
    """The document after the pass, and what was found, as lines."""
    node = parse(text, "a.yaml")
    found = resolve(node, SHAPE, more.get("variables", {}), more.get("environ", {}))
    return node, [str(finding.problem()) for finding in found.findings], found.unresolved


@pytest.mark.parametrize(
    "word", ["no", "on", "+33612345678", "01234", "2024-01-01", "12:30", "1e5", "true", "0x1F", "1_0"]
)
@pytest.mark.parametrize("field", ["text", "word", "open", "either", "url"])
def test_a_text_field_takes_the_text_as_it_stands(word, field):
    """Nothing needs quotes."""
    node, found, _ = typed(f"{field}: {word}\n")
    assert node == {field: word}
    assert not found


@pytest.mark.parametrize("null", ["null", "~", ""])
def test_nothing_is_none_where_it_is_allowed(null):
    """Plain ones only; a quoted one is text."""
    assert typed(f"open: {null}\n")[:2] == ({"open": None}, [])
    assert typed(f"open: '{null}'\n")[:2] == ({"open": null}, [])
    assert typed(f"fields: {{a: {null}}}\n")[0] == {"fields": {"a": None}}


@pytest.mark.parametrize("null", ["Null", "NULL"])
def test_null_that_could_be_a_name_is_refused_where_text_may_stand(null):
    """A person may be called so; in quotes it is the name, and where no text can stand it is null."""
    what = f"unquoted `{null}` means null in YAML"
    hint = f'write "{null}" for the name, or null for no value'
    assert typed(f"open: {null}\n")[1] == [f"a.yaml:1:7: {what}; {hint}"]
    assert typed(f"fields: {{a: {null}}}\n")[1] == [f"a.yaml:1:13: {what}; {hint}"]
    assert typed(f"open: '{null}'\n")[:2] == ({"open": null}, [])
    assert typed(f"maybe: {null}\nrows: {null}\n")[:2] == ({"maybe": None, "rows": None}, [])


def test_nothing_is_a_problem_where_text_is_needed():
    """Both spellings say what to write."""
    _, found, _ = typed("text: null\nword:\nrows: [~]\n")
    assert found == [
        'a.yaml:1:7: expected text, found null; write "null" for the text',
        'a.yaml:2:6: expected text, found nothing; write "" for an empty text',
        'a.yaml:3:8: expected text, found null; write "~" for the text',
    ]


def test_nothing_in_place_of_a_list_is_none():
    """Validation says what is expected."""
    assert typed("rows:\nflag:\n")[:2] == ({"rows": None, "flag": None}, [])


@pytest.mark.parametrize(("word", "value"), [("true", True), ("True", True), ("FALSE", False), ("false", False)])
def test_truth_values(word, value):
    """YAML 1.2 core."""
    assert typed(f"flag: {word}\n")[0]["flag"] is value


@pytest.mark.parametrize(("word", "advice"), [("yes", "true"), ("no", "false"), ("On", "true"), ("OFF", "false")])
def test_old_truth_values_are_refused(word, advice):
    """Where a truth value is meant, the word to write is named."""
    node, found, _ = typed(f"flag: {word}\n")
    assert found == [f"a.yaml:1:7: expected true or false, got `{word}`; write {advice}"]
    assert node == {"flag": word}


@pytest.mark.parametrize(
    ("field", "word", "value"),
    [
        ("whole", "12", 12),
        ("whole", "-3", -3),
        ("whole", "+7", 7),
        ("whole", "007", 7),
        ("whole", "1.5", "1.5"),
        ("whole", "'5'", "5"),
        ("whole", "9" * 19, "9" * 19),
        ("whole", "9" * 5000, "9" * 5000),
        ("whole", "x", "x"),
        ("real", "1.5", 1.5),
        ("real", "10", 10),
        ("real", "1e3", 1000.0),
        ("real", ".5", 0.5),
        ("real", ".inf", ".inf"),
        ("real", "1e999", "1e999"),
        ("real", "nan", "nan"),
        ("many", "4", 4),
    ],
)
def test_numbers(field, word, value):
    """Decimal digits; what is none stays text for validation to refuse."""
    result = typed(f"{field}: {word}\n")[0][field]
    assert result == value
    assert type(result) is type(value)


def test_lists_and_unions_are_entered():
    """By kind of node."""
    text = "rows: [1, no]\nflags: [true, false]\ngrid: [[1], [2]]\neither: {id: 5}\nmany: [1, 2]\n"
    assert typed(text)[0] == {
        "rows": ["1", "no"],
        "flags": [True, False],
        "grid": [[1], [2]],
        "either": {"id": 5},
        "many": [1, 2],
    }


def test_unknown_keys_and_wrong_kinds_stay_as_they_are():
    """They are for validation to refuse."""
    text = "nobody: 5\ntext: [1]\nrows: {a: 1}\n"
    assert typed(text)[:2] == ({"nobody": "5", "text": ["1"], "rows": {"a": "1"}}, [])


def test_a_literal_secret_is_refused_and_not_shown():
    """The way to write it is named, the literal is not."""
    _, found, unresolved = typed("secret: hunter2\nsecrets: [hunter3]\nmaybe: hunter4\n")
    assert [line.split(": ", 1)[0] for line in found] == ["a.yaml:1:9", "a.yaml:2:11", "a.yaml:3:8"]
    assert all("use {env: VARIABLE_NAME}" in line and "hunter" not in line for line in found)
    assert not unresolved


def test_places_of_secrets_are_noted():
    """With what holds them, so that they can be filled."""
    node, found, unresolved = typed("secret: {env: A}\nsecrets: [{file: b}]\nurl: {env: C}\nmaybe: ~\n")
    assert not found
    assert [place.key for place in unresolved] == ["secret", 0, "url"]
    assert unresolved[0].container is node
    assert unresolved[1].container is node["secrets"]
    assert node["maybe"] is None


def test_interpolation_reaches_every_string():
    """In mappings, lists and free fields, quoted or not; a number field takes the number."""
    text = "text: a${var.x}\nrows: ['${var.x}']\nfields: {q: '$${y}'}\nwhole: ${var.n}\nopen: ${var.null}\n"
    node, found, _ = typed(text, variables={"x": "1", "n": "5", "null": "null"})
    assert not found
    assert node == {"text": "a1", "rows": ["1"], "fields": {"q": "${y}"}, "whole": 5, "open": "null"}


def test_interpolation_problems_have_positions():
    """At the value."""
    _, found, _ = typed('text: ${var.nobody}\nrows: ["${env.MATON_API_KEY}"]\n', environ={"MATON_API_KEY": "k3y"})
    assert found[0].startswith('a.yaml:1:7: unknown variable "nobody"')
    assert found[1].startswith("a.yaml:2:8: ${env.MATON_API_KEY} cannot be read")
    assert "k3y" not in "".join(found)


def test_an_alias_is_interpolated_once():
    """Repeated nodes are trees of their own."""
    node, found, _ = typed("fields: &f {a: '$${x}'}\nrows: []\neither: *f\n")
    assert node["fields"] == {"a": "${x}"}
    assert not found


def test_roots_that_are_no_mapping_are_left_alone():
    """A list at the root is resolved when the schema has one."""
    node = parse("[1, 2]", "a.yaml")
    resolve(node, compile_schema({"type": "array", "items": {"type": "integer"}}), {}, {})
    assert node == [1, 2]
    assert resolve("text", SHAPE, {}, {}).findings == []


scalars = st.sampled_from(
    ["no", "null", "~", "true", "False", "12", "-1", "1.5", "+336", "01", "x y", "12:30", "yes"]
)


def expected(field, word):
    """The table of the module, by hand."""
    if field == "text" or (field == "open" and word not in ("null", "~")):
        return word
    if word in ("null", "~"):
        return None
    if field == "flag":
        return {"true": True, "False": False}.get(word, word)
    return int(word) if field == "whole" and word.lstrip("+-").isdigit() else word


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(st.sampled_from(["text", "open", "flag", "whole"]), scalars))
def test_the_pass_agrees_with_the_table(document):
    """Any mix of fields and plain scalars."""
    node, _, _ = typed("".join(f"{field}: {word}\n" for field, word in document.items()))
    wanted = {field: expected(field, word) for field, word in document.items()}
    assert node == wanted
    assert [type(node[field]) for field in wanted] == [type(value) for value in wanted.values()]
