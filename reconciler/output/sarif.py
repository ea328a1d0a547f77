"""Writes findings as a SARIF 2.1.0 log for code scanning."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any
from urllib.parse import quote

from reconciler import __version__
from reconciler.model.values import Origin
from reconciler.output import diagnostics, wording
from reconciler.output.diagnostics import RULES, Diagnostic, Examined
from reconciler.output.drift import DriftReport
from reconciler.output.plan_sheet import PlanSheet
from reconciler.output.problems import FileProblems

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

#: URL of the description of the tool.
HOME = "https://github.com/example-org/reconciler"
#: Position of a result that has none: code scanning needs a file.
_NOWHERE = Origin("reconciler.yaml", 1, 1)


#: The part of the id of a log that names its subject; it keeps the logs of one project apart.
_SUBJECTS: dict[type[Examined], str] = {PlanSheet: "plan", DriftReport: "drift", FileProblems: "files"}


def log(result: Examined) -> str:
    """The SARIF log of a plan, a run, drift or problems of files: one run."""
    driver = {
        "name": "reconciler",
        "version": __version__,
        "semanticVersion": __version__,
        "informationUri": HOME,
        "rules": [
            {
                "id": rule.id,
                "name": rule.id.title().replace("-", ""),
                "shortDescription": {"text": rule.about},
                "fullDescription": {"text": rule.about},
                "defaultConfiguration": {"level": rule.level.value},
                "help": {"text": rule.help.replace("`", ""), "markdown": rule.help},
            }
            for rule in RULES
        ],
    }
    run = {
        "tool": {"driver": driver},
        "automationDetails": {"id": f"reconciler/{_SUBJECTS[type(result)]}/{wording.printable(result.name)}/"},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {"%SRCROOT%": {"description": {"text": "The folder of the repository."}}},
        "results": [_result(each, result.base) for each in diagnostics.of(result)],
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2)


def _result(found: Diagnostic, base: str) -> dict[str, Any]:
    location: dict[str, Any] = {"physicalLocation": _place(found.origin or _NOWHERE, base)}
    if found.subject:
        location["logicalLocations"] = [{"fullyQualifiedName": found.subject, "kind": "resource"}]
    return {
        "ruleId": found.rule.id,
        "ruleIndex": RULES.index(found.rule),
        "level": found.rule.level.value,
        "message": {"text": wording.printable(found.message)},
        "locations": [location],
        "partialFingerprints": {"subject/v1": _fingerprint(found)},
    }


def _place(origin: Origin, base: str) -> dict[str, Any]:
    uri = quote(diagnostics.below(base, origin).encode(errors="replace"), safe="/")
    return {
        "artifactLocation": {"uri": uri, "uriBaseId": "%SRCROOT%"},
        "region": {"startLine": origin.line, "startColumn": max(1, origin.column)},
    }


def _fingerprint(found: Diagnostic) -> str:
    """A fingerprint that stays the same if the line of the finding moves."""
    text = f"{found.rule.id}\0{found.subject or found.message}"
    return sha256(text.encode(errors="replace")).hexdigest()[:32]
