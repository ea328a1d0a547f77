"""``graph``: what needs what, of the files or of a plan."""

from __future__ import annotations

import os
import shutil
from typing import Any
from xml.etree import ElementTree

import pytest

from tests.cli.support import ended
from tests.support.project import Project

SITE = """\
tags: [VIP]
contacts:
- {email: ann@example.com, first_name: Annabel, tags: [VIP, Old], courses: [Launch]}
webhooks: [{name: CRM, url: 'https://crm.example.com/', secret: {env: S}, events: [SALE_NEW]}]
"""
SEED: dict[str, Any] = {"tags": ["Old"], "courses": [{"name": "Launch"}]}


@pytest.fixture
def site(make_project: Any) -> Project:
    """A project with a file that refers to what only the account has."""
    made: Project = make_project(SEED)
    made.env["S"] = "s3cret"
    made.write(SITE)
    return made


FILES = """\
flowchart LR
%% an arrow leads from what needs to what is needed
    n0(["contact/ann@example.com"]):::kind_contact
    n1[("course/Launch")]:::outside
    n2["tag/Old"]:::outside
    n3["tag/VIP"]:::kind_tag
    n4["webhook/CRM"]:::kind_webhook
    n5{{"enrollment/ann@example.com/Launch"}}:::kind_enrollment
    n6{{"tagging/ann@example.com/Old"}}:::kind_tagging
    n7{{"tagging/ann@example.com/VIP"}}:::kind_tagging
    n5 -->|"needs"| n0
    n5 -->|"needs"| n1
    n6 -->|"needs"| n0
    n6 -->|"needs"| n2
    n7 -->|"needs"| n0
    n7 -->|"needs"| n3
    classDef """


def test_of_files(site: Project) -> None:
    """Offline, and the same every time."""
    result = site.run("graph", env={"MATON_API_KEY": None})
    ended(result, 0)
    assert result.out.startswith(FILES)
    assert result.out == site.run("graph", ".").out
    assert site.account.requests == []


def test_of_a_plan(site: Project) -> None:
    """Steps with what is done and in which order; nothing is written."""
    result = site.run("graph", "--of", "plan")
    ended(result, 0)
    for text in ('"#43; tag/VIP"', '"#43; webhook/CRM"', '(("all else is done"))', "-.->", '-->|"needs"|'):
        assert text in result.out
    assert "course/" not in result.out
    assert site.account.writes == []
    few = ended(site.run("graph", "--of", "plan", "--target", "tag/VIP", "--format", "dot"), 0, "+ tag/VIP")
    assert "webhook" not in few
    site.apply()
    assert "n0" not in site.run("graph", "--of", "plan").out


def test_a_replace_has_two_steps(site: Project) -> None:
    """Down first, then up."""
    site.apply()
    site.write(SITE.replace("crm.example.com", "new.example.com"))
    result = site.run("graph", "--of", "plan", "--format", "dot")
    assert 'n0 [label="- webhook/CRM"' in result.out
    assert 'n1 [label="+ webhook/CRM"' in result.out
    assert 'n0 -> n1 [label="needs"];' in result.out


def test_many_are_folded(project: Project) -> None:
    """Contacts and relations are one box for each kind, unless --full."""
    people = "\n".join(f"- {{email: p{n}@example.com, tags: [VIP, Unmanaged]}}" for n in range(150))
    project.write(f"tags: [VIP]\ncontacts:\n{people}\n")
    out = project.run("graph").out
    assert '"contact × 150"' in out
    assert '"tagging × 300"' in out
    assert '|"needs × 300"|' in out
    assert "p1@example.com" not in out
    assert "p1@example.com" in project.run("graph", "--full").out
    project.account.seed({"tags": ["Unmanaged"]})
    planned = project.run("graph", "--of", "plan", "--format", "dot").out
    assert '"+ contact × 150"' in planned
    assert '"+ tagging × 300"' in planned


def test_nobody_is_named_with_redact(site: Project) -> None:
    """Not in a file either."""
    ended(site.run("--redact", "graph", "--out", "site.mmd"), 0, "Wrote site.mmd: 8 nodes, 6 edges.")
    text = (site.folder / "site.mmd").read_text(encoding="utf-8")
    assert "ann@" not in text + site.run("--redact", "graph", "--format", "dot").out
    assert "tagging/c#58;" in text or "tagging/c:" in text


def program(site: Project, text: str) -> dict[str, str | None]:
    """A PATH on which graphviz is what the test says."""
    folder = site.folder / ".bin"
    folder.mkdir(exist_ok=True)
    (folder / "dot").write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    (folder / "dot").chmod(0o755)
    return {"PATH": f"{folder}:/usr/bin:/bin"}


@pytest.mark.skipif(not shutil.which("dot"), reason="graphviz is not installed")
def test_graphviz_draws_it(site: Project) -> None:
    """The program itself understands what it is given: a box for each resource, as well-formed SVG."""
    text = ended(site.run("graph", "--format", "svg", env={"PATH": os.environ["PATH"]}), 0)
    drawn = ElementTree.fromstring(text[text.index("<svg") :])
    nodes = [each for each in drawn.iter("{http://www.w3.org/2000/svg}g") if each.get("class") == "node"]
    assert len(nodes) == site.run("graph", "--format", "dot").out.count("shape=")


def test_svg_is_drawn_by_graphviz(site: Project) -> None:
    """It is given the DOT text; how it ended is said."""
    env = program(site, 'test "$1" = -Tsvg && echo "<svg>" && cat && echo "</svg>"')
    result = site.run("graph", "--format", "svg", env=env)
    ended(result, 0, "<svg>\ndigraph reconciler {", "}\n</svg>")
    ended(
        site.run("graph", "--format", "svg", env=program(site, "echo no fonts >&2; exit 3")),
        1,
        "graphviz failed (3): no fonts",
    )
    (site.folder / ".bin" / "dot").write_bytes(b"\x7fELF")
    ended(site.run("graph", "--format", "svg", env=env), 1, "cannot be started")


def test_graphviz_is_given_no_secret(site: Project) -> None:
    """Neither our variables nor those of the webhooks; where programs and fonts are is passed on."""
    env = program(site, "env > seen; cat")
    ended(site.run("graph", "--format", "svg", env={**env, "CRM_WEBHOOK_SECRET": "s", "LANG": "C"}), 0)
    seen = (site.folder / "seen").read_text(encoding="utf-8")
    assert "LANG=C" in seen
    assert not [name for name in ("MATON_", "RECONCILER_", "CRM_WEBHOOK_SECRET") if name in seen]


def test_without_graphviz(site: Project) -> None:
    """The remedy is said, and nothing is written."""
    env = {"PATH": str(site.folder)}
    ended(
        site.run("graph", "--format", "svg", "--out", "x.svg", env=env),
        1,
        "Install graphviz",
        "--format mermaid or dot",
    )
    assert not (site.folder / "x.svg").exists()


def test_bad_input(site: Project, project: Project) -> None:
    """Flags of a plan without one, no files, a place that takes no file."""
    ended(site.run("graph", "--target", "tag/VIP"), 1, "need --of plan")
    ended(project.run("graph"), 1, "no YAML files in this folder")
    ended(site.run("graph", "--out", "none/x.mmd"), 1, "none/x.mmd cannot be written")
    ended(site.run("graph", "--format", "png"), 1, "mermaid")


def test_too_big_for_mermaid(project: Project) -> None:
    """GitHub and GitLab draw an error instead, so that is said; other formats have no such limit."""
    project.write("tags:\n" + "".join(f"  - A tag with a long name, number {number}\n" for number in range(900)))
    said = project.run("graph")
    assert said.code == 0
    assert "warning: too big for Mermaid" in said.err
    assert "--format dot" in said.err
    assert project.run("graph", "--format", "dot").err == ""
    project.write("tags: [A]\n")
    assert project.run("graph").err == ""
