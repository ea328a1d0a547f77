"""Environments: layers that add, override and drop, and what no two of them may share."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from reconciler.model.policy import Limits, Prune
from tests.unit.config.test_settings import loaded, refused

TOP = """\
connection: top
ledger: sqlite:///top.db
dialect: skill
limits: {rate_limit: 5, deletes: 10}
prune: {tag: owned, contact: created}
vars: {a: 1, b: 2}
defaults: {contacts: {locale: en}, tags: {x: y}}
files: [site.yaml]
redact: true
environments:
  bare:
"""


def test_null_drops_what_the_top_level_has(tmp_path: Path) -> None:
    """One entry, or everything under a key; what is left is the default."""
    text = TOP + "    {connection: null, ledger: ~, dialect: null, limits: {rate_limit: null}, prune: {tag: null}, "
    text += "vars: {a: null}, defaults: {tags: null}, files: null, redact: null}\n"
    found = loaded(tmp_path, text, environment="bare")
    assert (found.connection, found.dialect, found.rate_limit, found.redact) == (None, "vendor", 10.0, False)
    assert found.ledger == f"sqlite:///{tmp_path}/.reconciler/bare.db"
    assert (found.limits, found.prune) == (Limits(deletes=10), {"contact": Prune.CREATED})
    assert (found.vars, found.defaults, found.files) == ({"b": "2"}, {"contacts": {"locale": "en"}}, None)
    assert found.sources["connection"] == "default"
    assert "vars.a" not in found.sources


def test_null_drops_whole_mappings(tmp_path: Path) -> None:
    """All limits, all pruning, all variables, all defaults."""
    text = TOP + "    {connection: b, ledger: none, limits: null, prune: null, vars: null, defaults: null}\n"
    found = loaded(tmp_path, text, environment="bare")
    assert (found.limits, found.rate_limit, found.prune, found.vars, found.defaults) == (Limits(), 10.0, {}, {}, {})


def test_null_inside_of_defaults_is_a_value(tmp_path: Path) -> None:
    """It clears the field of every item."""
    text = TOP + "    {connection: b, ledger: none, defaults: {contacts: {locale: null}}}\n"
    assert loaded(tmp_path, text, environment="bare").defaults["contacts"].keys() == {"locale"}


def test_the_top_level_has_nothing_to_unset(tmp_path: Path) -> None:
    """There null stands for a value that is missing."""
    assert "reconciler.yaml:1:13" in refused(tmp_path, "connection: null\n")[0]


@pytest.mark.parametrize(
    ("environments", "problem"),
    [
        (
            "{a: {connection: x}, b: {connection: x}}",
            (
                "reconciler.yaml:1:55: `b` would use the connection of `a`, set at reconciler.yaml:1:33; "
                "set a different connection for each environment"
            ),
        ),
        (
            "{a: {ledger: 'sqlite:///l.db'}, b: {ledger: 'sqlite:///./l.db'}}",
            (
                "reconciler.yaml:1:60: `b` would use the ledger of `a`, set at reconciler.yaml:1:29; "
                "set a different ledger for each environment"
            ),
        ),
        (
            "{a: {ledger: 'sqlite:///.reconciler/b.db'}, b: {}}",
            (
                "reconciler.yaml:1:60: `b` would use the ledger of `a`, set at reconciler.yaml:1:29; "
                "set a different ledger for each environment"
            ),
        ),
    ],
)
@pytest.mark.parametrize("chosen", [None, "a"])
def test_no_two_use_one_account_or_one_ledger(
    tmp_path: Path, environments: str, problem: str, chosen: str | None
) -> None:
    """Whichever is chosen, with both lines."""
    found = refused(tmp_path, f"environments: {environments}\n", environment=chosen)
    assert [_place_free(each) for each in found] == [_place_free(problem)]


def _place_free(problem: str) -> str:
    """The sentence without columns, which the table above does not count."""
    return re.sub(r":1:\d+", ":1", problem)


def test_inheriting_from_the_top_level_is_sharing_too(tmp_path: Path) -> None:
    """Two that both say nothing use what stands above them."""
    found = refused(tmp_path, "connection: x\nledger: sqlite:///l.db\nenvironments:\n  a: {}\n  b: {}\n")
    assert [each.partition(";")[0] for each in found] == [
        "reconciler.yaml:4:3: `a` would use the connection of the top level, set at reconciler.yaml:1:13",
        "reconciler.yaml:5:3: `b` would use the connection of the top level, set at reconciler.yaml:1:13",
        "reconciler.yaml:5:3: `b` would use the ledger of `a`, set at reconciler.yaml:4:3",
    ]


@pytest.mark.parametrize("block", ["{}", "{connection: x}"])
def test_the_top_level_is_one_of_them(tmp_path: Path, block: str) -> None:
    """Without -e it has a ledger of its own, so its account is no environment's."""
    (found,) = refused(tmp_path, f"connection: x\nenvironments:\n  a: {block}\n", environment="a")
    assert "`a` would use the connection of the top level, set at reconciler.yaml:1:13" in found


@pytest.mark.parametrize("source", ["--connection", "RECONCILER_CONNECTION"])
def test_another_connection_than_that_of_the_environment(tmp_path: Path, source: str) -> None:
    """Its files would go to the account of another one; both are named. The same one twice is no contradiction."""
    text = "environments:\n  a: {connection: x}\n  b: {}\n"

    def given(connection: str) -> dict[str, Any]:
        if source == "--connection":
            return {"flags": {"connection": connection}}
        return {"environ": {"RECONCILER_CONNECTION": connection}}

    assert refused(tmp_path, text, environment="a", **given("y")) == [
        f"{source}: is connection y, but environment `a` uses x (reconciler.yaml:2:19); remove one of them"
    ]
    assert loaded(tmp_path, text, environment="a", **given("x")).connection == "x"
    assert loaded(tmp_path, text, environment="b", **given("y")).connection == "y"
    assert loaded(tmp_path, text, **given("y")).connection == "y"


@pytest.mark.parametrize(
    "text",
    [
        "connection: x\nenvironments: {a: {connection: y}}\n",
        "environments: {a: {}, b: {}}\n",
        "environments: {a: {ledger: none}, b: {ledger: none}}\n",
        "connection: x\nenvironments: {a: {connection: y}, b: {connection: null}}\n",
    ],
)
def test_what_is_not_said_is_not_shared(tmp_path: Path, text: str) -> None:
    """A connection may come from a variable of the run, and no ledger is shared by nobody."""
    assert loaded(tmp_path, text, environment="a").environment == "a"
