"""Reads ``reconciler.yaml``: its typed and valid content, or its errors."""

from __future__ import annotations

import os
from collections.abc import Iterator
from collections.abc import Mapping as Table
from pathlib import Path
from typing import Any, NamedTuple

from reconciler.config import configuration, files, yaml_loader
from reconciler.config.positions import MappingNode, Node
from reconciler.config.problems import Complaint
from reconciler.config.scalars import compile_schema
from reconciler.config.validation import SchemaValidator
from reconciler.errors import ConfigurationError, Problem
from reconciler.model.resource import EMPTY

#: Settings that are refused in the file, because a pull request could change them.
_NOT_HERE = {
    "api_key": ("API keys must not be stored in this file", "set environment variable MATON_API_KEY"),
    "gateway_url": ("the gateway URL cannot be set in this file", "use --gateway-url or RECONCILER_GATEWAY_URL"),
    "control_url": ("the gateway URL cannot be set in this file", "use --control-url or RECONCILER_CONTROL_URL"),
}
_NO_HOOK = (
    "the notification URL must not be stored in this file",
    "set environment variable RECONCILER_NOTIFY_URL",
)


class SettingsContent(NamedTuple):
    """The settings of a file; ``node`` is empty when no such file: or when anything is wrong in it."""

    node: MappingNode
    findings: list[Complaint]
    problems: list[Problem]


def read(root: Path, schema: Table[str, Any], environ: Table[str, str], cwd: Path | None = None) -> SettingsContent:
    """The file at the root of a project; positions name it relative to ``cwd`` where that is shorter."""
    there = [root / name for name in files.SETTINGS_NAMES if os.path.lexists(root / name)]
    if not there:
        return SettingsContent(MappingNode.at("reconciler.yaml"), [], [])
    name = files.shown_name(there[0], cwd)
    if len(there) > 1:
        twice = Problem(name, f"there is also {there[1].name}", "remove one of them")
        return SettingsContent(MappingNode.at(name), [], [twice])
    try:
        files.discover(there[0], project=root, cwd=cwd)
        node = yaml_loader.parse(files.read(there[0], name), name)
    except ConfigurationError as error:
        return SettingsContent(MappingNode.at(name), [], list(error.problems))
    rules = configuration.LoadOptions(compile_schema(schema), SchemaValidator(schema), EMPTY, environ, EMPTY)
    findings = _check(node, name, rules)
    usable = isinstance(node, MappingNode) and not findings
    return SettingsContent(node if isinstance(node, MappingNode) and usable else MappingNode.at(name), findings, [])


def _check(node: Node, name: str, rules: configuration.LoadOptions) -> list[Complaint]:
    ours = list(_misplaced(node))
    said = {finding.origin for finding in ours}
    found, _ = configuration.check(node, name, rules)
    return [*ours, *(finding for finding in found if finding.origin not in said)]


def _misplaced(node: Node) -> Iterator[Complaint]:
    """Keys that may not be set in the file, at the top level and in each environment."""
    if not isinstance(node, MappingNode):
        return
    environments = node.get("environments")
    inner = environments.values() if isinstance(environments, MappingNode) else ()
    for block in [node, *(block for block in inner if isinstance(block, MappingNode))]:
        for key in _NOT_HERE.keys() & block.keys():
            yield Complaint(block.origin(key), *_NOT_HERE[key])
        notify = block.get("notify")
        if isinstance(notify, MappingNode) and "url" in notify:
            yield Complaint(notify.origin("url"), *_NO_HOOK)
