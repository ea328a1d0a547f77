"""Renders the resources that a clone leaves out, without names of people."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from reconciler.output import wording
from reconciler.planner.clone import ClonedState, LeftOut, grouped

Line = list[tuple[str, str]]
#: Number of names shown for one reason.
NAMED = 5


def cloned_lines(made: ClonedState) -> Iterator[Line]:
    """Number of anonymized contacts, omitted resources with reasons, and patterns without a match."""
    if made.replaced:
        people = wording.count(made.replaced, "person gets", "people get")
        yield [(f"{people} an anonymized address; names, phone numbers and field values are not copied.", "")]
    if made.left:
        yield [("Left out:", "bold")]
    for (kind, why), names in grouped(made.left).items():
        number = wording.count(sum(names.values()), kind.replace("_", " "))
        named = _named(names)
        yield [(f"  {number}{f' ({named})' if named else ''}: ", "yellow"), (wording.printable(why), "")]
    for pattern in made.unmatched:
        yield [(f"--allow-contact {wording.printable(pattern)} matches no contact of the source.", "yellow")]


def _named(names: Mapping[str, int]) -> str:
    named = [wording.printable(name) for name in sorted(names) if name]
    more = f" and {len(named) - NAMED:,} more" if len(named) > NAMED else ""
    return ", ".join(named[:NAMED]) + more


def cloned_document(source: str, target: str, made: ClonedState) -> dict[str, Any]:
    """The JSON document of the resources that a clone leaves out."""
    return {
        "from": source,
        "to": target,
        "replaced": made.replaced,
        "left_out": left_document(made.left),
        "unmatched": list(made.unmatched),
    }


def left_document(left: Iterable[LeftOut]) -> list[dict[str, Any]]:
    """The omitted resources by kind and reason, with their number and names."""
    return [
        {"kind": kind, "why": why, "count": sum(names.values()), "names": sorted(name for name in names if name)}
        for (kind, why), names in grouped(left).items()
    ]
