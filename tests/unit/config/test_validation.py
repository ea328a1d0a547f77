"""Refused documents: every keyword in plain words, at the place that caused it."""

import pytest

from reconciler.config.configuration import LoadOptions, check
from reconciler.config.settings_schema import settings_schema
from reconciler.config.validation import MAX_EXPLAINED, CompiledSchema
from reconciler.config.yaml_loader import parse
from reconciler.kinds import KINDS, SECTIONS
from reconciler.kinds import schema as files_schema
from tests.support.effort import effort

FILES = files_schema()
ANY = ["string", "number", "boolean"]
TARGET = {
    "anyOf": [
        {"type": ANY},
        {
            "type": "object",
            "additionalProperties": False,
            "minProperties": 1,
            "maxProperties": 1,
            "properties": {"id": {"type": ANY}, "path": {"type": ANY}},
        },
    ]
}
ITEM = {
    "type": "object",
    "additionalProperties": False,
    "required": ["email"],
    "properties": {
        "email": {"type": ANY, "minLength": 1, "maxLength": 64, "pattern": "@", "x-hint": "write ann@example.com"},
        "address": {"type": ANY, "pattern": "^[a-z]+$", "x-hint": "use small letters", "minLength": 3},
        "tags": {"type": "array", "items": {"$ref": "#/definitions/target"}, "uniqueItems": True, "minItems": 1},
        "colour": {"type": "string", "enum": ["red", "green", "blue"]},
        "format": {"const": 1},
        "age": {"type": "integer", "minimum": 0, "maximum": 150, "errorMessage": "write years"},
        "share": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
        "open": {"type": [*ANY, "null"]},
        "flag": {"type": "boolean"},
        "fields": {"type": "object", "propertyNames": {"pattern": "^[a-z]+$"}, "additionalProperties": {"type": ANY}},
        "secret": {"$ref": "#/definitions/secret"},
        "nothing": {"type": "null"},
        "many": {"anyOf": [{"type": "integer"}, {"type": "array"}]},
        "rare": {"not": {"type": "string"}},
        "few": {"type": "array", "maxItems": 1, "items": {"type": "integer"}},
        "two": {"oneOf": [{"type": "string", "maxLength": 5}, {"type": "string", "minLength": 1}]},
    },
}
SCHEMA = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "contacts": {"type": "array", "items": ITEM},
        "tags": {"type": "array", "minItems": 2, "items": {"anyOf": [{"type": ANY}, ITEM]}},
        "links": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "properties": {"one": {"type": ANY}, "many": {"type": "array"}},
                "oneOf": [{"required": ["one"]}, {"required": ["many"]}],
            },
        },
    },
    "definitions": {
        "target": TARGET,
        "secret": {
            "type": "object",
            "additionalProperties": False,
            "minProperties": 1,
            "properties": {"env": {"type": "string", "pattern": "^[A-Z]+$"}, "file": {"type": "string"}},
        },
    },
}
RULES = LoadOptions(CompiledSchema(SCHEMA), {}, {}, {})


def found(text):
    """What is wrong, as lines without the file's name."""
    findings, _ = check(parse(text, "f"), "f", RULES)
    return [str(finding.problem()).removeprefix("f:") for finding in sorted(set(findings))]


def of_contact(line):
    """What is wrong with one more key of a contact; its value stands at 3:…."""
    return found(f"contacts:\n  - email: a@example.com\n    {line}\n")


def test_a_valid_document():
    """Nothing to say."""
    assert of_contact("tags: [VIP, {id: 1}]") == []


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("adress: x", "3:5: unknown key `adress`; did you mean `address`?"),
        ("address: X1y", '3:14: invalid address "X1y"; use small letters'),
        ("address: ab", '3:14: "ab" is 2 characters long; the minimum is 3; write more'),
        ("tags: VIP", "3:11: expected a list, got text; write a list, e.g. `[one, two]`"),
        ("tags:", "3:10: expected a list, got null; write [] for an empty list"),
        ("tags: []", "3:11: an empty list is not allowed here; add an entry or remove the key"),
        ("few: [1, 2]", "3:10: a list of 2 items is too long: at most 1 allowed; remove the rest"),
        ("tags: [VIP, Gold, VIP]", '3:23: "VIP" appears twice in this list; remove one of them'),
        ("tags: [{id: 1}, {id: 1}]", "3:21: the same item appears twice in this list; remove one of them"),
        ("tags: [[VIP]]", "3:12: expected text or a mapping, got a list; write `key: value` lines below it"),
        ("tags: [{di: 1}]", "3:13: unknown key `di`; did you mean `id`?"),
        ("tags: [{}]", "3:12: an empty mapping is not allowed here; add an entry or remove the key"),
        ("colour: gren", '3:13: unsupported colour "gren"; did you mean `green`?'),
        ("colour: zzz", '3:13: unsupported colour "zzz"; use one of red, green, blue'),
        ("format: 2", "3:13: unsupported format 2; use one of 1"),
        ("age: old", "3:10: expected a whole number, got text; write years"),
        ("age: 200", "3:10: 200 is not allowed here; write years"),
        ("share: 1.0", "3:12: 1.0 is not allowed here; write less than 1"),
        ("share: 0", "3:12: 0 is not allowed here; write more than 0"),
        ("share: x", "3:12: expected a number, got text"),
        ("open: [a]", "3:11: expected text, got a list"),
        ("address: {a: b}", "3:14: expected text, got a mapping; use small letters"),
        ("flag: yes", "3:11: expected true or false, got `yes`; write true"),
        ("flag: maybe", "3:11: expected true or false, got text"),
        ("flag:", "3:10: expected true or false, got null; add a value or remove the key"),
        ("fields: {BAD: x}", '3:14: invalid key "BAD"'),
        ("secret: [hunter2]", "3:13: expected a mapping, got a list; write `key: value` lines below it"),
        ("secret: {value: hunter2}", "3:14: unknown key `value`; keys: env, file"),
        ("secret: {env: hunter2}", "3:19: invalid env"),
        ("nothing: x", "3:14: expected null, got text"),
        ("many: true", "3:11: expected a whole number or a list, got text; write a list, e.g. `[one, two]`"),
        ("rare: x", '3:11: "x" is not allowed here'),
        ("two: abc", '3:10: "abc" matches more than one form; remove one of them'),
    ],
)
def test_one_wrong_key(line, message):
    """What is expected, what is there, and what to do."""
    assert of_contact(line) == [message]


def test_long_values_are_cut():
    """A value never fills the screen."""
    (line,) = found(f"contacts:\n  - email: {'x' * 70}@\n")
    assert line == f'2:12: "{"x" * 39}…" is 71 characters long; the limit is 64; shorten it'


def test_missing_keys_are_reported_at_the_mapping():
    """Where the item begins."""
    assert found("contacts:\n  - address: abc\n  - {}\n") == [
        "2:5: missing key `email`; add `email:`",
        "3:5: missing key `email`; add `email:`",
    ]


def test_an_empty_text_where_one_is_needed():
    """Quoted emptiness is text, and still too short."""
    assert found("contacts:\n  - email: ''\n")[0].startswith("2:12: empty text is not allowed here")


def test_unknown_sections():
    """The top level speaks of sections."""
    assert found("contatcs: []\nzzz: 1\n") == [
        "1:1: unknown section `contatcs`; did you mean `contacts`?",
        "2:1: unknown section `zzz`; sections: contacts, links, tags",
    ]


def test_unions_are_entered_by_kind_of_node():
    """A mapping is measured by the mapping's branch."""
    assert found("tags:\n  - VIP\n  - {emial: x}\n  - [a]\n") == [
        "3:5: missing key `email`; add `email:`",
        "3:6: unknown key `emial`; did you mean `email`?",
        "4:5: expected text or a mapping, got a list; write `key: value` lines below it",
    ]


def test_one_of_two_keys():
    """None of them, and both of them."""
    assert found("links:\n  - {}\n  - {one: a, many: []}\n") == [
        "2:5: missing key `one` or `many`; add `one:`",
        "3:14: `one` and `many` cannot be used together; remove one of them",
    ]


@pytest.mark.parametrize(("text", "kind"), [("- a\n", "a list"), ("word\n", "text")])
def test_a_file_holds_a_mapping(text, kind):
    """Other roots are refused at the beginning."""
    assert found(text) == [f"1:1: expected a mapping, got {kind}; start with a section, e.g. `tags:`"]


def test_a_literal_secret_is_said_once():
    """What the typed pass said is not said again by validation."""
    assert of_contact("secret: hunter2") == [
        "3:13: secrets must not be stored in this file; use {env: VARIABLE_NAME} or {file: PATH}"
    ]


def test_long_lists_keep_their_positions_and_requirements():
    """Only refused items are explained, at their own lines, and the list as such is not faulted."""
    good = "  - email: a@example.com\n" * (MAX_EXPLAINED + 5)
    tags = "  - VIP\n" * (MAX_EXPLAINED + 5)
    text = f"contacts:\n{good}  - email: 5\n{good}tags:\n{tags}"
    assert found(text) == [f'{MAX_EXPLAINED + 7}:12: invalid email "5"; write ann@example.com']


def test_so_many_errors_are_counted():
    """Explaining is bounded."""
    lines = found("contacts:\n" + "  - {}\n" * (MAX_EXPLAINED + 500))
    assert len(lines) == MAX_EXPLAINED + 1
    assert f"{MAX_EXPLAINED + 500} invalid items in this file" in lines[0]


def test_a_list_that_is_wrong_as_such_is_explained_whole():
    """Too few items of a section."""
    assert found("tags: [a]\n")[0].startswith("1:7: a list of 1 item is too short: at least 2 required")


def test_the_approval_has_the_last_word():
    """Python's ``$`` lets a line break at the end pass, the approval's does not."""
    assert of_contact('address: "abc\\n"') == ['3:14: invalid address "abc\\n"; use small letters']


def test_word_characters_are_ascii():
    """To the approval and to what explains its verdict, so that the advice is that of the pattern."""
    rules = LoadOptions(CompiledSchema(FILES), {}, {}, {})
    (finding,) = check(parse("contact_fields: [{slug: größe, name: Größe}]\n", "f"), "f", rules)[0]
    assert str(finding.problem()) == 'f:1:25: invalid slug "größe"; use a-z, 0-9 and _'


def test_every_pattern_has_advice():
    """Nobody is shown a regular expression."""

    def nodes(node):
        inner = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
        own = [node] if isinstance(node, dict) else []
        return own + [each for value in inner for each in nodes(value)]

    writable = [kind.name for kind in KINDS.values() if kind.writable]
    for schema in (FILES, settings_schema(writable, list(SECTIONS))):
        assert [each for each in nodes(schema) if "pattern" in each and not each.get("x-hint")] == []


def test_quoted_numbers_are_said_to_be_quoted():
    """The usual reason for text in place of a number."""
    assert of_contact("share: '1'") == ["3:12: expected a number, got text; remove the quotes"]


def wrong_values(number):
    return "contacts:\n  - email: a@\n    fields:\n" + "".join(f"      k{n}: [x]\n" for n in range(number))


def unknown_keys(number):
    return "contacts:\n  - email: a@\n" + "".join(f"    k{n}: x\n" for n in range(number))


def old_truth_values(number):
    return "contacts:\n" + "  - {email: a@, flag: yes}\n" * number


@pytest.mark.parametrize(("text", "most"), [(wrong_values, 1_000), (unknown_keys, 50), (old_truth_values, 2_000)])
def test_thousands_of_problems_end_quickly(text, most):
    """Twice as many in one huge mapping are twice the work at most, and what is reported is bounded."""
    assert 50 <= len(found(text(3_000))) <= most
    assert effort(lambda: found(text(3_000))) < 2.3 * effort(lambda: found(text(1_500)))
