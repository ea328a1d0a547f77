"""Schemas to shapes."""

from reconciler.config.scalars import SECRET, compile_schema


def test_types_are_read_off_enums_and_constants():
    """A schema without ``type`` says by its values what it takes."""
    schema = {"properties": {"a": {"enum": ["x", None]}, "b": {"const": 1}, "c": {"enum": [True, 1.5]}}}
    fields = compile_schema(schema).forms[0].fields
    assert (fields["a"].text, fields["a"].null) == (True, True)
    assert (fields["b"].integer, fields["b"].text) == (True, False)
    assert (fields["c"].boolean, fields["c"].number) == (True, True)


def test_references_may_go_in_circles():
    """A tree of trees is one shape."""
    tree = {"type": "object", "properties": {"inner": {"$ref": "#/definitions/tree", "description": "x"}}}
    shape = compile_schema({"$ref": "#/definitions/tree", "definitions": {"tree": tree}})
    inner = shape.forms[0].fields["inner"]
    assert inner.forms[0].fields["inner"] is inner


def test_secrets_are_known_by_their_definition():
    """Alone it takes no literal, in a union with text it does."""
    schema = {
        "properties": {"only": {"$ref": SECRET}, "either": {"anyOf": [{"type": "string"}, {"$ref": SECRET}]}},
        "definitions": {"secret": {"type": "object", "properties": {"env": {"type": "string"}}}},
    }
    fields = compile_schema(schema).forms[0].fields
    assert fields["only"].unresolved
    assert not fields["either"].unresolved
    assert fields["either"].forms[0].secret


def test_the_form_that_knows_most_keys_is_taken():
    """Mappings of a union are told apart by their keys, never by text."""
    forms = {"anyOf": [{"properties": {"a": {}, "b": {}}}, {"properties": {"c": {}}}]}
    shape = compile_schema(forms)
    assert "c" in shape.form({"c": "x"}).fields
    assert "a" in shape.form({"z": "x"}).fields


def test_schemas_that_say_nothing_give_empty_shapes():
    """``true`` takes anything and resolves nothing."""
    shape = compile_schema({"additionalProperties": False, "properties": {"x": True}})
    assert not shape.forms[0].fields["x"].text
    assert shape.forms[0].rest is None
