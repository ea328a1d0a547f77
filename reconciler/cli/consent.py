"""A plan that passed its gates → the word of somebody who may give it: typed, or a flag where nobody can be asked."""

from __future__ import annotations

from typing import Any

from reconciler.cli.asking import answer, can_ask, says
from reconciler.cli.running import Run
from reconciler.errors import Declined
from reconciler.render.question import question


def ask(session: Run, planned: Any, given: dict[str, Any]) -> None:
    """A person types yes, or the name of a protected environment; without a terminal it has to be a flag."""
    name = session.settings.environment if session.settings.protect else None
    if name:
        asks = not given["confirm"] and can_ask()
        typed = answer(f"{_asked(session, planned)} Type {name} to apply: ") if asks else given["confirm"]
        if typed != name:
            raise Declined(f"{name} is protected: confirm with --confirm {name}; nothing was changed")
        return
    if given["yes"]:
        return
    if not can_ask():
        raise Declined("there is no terminal to ask; say --yes, or plan with --out and apply with --plan --yes")
    if not says(_asked(session, planned)):
        raise Declined("declined; nothing was changed")


def _asked(session: Run, planned: Any) -> str:
    return question(planned.plan, len(planned.graph.order), session.name)
