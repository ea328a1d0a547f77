"""Writes docs/reference/action.md: inputs and outputs of the GitHub action."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from docs.generate.markdown import code, sentence, table

FILE = Path(__file__).resolve().parents[2] / "action.yml"
INTRO = """\
# GitHub action

`action.yml` of this repository. See [GitOps](../guides/gitops.md) for its use;
[examples/github/reconciler.yml](../../examples/github/reconciler.yml) is a workflow to copy.

## Inputs

"""


def page() -> str:
    """The whole page."""
    action: dict[str, Any] = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    return "".join(
        [
            INTRO,
            table(
                ["input", "default", "meaning"],
                (
                    [
                        code(name),
                        "required" if each.get("required") else code(_default(each)),
                        sentence(each["description"]),
                    ]
                    for name, each in action["inputs"].items()
                ),
            ),
            "\n## Outputs\n\n",
            table(
                ["output", "meaning"],
                ([code(name), sentence(each["description"])] for name, each in action["outputs"].items()),
            ),
        ]
    )


def _default(given: dict[str, Any]) -> str:
    """An expression of GitHub's without its braces, which would be one on the page as well."""
    return str(given.get("default", "")).removeprefix("${{ ").removesuffix(" }}")
