"""The argument that every operation gets for one parsed request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from reconciler.emulator.answers import Answer
from reconciler.emulator.state import State

Emit = Callable[[str, Mapping[str, object]], None]


@dataclass(slots=True)
class Call:
    """`args` are the variable segments of the path; `emit` sends an event to the webhooks."""

    state: State
    args: tuple[str, ...]
    query: Mapping[str, str]
    body: Mapping[str, object]
    emit: Emit
    silent: bool = field(default=False)


Operation = Callable[[Call], Answer]
