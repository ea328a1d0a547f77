"""The page passes html-validate: its recommended rules, those of accessibility included."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.model.fleet import AccountResult, AccountState, FleetReport, NeededApproval
from reconciler.output.fleet import fleet_page
from reconciler.output.html import page
from tests.html.plans import large, mixed, sheet_of
from tests.support import node

#: Rules about the style of the source rather than its validity.
OFF = ("no-trailing-whitespace", "long-title", "no-inline-style", "require-sri", "void-style", "doctype-style")
SCRIPT = """
const { HtmlValidate, StaticConfigLoader } = require("html-validate");
const [file, ...off] = process.argv.slice(1);
const rules = Object.fromEntries(off.map(name => [name, "off"]));
const config = { root: true, extends: ["html-validate:recommended"], rules };
new HtmlValidate(new StaticConfigLoader(config)).validateFile(file).then(({ results }) => {
    const found = results.flatMap(each => each.messages);
    console.log(found.map(each => `${each.line}:${each.column} ${each.ruleId}: ${each.message}`).join("\\n"));
});
"""


NEEDED = NeededApproval("deletes", 1, "1 deletion")
FLEET = (
    AccountResult("acme", AccountState.CHANGES, 2, {"create": 2}, 5, needs=(NEEDED,)),
    AccountResult("bolt", AccountState.FAILED, 1, error="no connection <b>"),
)
PAGES = {
    "mixed": page(mixed()),
    "large": page(large(30)),
    "quiet": page(sheet_of()),
    "fleet": fleet_page(FleetReport("plan", "clients", FLEET, 1.5, "out", "3 accounts failed")),
}


@pytest.mark.parametrize("name", PAGES)
def test_html_validate_finds_nothing(tmp_path: Path, name: str) -> None:
    """In a plan with everything, one with many changes, one without, and in the page of a fleet."""
    node.require("html-validate")
    file = tmp_path / "plan.html"
    file.write_text(PAGES[name], encoding="utf-8")
    done = node.run(SCRIPT, file, *OFF)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split("\n")[:20] == ["", ""]
