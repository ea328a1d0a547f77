"""Writes docs/reference/documents.md: the keys of the JSON documents."""

from __future__ import annotations

from typing import Any

from docs.generate import meanings, schemas
from docs.generate.markdown import code, table
from reconciler.commands.init import schema_of
from reconciler.model.fleet import AccountState
from reconciler.model.report import Status
from reconciler.output.json_documents import FORMAT_VERSION

INTRO = f"""\
# JSON documents

`plan --json` and `show --json` print a plan, `apply --json`, `destroy --json` and `undo --json` a report: the plan
with its results. The format is {FORMAT_VERSION}: minor versions add keys, so ignore unknown ones; major versions are
incompatible. The schemas are [schema/plan.schema.json](../../schema/plan.schema.json) and
[schema/report.schema.json](../../schema/report.schema.json). With `--redact` they contain pseudonyms. For actions,
causes and consequences see [plans](plans.md), for `allow` see [safety](safety.md#approvals).

`fleet plan --json`, `fleet apply --json` and `fleet drift --json` print a fleet report, whose schema is
[schema/fleet-report.schema.json](../../schema/fleet-report.schema.json).
"""


def page() -> str:
    """The whole page."""
    meanings.complete(Status, meanings.STATUSES)  # type: ignore[arg-type]
    meanings.complete(AccountState, meanings.ACCOUNT_STATES)  # type: ignore[arg-type]
    plan, report = schema_of("plan"), schema_of("report")
    more = {name: each for name, each in report["properties"].items() if name not in plan["properties"]}
    states = ([code(each.value.replace(" ", "_")), text] for each, text in meanings.ACCOUNT_STATES.items())
    return "\n".join(
        [
            INTRO,
            "## Plan\n",
            _keys(plan),
            "## Report\n",
            "A report has every key of a plan, and these:\n",
            _keys({"properties": more, "required": report["required"]}),
            "The `status` of a step:\n",
            table(["status", "meaning"], ([code(each.value), text] for each, text in meanings.STATUSES.items())),
            "## Fleet report\n",
            _keys(schema_of("fleet-report")),
            "The `state` of an account:\n",
            table(["state", "meaning"], states),
        ]
    )


def _keys(schema: dict[str, Any]) -> str:
    rows = schemas.rows(schema, told=False)
    return table(
        ["key", "type", "required", "meaning"],
        ([code(row.path), row.holds, "yes" if row.required else "", row.doc] for row in rows),
    )
