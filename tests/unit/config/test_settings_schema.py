"""The schema of reconciler.yaml."""

import jsonschema

from reconciler.config.settings_schema import settings_schema


def test_it_is_a_draft_7_schema():
    """And closed at every level."""
    schema = settings_schema(["tag"], ["tags"])
    jsonschema.Draft7Validator.check_schema(schema)
    assert schema["additionalProperties"] is False
    assert schema["properties"]["environments"]["additionalProperties"]["additionalProperties"] is False
    assert list(schema["properties"]["prune"]["properties"]) == ["tag"]
    assert list(schema["properties"]["defaults"]["properties"]) == ["tags"]


def test_every_setting_is_described():
    """For editors and the reference."""
    assert all("description" in setting for setting in settings_schema()["properties"].values())
