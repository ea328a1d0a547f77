"""Rounds, numbers and notifications of a watch → docs/reference/watching.md."""

from __future__ import annotations

from collections.abc import Iterator

from docs.generate import meanings, schemas
from docs.generate.markdown import code, listed, table
from reconciler.cli.handlers.metrics import Metrics
from reconciler.output.notification import notification_schema
from reconciler.watch.cycles import CycleResult

INTRO = """\
# Watching

What `watch` tells. [The guide](../guides/watching.md) says how it is used.

## How a round ends

"""
ENDINGS = {
    CycleResult.UNCHANGED: "The account is as the files say.",
    CycleResult.CHANGES: "There are changes, and nobody asked for them to be made.",
    CycleResult.APPLIED: "All changes were made.",
    CycleResult.PARTLY: "Some of the changes were made; the next round does the rest.",
    CycleResult.REFUSED: "An approval is missing, or another run holds the ledger.",
    CycleResult.FAILED: "Files, network or vendor; the next round tries again, later each time.",
    CycleResult.STOPPED: "The watch was stopped in it.",
}
NUMBERS = """
## Numbers

`--metrics 127.0.0.1:9309` shows these at `/metrics`. They name kinds and words, never people.

"""
NOTICES = """
## Notifications

`RECONCILER_NOTIFY_URL` gets a POST with this document in the form `json`; the form `slack` says the same in one line,
as incoming webhooks of Slack take it. Neither names anybody: no address, no value, no message of an error.

"""


def page() -> str:
    """The whole page."""
    meanings.complete(CycleResult, ENDINGS)  # type: ignore[arg-type]
    return "".join(
        [
            INTRO,
            table(["word", "what it means"], ([code(ending.value), text] for ending, text in ENDINGS.items())),
            NUMBERS,
            table(["number", "labels", "what it is"], _numbers()),
            NOTICES,
            table(
                ["key", "holds", "what it is"],
                ([code(row.path), row.holds, row.doc] for row in schemas.rows(notification_schema())),
            ),
        ]
    )


def _numbers() -> Iterator[list[str]]:
    """Name, labels and description of every number of ours, as Prometheus sees it."""
    for collector in vars(Metrics()).values():
        if hasattr(collector, "describe") and hasattr(collector, "_labelnames"):
            for family in collector.describe():
                name = family.name + ("_total" if family.type == "counter" else "")
                yield [code(name), listed(collector._labelnames), family.documentation]
