"""The table of output formats; renders a subject in one of them.

A module is imported when its format is used, since the help of every command lists all formats.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, NamedTuple, Protocol

#: Subjects that can be rendered: a plan (with its report after an apply), drift, problems of files, a fleet.
PLAN, DRIFT, PROBLEMS, FLEET = "plan", "drift", "problems", "fleet"


class Format(NamedTuple):
    """The purpose of a format, and ``module.function`` below reconciler.output for each subject that it can show.

    ``needs`` names those parts of a plan's sheet that cost something to make: its requests, its document.
    """

    about: str
    plan: str
    drift: str = ""
    problems: str = ""
    fleet: str = ""
    needs: frozenset[str] = frozenset()


FORMATS = {
    "text": Format(
        "for people, as on a terminal",
        "plain_text.plan_text",
        "plain_text.drift_text",
        "plain_text.problems_text",
        "fleet.fleet_text",
    ),
    "json": Format(
        "for programs; `reconciler schema plan` describes it",
        "json_documents.document_text",
        "json_documents.document_text",
        "json_documents.document_text",
        "json_documents.document_text",
        needs=frozenset({"requests", "document"}),
    ),
    "markdown": Format(
        "a comment of a pull request, or the summary of a job",
        "markdown.plan_comment",
        "markdown.drift_comment",
        "markdown.problems_comment",
        "fleet.fleet_comment",
    ),
    "html": Format(
        "one page with everything, to look at and to keep",
        "html.page",
        fleet="fleet.fleet_page",
        needs=frozenset({"requests"}),
    ),
    "junit": Format(
        "test results: one case for each resource", "junit.plan_suites", "junit.drift_suites", "junit.problems_suites"
    ),
    "sarif": Format("code scanning: what needs attention, at its line", "sarif.log", "sarif.log", "sarif.log"),
    "github": Format(
        "annotations of a GitHub job, at their lines",
        "annotations.workflow_commands",
        "annotations.workflow_commands",
        "annotations.workflow_commands",
    ),
    "gitlab": Format("the counts that a GitLab merge request shows", "gitlab.plan_counts"),
}


class Documented(Protocol):
    """A plan, drift, a list of problems or the report of a fleet, with its document."""

    @property
    def document(self) -> Mapping[str, Any]: ...


def names(subject: str) -> list[str]:
    """The formats that can render this subject."""
    return [name for name, form in FORMATS.items() if getattr(form, subject)]


def rendered(name: str, subject: str, result: Documented) -> str:
    """The result in that format, with a line end after it."""
    module, _, function = str(getattr(FORMATS[name], subject)).rpartition(".")
    text: str = getattr(import_module(f"reconciler.output.{module}"), function)(result)
    return text if text.endswith("\n") or not text else text + "\n"
