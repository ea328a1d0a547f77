"""What came of a plan → what the page says of it, in all and for each change."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from reconciler.model.report import Outcome, Report, Status
from reconciler.model.values import Address
from reconciler.render import words
from reconciler.render.html_markup import text

#: Worst first: a change that takes several steps ended as its worst one did.
ORDER = (Status.FAILED, Status.SKIPPED, Status.NOT_RUN, Status.PENDING, Status.DONE)
BAD = frozenset({Status.FAILED, Status.SKIPPED})


class End(NamedTuple):
    """How a change ended, why, and what the server made of values that were sent."""

    status: Status
    message: str
    differs: Mapping[str, tuple[object, object]]


def ends_of(report: Report | None) -> dict[Address, End]:
    """By address; empty where nothing was carried out."""
    found: dict[Address, End] = {}
    for outcome in sorted(report.outcomes if report else (), key=lambda each: -ORDER.index(each.status)):
        before = found.get(outcome.step.address)
        differs = {**(before.differs if before else {}), **outcome.differs}
        found[outcome.step.address] = End(outcome.status, outcome.message, differs)
    return found


def counted(ends: Iterable[End]) -> Counter[Status]:
    """How many changes ended how."""
    return Counter(end.status for end in ends)


def worst(report: Report) -> list[Outcome]:
    """What failed, then what was skipped for it."""
    bad = [each for each in report.outcomes if each.status in BAD]
    return sorted(bad, key=lambda each: ORDER.index(each.status))


def spelled(status: Status) -> str:
    """``not run``."""
    return status.value.replace("_", " ")


def end_markup(end: End | None) -> str:
    """For the line of the change."""
    if end is None:
        return ""
    said = ": ".join(filter(None, (spelled(end.status), end.message)))
    return f'<span class="end {end.status.value}">{text(said)}</span>'


def differs_markup(end: End | None) -> str:
    """Each value that is another one now than the one that was sent."""
    return "; ".join(
        text(f"{path} was sent as {words.value(sent)}, and is {words.value(shown)}")
        for path, (sent, shown) in (end.differs if end else {}).items()
    )
