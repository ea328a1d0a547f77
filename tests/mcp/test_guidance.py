"""Resources, prompts, instructions, and the skill: what they name exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from mcp import MCPError

from reconciler.cli.main import COMMANDS
from reconciler.commands import help as pages
from reconciler.kinds import KINDS
from tests.mcp.assistant import Assistant

SKILL = Path(__file__).parents[2] / "integrations" / "skill" / "SKILL.md"


def test_resources(reader: Assistant) -> None:
    """Every page that ``reconciler help`` has, and every kind; nothing else can be read."""
    listed = {str(each.uri) for each in reader.portal.call(reader.client.list_resources).resources}
    assert listed >= {f"reconciler://docs/{page.page}" for page in pages.topics()}
    assert listed >= {f"reconciler://kinds/{kind}" for kind in KINDS}
    for uri in listed:
        (content,) = reader.portal.call(reader.client.read_resource, uri).contents
        assert content.mime_type == "text/markdown" and content.text.startswith("#"), uri
    for uri in ("reconciler://docs/nothing", "reconciler://docs/../../pyproject", "file:///etc/passwd"):
        with pytest.raises(MCPError):
            reader.portal.call(reader.client.read_resource, uri)


def test_prompts(reader: Assistant) -> None:
    """Three; they name tools, options and resources that exist."""
    prompts = reader.portal.call(reader.client.list_prompts).prompts
    assert {each.name for each in prompts} == {"review_this_plan", "adopt_this_account", "why_did_this_drift"}
    for prompt in prompts:
        arguments = {each.name: "tag/VIP" for each in prompt.arguments or ()}
        for given in ({}, arguments):
            found = reader.portal.call(reader.client.get_prompt, prompt.name, given)
            (message,) = found.messages
            check(message.content.text)


def check(text: str) -> None:
    """Commands and pages that the text names exist."""
    for command in re.findall(r"`reconciler (?:-\S+ )*([a-z]+)\b[^`]*`", text):
        assert command in COMMANDS, command
    for page in re.findall(r"reconciler://docs/([\w-]+)", text):
        assert page in {each.page for each in pages.topics()}, page


def test_the_skill() -> None:
    """It has the head of the gateway's documents, and names what exists."""
    _, head, body = SKILL.read_text().split("---\n", 2)
    about = yaml.safe_load(head)
    assert about["name"] == "reconciler" and len(about["description"]) < 1024
    assert set(about) == {"name", "description", "metadata"}
    check(body)
