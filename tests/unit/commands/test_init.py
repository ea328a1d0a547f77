"""First files and published schemas."""

from __future__ import annotations

from pathlib import Path

import pytest
from jsonschema import Draft7Validator

from reconciler.commands.init import schema_of, write_first_files
from reconciler.commands.project import Invocation
from reconciler.errors import ConfigurationError
from tests.support.workspace import opened


def test_first_files_are_a_valid_project(tmp_path: Path) -> None:
    """It can be planned as it stands."""
    written = write_first_files(tmp_path / "new" / "site")
    schemas = ["reconciler.schema.json", "settings.schema.json"]
    assert {path.name for path in written} == {"account.yaml", "reconciler.yaml", *schemas}
    state = opened(tmp_path / "new" / "site", Invocation(tmp_path, {}, {})).state
    assert [str(address) for address in state.resources] == ["tag/VIP"]


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    """Files that are there stay; a project that is there is refused."""
    (tmp_path / "account.yaml").write_text("tags: []\n")
    assert "account.yaml" not in [path.name for path in write_first_files(tmp_path)]
    assert (tmp_path / "account.yaml").read_text() == "tags: []\n"
    with pytest.raises(ConfigurationError, match="already exists"):
        write_first_files(tmp_path)


def test_a_folder_that_takes_no_files_is_an_error(tmp_path: Path) -> None:
    """In words."""
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="cannot write to"):
        write_first_files(tmp_path / "file" / "site")


@pytest.mark.parametrize("what", ["files", "settings", "fleet", "plan", "report"])
def test_every_published_schema_is_one(what: str) -> None:
    """Draft 7."""
    schema = schema_of(what)
    Draft7Validator.check_schema(schema)
    assert schema["$schema"].startswith("http://json-schema.org/draft-07")
