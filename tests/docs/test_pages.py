"""What README and docs show is what happens: every block runs, quotes or validates, and every name is there."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import cmarkgfm
import pytest
import yaml

from reconciler.commands.fmt import format_stream
from reconciler.config.settings_schema import settings_schema
from tests.docs import pages
from tests.docs.conftest import ROOT
from tests.docs.pages import PAGES, WRITTEN, Block
from tests.docs.worlds import Shell, World, worlds
from tests.support.project import Project

BLOCKS = [block for page in WRITTEN for block in pages.blocks(page)]
WORLDS = [world for page in WRITTEN for world in worlds(pages.blocks(page))]
QUOTES = [block for block in BLOCKS if block.what in ("file", "all")]
YAML = [block for page in PAGES for block in pages.blocks(page) if block.language == "yaml" and not block.what]
JSON = [block for block in BLOCKS if block.language == "json"]
LONGEST_README = 110

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


@pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.name)
def test_a_reader_can_follow(world: World, copy: Path, shell: dict[str, str]) -> None:
    """Every command runs as it stands, and prints what the page says; ``make docs`` copies what it prints."""
    changed: dict[Block, str] = {}
    with ExitStack() as stack:
        reader = Shell(copy, shell, stack)
        if world.setting:
            reader.enter(world.setting.text)
        for block in world.blocks:
            printed = reader.do(block)
            if block.language == "console" and printed != block.text:
                changed[block] = printed
    if os.environ.get("RECONCILER_UPDATE") == "docs" and changed:
        pages.refresh(world.blocks[0].page, changed)
    else:
        assert {block.name: block.text for block in changed} == {block.name: new for block, new in changed.items()}


@pytest.mark.parametrize("block", YAML, ids=lambda block: block.name)
def test_files_are_valid(block: Block, make_project: Callable[..., Project]) -> None:
    """Every YAML block is a file of a project, or its reconciler.yaml, in the form that ``fmt`` gives it."""
    assert format_stream(block.text.encode()).after.decode() == block.text
    project = make_project()
    keys = yaml.safe_load(block.text).keys()
    settings = keys & settings_schema()["properties"].keys()
    project.write(block.text, "reconciler.yaml" if settings else "site.yaml")
    if settings:
        project.write("tags: [VIP]\n")
    for csv_source in re.findall(r"[\w./-]+\.csv", block.text):
        project.write("Name;Address;email\n", csv_source)
    secrets = dict.fromkeys(re.findall(r"env: (\w+)", block.text), "secret")
    environment = next(iter(yaml.safe_load(block.text).get("environments") or {}), None)
    chosen = ["-e", environment] if environment else []
    result = project.run(*chosen, "validate", env=secrets)
    assert result.code == 0, result.err


@pytest.mark.parametrize("block", JSON, ids=lambda block: block.name)
def test_clients_start_a_command(block: Block, project: Project) -> None:
    """Every JSON block configures a client of the MCP server, with a command that exists."""
    document = json.loads(block.text)
    for server in (document.get("mcpServers") or document["servers"]).values():
        assert server["command"] == "reconciler"
        folder, *words = server["args"][1:]
        assert folder.startswith(("/path/to/", "${workspaceFolder}"))
        assert project.run(*words, "--help").code == 0


@pytest.mark.parametrize("block", QUOTES, ids=lambda block: block.name)
def test_quotes_are_exact(block: Block) -> None:
    """What a page quotes of a file stands in that file; ``make docs`` copies those that are quoted whole."""
    whole = (ROOT / block.path).read_text(encoding="utf-8")
    if block.what == "all" and os.environ.get("RECONCILER_UPDATE") == "docs":
        pages.refresh(block.page, {block: whole})
    else:
        assert block.text == whole if block.what == "all" else block.text in whole


def test_no_block_is_left_out() -> None:
    """A block runs, is validated, quotes a file or is written to one; the others are drawings."""
    ran = {block for world in WORLDS for block in world.blocks}
    drawings = {block for block in BLOCKS if block.language == "text" and "─" in block.text}
    settings = {block for block in BLOCKS if block.language in ("try", "meanwhile")}
    left = [block.name for block in BLOCKS if block not in {*ran, *QUOTES, *YAML, *JSON, *drawings, *settings}]
    assert left == []
    assert len(ran) > 10


def test_the_first_page_is_short() -> None:
    """The README is one screen; what is more than that belongs to docs/."""
    lines = pages.text(ROOT / "README.md").splitlines()
    assert len(lines) <= LONGEST_README


@each_page
def test_links_lead_somewhere(page: Path) -> None:
    """Every file and heading that a page points to is there."""
    for path, anchor in pages.links(page):
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{page.name}: {path}"
        assert not anchor or anchor in pages.anchors(target), f"{page.name}: {path}#{anchor}"
    assert [path for path in pages.paths(page) if not (ROOT / path).exists()] == []


@each_page
def test_tables_are_whole(page: Path) -> None:
    """As GitHub renders it: every table is one, with as many cells in each row as in its head."""
    shown = cmarkgfm.github_flavored_markdown_to_html(pages.text(page))
    assert shown.count("<table>") == len(re.findall(r"^\| ---", pages.prose(page), re.MULTILINE))
    for line in re.findall(r"^\|.*", pages.prose(page), re.MULTILINE):
        assert line.endswith(" |"), line
    for rows in re.findall(r"(?:^\|.*\n)+", pages.prose(page), re.MULTILINE):
        assert len({len(re.findall(r"(?<!\\)\|", row)) for row in rows.splitlines()}) == 1, rows


def test_every_page_is_found() -> None:
    """The index of docs leads to each of them, and the README to the index."""
    index = ROOT / "docs" / "README.md"
    linked = {(index.parent / path).resolve() for path, _ in pages.links(index)}
    assert [page.name for page in PAGES if page not in {index, ROOT / "README.md", *linked}] == []
    assert "docs/README.md" in [path for path, _ in pages.links(ROOT / "README.md")]
