"""Reads a plan file for display: offline, and verified if its key is available."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from reconciler.commands import ledgers, plan_document
from reconciler.commands.plan_file import approvals_of, dialect_of, plan_of
from reconciler.config.settings import Settings
from reconciler.errors import ConfigurationError
from reconciler.kinds.dialect import Dialect
from reconciler.ledger.codec import Key
from reconciler.ledger.store import Store
from reconciler.model.plan import Plan
from reconciler.planner.approvals import Approval
from reconciler.planner.order import Graph, build

Sign = Callable[[bytes], str]


@dataclass(frozen=True)
class SavedPlan:
    """A saved plan. ``checked``: its integrity code was verified."""

    plan: Plan
    graph: Graph
    approvals: tuple[Approval, ...]
    dialect: Dialect
    slugs: frozenset[str]
    environment: str | None
    checked: bool


def open_plan(path: Path, settings: Settings, on_store: Callable[[Store], None] = lambda store: None) -> SavedPlan:
    """Read a plan file. Raises ConfigurationError if it is not one, Refused if it was edited or has another version.

    ``on_store`` is called with the ledger whose key is available.
    """
    raw = plan_document.load(path)
    lineage = _lineage(raw)
    with _key(settings, lineage, on_store) as sign:
        document, checked = plan_document.look(path, sign)
    plan = plan_of(document)
    try:
        graph = build(plan.changes)
    except (KeyError, AttributeError) as error:
        raise ConfigurationError(f"{path} holds changes that this reconciler does not know; plan again") from error
    return SavedPlan(
        plan,
        graph,
        approvals_of(document),
        dialect_of(document),
        frozenset(document.get("slugs", ())),
        document.get("environment"),
        checked,
    )


def _lineage(document: dict[str, object]) -> str:
    """The lineage of the ledger that the plan was made with; empty if the file lacks it."""
    plan = document.get("plan")
    base = plan.get("base") if isinstance(plan, dict) else None
    lineage = base.get("lineage") if isinstance(base, dict) else None
    return lineage if isinstance(lineage, str) else ""


@contextmanager
def _key(settings: Settings, lineage: str, on_store: Callable[[Store], None]) -> Iterator[Sign | None]:
    """The key in the environment, or the key of the ledger if the plan was made with this ledger."""
    if settings.digest_key is not None:
        yield Key(settings.digest_key.encode()).sign
        return
    known = None
    if settings.ledger != "none":
        known = ledgers.peek(settings)
    if known is None:
        yield None
        return
    with known as store:
        on_store(store)
        yield store.key.sign if store.lineage == lineage else None
