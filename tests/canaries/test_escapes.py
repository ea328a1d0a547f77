"""What a terminal would obey never reaches one, wherever it came from; JSON stays JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest

from reconciler.emulator import Account
from tests.support.project import Project

#: Escape sequences, bell, carriage return, line breaks, deletion, C1 controls, bidirectional overrides.
NASTY = "\x1b[31mred\x1b]0;title\x07\r\nnew\x7f\x9b2J\u202egnp\u2066x\u2069\u200f"
OBEYED = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
SITE = """
tags: [{renamed_from: Old, name: VIP}]
contacts:
  - {email: ann@example.com, first_name: Ann, fields: {company: Acme}, tags: [VIP]}
"""


@pytest.fixture
def nasty(make_project: Callable[..., Project]) -> Project:
    """An account whose names and values would take over a terminal, and files that touch them."""
    fields = {"first_name": f"A{NASTY}", "company": f"C{NASTY}"}
    project = make_project(
        {
            "tags": [f"T{NASTY}"],
            "contact_fields": [{"slug": "company", "name": f"F{NASTY}"}],
            "contacts": [{"email": "ann@example.com", "fields": fields, "tags": [f"T{NASTY}"]}],
        }
    )
    project.write(SITE.replace("{renamed_from: Old, name: VIP}", "VIP"))
    return project


def lines_of(project: Project) -> list[tuple[str, ...]]:
    """Everything that shows what the account holds."""
    return [
        ("plan",),
        ("plan", "--calls"),
        ("-vv", "plan"),
        ("--redact", "plan", "--calls"),
        ("apply", "--yes"),
        ("ledger", "list"),
        ("drift",),
        ("history", "1"),
        ("explain", "contact/ann@example.com"),
        ("plan",),
    ]


def test_text_holds_nothing_that_a_terminal_obeys(nasty: Project) -> None:
    """Control and direction characters of names and values are spelled out in every text."""
    for line in lines_of(nasty):
        result = nasty.run(*line)
        for text in (result.out, result.err):
            assert OBEYED.findall(text) == [], line


def test_errors_of_the_server_are_cleaned(nasty: Project) -> None:
    """So are its messages, in the outcome as it comes and in the report."""
    account: Account = nasty.account
    said = {"violations": [{"propertyPath": f"x{NASTY}", "message": f"m{NASTY}"}]}
    account.fault("status", status=422, body=said, method="POST", times=None)
    account.fault("status", status=422, body=said, method="PATCH", times=None)
    result = nasty.run("-vv", "apply", "--yes")
    assert "failed" in result.out
    assert OBEYED.findall(result.out + result.err) == []


@pytest.mark.parametrize("flags", [(), ("--redact",)], ids=["plain", "redacted"])
def test_json_is_escaped_and_complete(nasty: Project, flags: tuple[str, ...]) -> None:
    """In JSON the value is what it is, and the text of the document holds nothing that a terminal obeys."""
    result = nasty.run(*flags, "plan", "--json")
    assert OBEYED.findall(result.out) == []
    (change,) = (each for each in json.loads(result.out)["changes"] if each["address"].startswith("contact/"))
    before = {each["path"]: each.get("before") for each in change["fields"]}
    if not flags:
        assert before["first_name"] == f"A{NASTY}"
    else:
        assert re.fullmatch(r"v:[0-9a-f]{8}", before["first_name"])


def test_names_in_the_files_are_cleaned_too(project: Project) -> None:
    """YAML can hold escapes in double quotes: what is refused is shown without obeying it."""
    project.write(r'tags: ["a\e[31m\u202eb"]' + "\n" + r'contacts: [{email: "x\a\e]0;y\a"}]' + "\n")
    for line in (("validate",), ("plan",), ("plan", "--target", "tag/\x1b[2J")):
        result = project.run(*line)
        assert OBEYED.findall(result.out + result.err) == [], line
