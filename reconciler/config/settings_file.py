"""Reads and validates ``reconciler.yaml``."""

from __future__ import annotations

import os
from collections.abc import Iterator
from collections.abc import Mapping as Table
from pathlib import Path
from typing import NamedTuple

from reconciler.config import configuration, files, yaml_loader
from reconciler.config.positions import MappingNode, Node
from reconciler.config.problems import Finding
from reconciler.config.validation import CompiledSchema
from reconciler.errors import ConfigurationError, Problem
from reconciler.model.resource import EMPTY

#: Settings that are refused in the file, because a pull request could change them.
_FORBIDDEN = {
    "api_key": ("API keys must not be stored in this file", "set environment variable MATON_API_KEY"),
    "gateway_url": ("the gateway URL cannot be set in this file", "use --gateway-url or RECONCILER_GATEWAY_URL"),
    "control_url": ("the gateway URL cannot be set in this file", "use --control-url or RECONCILER_CONTROL_URL"),
}
_FORBIDDEN_URL = (
    "the notification URL must not be stored in this file",
    "set environment variable RECONCILER_NOTIFY_URL",
)


class SettingsContent(NamedTuple):
    """The settings of a file; ``node`` is empty if the file does not exist or has errors.

    ``findings`` are errors with a position, ``problems`` those of reading the file.
    """

    node: MappingNode
    findings: list[Finding]
    problems: list[Problem]


def read(root: Path, schema: CompiledSchema, environ: Table[str, str], cwd: Path | None = None) -> SettingsContent:
    """The settings file at the root of a project; positions name it relative to ``cwd`` where that is shorter."""
    found = [root / name for name in files.SETTINGS_NAMES if os.path.lexists(root / name)]
    if not found:
        return SettingsContent(MappingNode.at("reconciler.yaml"), [], [])
    name = files.shown_name(found[0], cwd)
    if len(found) > 1:
        problem = Problem(name, f"there is also {found[1].name}", "remove one of them")
        return SettingsContent(MappingNode.at(name), [], [problem])
    try:
        files.discover(found[0], project=root, cwd=cwd)
        node = yaml_loader.parse(files.read(found[0], name), name)
    except ConfigurationError as error:
        return SettingsContent(MappingNode.at(name), [], list(error.problems))
    rules = configuration.LoadOptions(schema, EMPTY, environ, EMPTY)
    findings = _check(node, name, rules)
    usable = isinstance(node, MappingNode) and not findings
    return SettingsContent(node if isinstance(node, MappingNode) and usable else MappingNode.at(name), findings, [])


def _check(node: Node, name: str, rules: configuration.LoadOptions) -> list[Finding]:
    forbidden = list(_forbidden(node))
    reported = {finding.origin for finding in forbidden}
    found, _ = configuration.check(node, name, rules)
    return [*forbidden, *(finding for finding in found if finding.origin not in reported)]


def _forbidden(node: Node) -> Iterator[Finding]:
    """Keys that may not be set in the file, at the top level and in each environment."""
    if not isinstance(node, MappingNode):
        return
    environments = node.get("environments")
    inner = environments.values() if isinstance(environments, MappingNode) else ()
    for block in [node, *(block for block in inner if isinstance(block, MappingNode))]:
        for key in _FORBIDDEN.keys() & block.keys():
            yield Finding(block.origin(key), *_FORBIDDEN[key])
        notify = block.get("notify")
        if isinstance(notify, MappingNode) and "url" in notify:
            yield Finding(notify.origin("url"), *_FORBIDDEN_URL)
