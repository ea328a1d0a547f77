"""Writes docs/reference/watching.md: results of cycles, metrics and notifications."""

from __future__ import annotations

from collections.abc import Iterator

from docs.generate import meanings, schemas
from docs.generate.markdown import code, listed, table
from reconciler.cli.metrics import Metrics
from reconciler.output.notification import notification_schema
from reconciler.watch.cycles import CycleResult

INTRO = """\
# Watching

What `watch` reports. See [the guide](../guides/watching.md) for its use.

## Results of a cycle

"""
ENDINGS = {
    CycleResult.UNCHANGED: "The account matches the configuration.",
    CycleResult.CHANGES: "Changes were found; without --apply they are only reported.",
    CycleResult.APPLIED: "All changes were applied.",
    CycleResult.PARTIAL: "Some changes were applied; the next cycle continues.",
    CycleResult.REFUSED: "An approval is missing, or another run holds the lock.",
    CycleResult.FAILED: "Files, network or Systeme.io failed; the next cycle retries, with growing pauses.",
    CycleResult.STOPPED: "The watch was stopped during the cycle.",
}
NUMBERS = """
## Metrics

`--metrics 127.0.0.1:9309` serves these at `/metrics`. They contain kinds and counts, never people.

"""
NOTICES = """
## Notifications

`RECONCILER_NOTIFY_URL` receives a POST with this document in the form `json`; the form `slack` sends one line of text
for incoming webhooks of Slack. Neither contains personal data: no address, no value, no error message.

"""


def page() -> str:
    """The whole page."""
    meanings.complete(CycleResult, ENDINGS)  # type: ignore[arg-type]
    return "".join(
        [
            INTRO,
            table(["result", "meaning"], ([code(ending.value), text] for ending, text in ENDINGS.items())),
            NUMBERS,
            table(["metric", "labels", "meaning"], _numbers()),
            NOTICES,
            table(
                ["key", "type", "meaning"],
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
