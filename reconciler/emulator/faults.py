"""Fault rules, and the faults that they cause for the next matching requests.

kind         request carried out?  what the client gets
status       no                    the given status, headers and body
drop_before  no                    a closed connection
drop_after   yes                   a closed connection
error_after  yes                   502 (or `status`) of the gateway
latency      yes                   its answer, `seconds` later; further rules apply too
cut          yes                   half a body: connection broken, or (`clean`) a whole message of broken JSON
html         if `commit`           200 with a text/html page
timeout      if `commit`           nothing for `seconds`, then its answer, or 504
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

# The parameters of each kind, with their defaults.
KINDS: dict[str, dict[str, object]] = {
    "status": {"status": 500, "headers": {}, "body": None},
    "drop_before": {},
    "drop_after": {},
    "error_after": {"status": 502},
    "latency": {"seconds": 0.0},
    "cut": {"clean": False},
    "html": {"commit": False},
    "timeout": {"commit": True, "seconds": 60.0},
}


@dataclass(slots=True)
class Fault:
    """One rule. It fires from the `nth` matching request on, `times` times (None: for ever)."""

    kind: str
    parameters: dict[str, object]
    method: str | None = None
    path: re.Pattern[str] | None = None
    nth: int = 1
    times: int | None = 1
    seen: int = 0
    fired: int = 0

    def matches(self, method: str, path: str) -> bool:
        wanted = self.method is None or self.method == method
        return wanted and (self.path is None or self.path.search(path) is not None)

    @property
    def due(self) -> bool:
        return self.seen >= self.nth and (self.times is None or self.fired < self.times)

    def number(self, name: str) -> float:
        value = self.parameters[name]
        return float(value) if isinstance(value, (int, float)) else 0.0

    def plain(self) -> dict[str, object]:
        match = {
            "method": self.method,
            "path": self.path.pattern if self.path else None,
            "nth": self.nth,
            "times": self.times,
        }
        return {"kind": self.kind, "match": match, "seen": self.seen, "fired": self.fired, **self.parameters}


def rule(kind: str, match: Mapping[str, object] | None = None, **parameters: object) -> Fault:
    """A rule from its plain form. Raises ValueError for unknown kinds, parameters and matches."""
    if kind not in KINDS:
        raise ValueError(f"unknown fault {kind!r}; there are {', '.join(KINDS)}")
    if unknown := set(parameters) - set(KINDS[kind]):
        raise ValueError(f"the fault {kind!r} has no {', '.join(sorted(unknown))}")
    wanted = dict(match or {})
    if unknown := set(wanted) - {"method", "path", "nth", "times"}:
        raise ValueError(f"a fault cannot match on {', '.join(sorted(unknown))}")
    method, path = wanted.get("method"), wanted.get("path")
    return Fault(
        kind,
        {**KINDS[kind], **parameters},
        method=None if method is None else str(method).upper(),
        path=None if path is None else re.compile(str(path)),
        nth=int(str(wanted.get("nth") or 1)),
        times=None if wanted.get("times", 1) is None else int(str(wanted.get("times", 1))),
    )


def meet(rules: Sequence[Fault], method: str, path: str) -> tuple[list[Fault], Fault | None]:
    """The delays and the one fault that a request meets. Each rule counts every request it matches."""
    delays: list[Fault] = []
    chosen: Fault | None = None
    for fault in rules:
        if not fault.matches(method, path):
            continue
        fault.seen += 1
        if not fault.due or (chosen is not None and fault.kind != "latency"):
            continue
        fault.fired += 1
        if fault.kind == "latency":
            delays.append(fault)
        else:
            chosen = fault
    return delays, chosen
