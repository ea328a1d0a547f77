"""Makes the documents of saved plans, and decides whether a saved plan may be applied: its signature and its key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from reconciler.commands import plan_document
from reconciler.commands.plan import Planned, PlanRequest
from reconciler.commands.plan_file import (
    begun,
    check_base,
    check_fresh,
    is_carried,
    reviewed_counts,
    to_document,
    unfinished,
)
from reconciler.commands.redacted import is_redacted, redacted
from reconciler.commands.session import Session
from reconciler.errors import Refused
from reconciler.kinds.dialect import Dialect
from reconciler.ledger.codec import Key
from reconciler.ledger.store import Store
from reconciler.model.policy import Allow


class Reviewed(NamedTuple):
    """A saved plan to be applied, and the key that it was signed with; None for one with a checksum only."""

    document: dict[str, Any]
    key: Key | None


def check_key(session: Session, *, redacts: bool, always: bool = False) -> None:
    """Raise Refused if a plan that needs a signature would be saved without a persistent key."""
    if (always or redacts or session.settings.ci) and not session.has_key():
        what = "a redacted plan" if redacts else "a plan in CI" if session.settings.ci else "this plan"
        raise Refused(
            f"saving {what} needs a persistent key: set RECONCILER_LEDGER_KEY, or run apply once, which creates the "
            "ledger and its key; nothing was planned"
        )


def saved(
    planned: Planned, request: PlanRequest, session: Session, store: Store | None, *, redacts: bool
) -> tuple[dict[str, Any], Key | None]:
    """The document of a plan file, and the key to sign it with, if there is one."""
    key = session.key(store) if session.has_key() else None
    document = to_document(planned, request, key, session.settings.environment, session.has_ledger())
    if redacts and key:
        document = redacted(document, planned.plan.changes, key.digest)
    return document, key


def accepted(document: dict[str, Any], name: str, session: Session, store: Store, *, has_key: bool) -> Reviewed:
    """A saved plan that this run may apply. Raises Refused unless it is intact, signed where it must be, and for this
    ledger and dialect. ``has_key``: there was a key before this run; ``name`` is for messages."""
    key = session.key(store) if has_key else None
    found = plan_document.verified(
        document, name, key.sign if key else None, lambda content: _needs_no_signature(content, session, store)
    )
    lineage = store.lineage if session.settings.ledger != "none" else None
    check_base(found, lineage, Dialect(session.settings.dialect))
    if key is None and (is_redacted(found) or is_carried(found) or session.settings.ci):
        raise Refused("the plan is not signed; set RECONCILER_LEDGER_KEY both when it is made and when it is applied")
    return Reviewed(found, key)


def check_reviewed(reviewed: Reviewed, planned: Planned, request: PlanRequest, store: Store) -> Mapping[Allow, int]:
    """Raise Stale unless the present plan makes the changes of the saved one, or the rest of them.

    For a rest, returns the counts of the whole plan, which approvals may give.
    """
    done = begun(reviewed.document, store)
    check_fresh(reviewed.document, planned, request, reviewed.key, done)
    return reviewed_counts(reviewed.document) if done else {}


def _needs_no_signature(document: dict[str, Any], session: Session, store: Store) -> bool:
    """Whether a plan with a checksum only was made before the ledger, and its key, existed.

    The ledger is still empty (an apply was refused), or it recorded runs of this very plan.
    """
    if session.settings.digest_key or session.settings.ci or is_redacted(document) or is_carried(document):
        return False
    return bool(unfinished(document, store)) or not (store.runs() or store.entries())
