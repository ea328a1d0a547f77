"""Problems of files as a result of their own; separate from plans, so that `validate` imports nothing of these."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from reconciler.errors import Problem
from reconciler.model.resource import EMPTY


@dataclass(frozen=True)
class FileProblems:
    """Problems of files; the other fields as in :class:`~reconciler.output.plan_sheet.PlanSheet`."""

    problems: Sequence[Problem]
    name: str = ""
    base: str = ""
    resources: int = 0
    document: Mapping[str, Any] = field(default_factory=lambda: EMPTY)


def problems_document(problems: Sequence[Problem]) -> dict[str, Any]:
    """The document of ``validate --json``."""
    return {"valid": not problems, "problems": [problem._asdict() for problem in problems]}
