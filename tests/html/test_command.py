"""The page as commands write it, and what it is shipped with."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.architecture.source import ROOT
from tests.html.parsed import Parsed
from tests.support.project import Project

FILES = """\
tags: [VIP]
contacts:
  - {email: ann@example.com, first_name: Annabella, tags: [VIP]}
webhooks:
  - {name: CRM, url: "https://crm.example.com/hook", secret: {env: HOOK_SECRET}, events: [SALE_NEW]}
"""
SECRET = {"HOOK_SECRET": "hush-hush-hush"}


@pytest.fixture
def filled(make_project: Callable[..., Project]) -> Project:
    """A person, her tag and a webhook with a secret, declared; the account has none of it."""
    project = make_project()
    project.write(FILES)
    return project


def test_a_plan_is_written_as_a_page(filled: Project) -> None:
    """Summary, calls and places; the secret's source, never the secret."""
    done = filled.run("plan", "--output", "html=plan.html", env=SECRET)
    assert done.code == 0, done.err
    markup = (filled.folder / "plan.html").read_text(encoding="utf-8")
    parsed = Parsed(markup)
    assert [each.text for each in parsed.all("h1")] == ["3 to create, 1 tag to assign"]
    assert "hush" not in markup
    read = re.sub(r"\s+", " ", parsed.text)
    assert "POST /api/webhooks" in read and "(secret from env:HOOK_SECRET)" in read and "not shown" in read
    assert "site.yaml:3" in read


def test_a_redacted_page_names_nobody(filled: Project) -> None:
    """Marks in titles, fields, links, calls and the picture alike."""
    done = filled.run("--redact", "plan", "--output", "html", env=SECRET)
    assert done.code == 0, done.err
    assert "annabella" not in done.out.casefold() and "ann@" not in done.out and "ann%40" not in done.out
    assert re.search(r"contact/</span>c:[0-9a-f]{8}", done.out)
    assert Parsed(done.out).skeleton


def test_an_apply_and_the_quiet_plan_after_it(filled: Project) -> None:
    """What came of it is a page, and so is that nothing is left to do."""
    done = filled.run("apply", "--yes", "--output", "html=applied.html", env=SECRET)
    assert done.code == 0, done.err
    parsed = Parsed((filled.folder / "applied.html").read_text(encoding="utf-8"))
    assert [each.text for each in parsed.all("h1")] == [
        "Run 1 complete: 3 created, 1 tag assigned (3 calls to read, 4 to apply)"
    ]
    assert [each.text for each in parsed.of("end")] == ["done"] * 3
    quiet = filled.run("plan", "--output", "html", env=SECRET)
    assert [each.text for each in Parsed(quiet.out).all("h1")] == ["No changes"]


def test_what_the_page_needs_is_shipped() -> None:
    """Every file of the package that is no Python is named in pyproject.toml: a wheel holds nothing else."""
    project = tomllib.loads((ROOT.parent / "pyproject.toml").read_text(encoding="utf-8"))
    named = project["tool"]["setuptools"]["package-data"]
    shipped = {
        path
        for package, patterns in named.items()
        for pattern in patterns
        for path in ROOT.parent.joinpath(*package.split(".")).glob(pattern)
    }
    beside = {path for path in ROOT.rglob("*") if path.is_file() and path.suffix not in (".py", ".pyc")}
    assert beside - {Path(ROOT / "py.typed")} <= shipped
    assert {"page.css", "page.js", "plan.html.j2"} <= {path.name for path in shipped}
