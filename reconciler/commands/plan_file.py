"""Converts plans to the documents of plan files and back, and checks that a saved plan is still current.

A saved plan is only compared: an apply plans again from the files, with its own settings and approvals, and is
refused if the two plans differ. A clone has no files; its plan contains the desired state and is accepted only with a
signature.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import takewhile
from typing import Any, TypeVar

from reconciler import __version__
from reconciler.commands.plan import Planned, PlanRequest
from reconciler.commands.redacted import compared, is_redacted
from reconciler.errors import ConfigurationError, LedgerError, Refused, Stale
from reconciler.kinds.dialect import Dialect
from reconciler.ledger.codec import Key
from reconciler.ledger.history import RunRecord
from reconciler.ledger.store import Store
from reconciler.model.plan import Action, Plan, differing
from reconciler.model.policy import Allow
from reconciler.model.report import Status
from reconciler.model.resource import DesiredState
from reconciler.model.serialization import (
    change_to_json,
    digest_of,
    plan_from_json,
    plan_to_json,
    state_from_json,
    state_to_json,
    weighed,
)
from reconciler.model.values import Address, Attrs, Secret, Value
from reconciler.planner.approvals import Approval, counts
from reconciler.planner.staleness import BegunPlan, differences

T = TypeVar("T")

#: Finds the value of a secret by its source, e.g. ``env:NAME``.
Resolve = Callable[[str], str]

MAX_REPORTED = 20  # differences of a stale plan; the rest is summed up

#: Actions that overwrite or delete live values.
_OVERWRITES = frozenset({Action.UPDATE, Action.ADOPT, Action.REPLACE, Action.DELETE})


def to_document(
    planned: Planned, request: PlanRequest, key: Key | None, environment: str | None, lasting: bool
) -> dict[str, Any]:
    """The document of a plan file. It contains secrets as sources and keyed digests.

    ``lasting``: the ledger that was planned with still exists when the plan is applied.
    """
    base = planned.plan.base if lasting else planned.plan.base._replace(lineage="", serial=0)
    return {
        "tool": __version__,
        "environment": environment,
        "dialect": request.dialect.value,
        "selection": {"targets": list(request.targets), "excludes": list(request.excludes)},
        "secrets": _digests(_desired_secrets(request), key),
        "overwritten": _digests(_live_secrets(planned), key),
        "needs": [[approval.allow.value, approval.count, approval.reason] for approval in planned.approvals],
        "slugs": sorted(planned.slugs),
        "plan": plan_to_json(replace(planned.plan, base=base)),
        **({"desired": state_to_json(request.state)} if request.only is not None else {}),
    }


def _digests(secrets: Iterable[tuple[str, str, Secret]], key: Key | None) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for address, name, secret in secrets if key else ():
        assert key is not None
        found.setdefault(address, {})[name] = key.digest(name, secret.value)
    return found


def _desired_secrets(request: PlanRequest) -> Iterator[tuple[str, str, Secret]]:
    return _secrets((each.address, each.attrs) for each in request.state.resources.values())


def _live_secrets(planned: Planned) -> Iterator[tuple[str, str, Secret]]:
    """Secret values in the account that the plan overwrites or deletes."""
    overwritten = {c.address: c.attrs for c in differing(planned.plan.changes) if c.action in _OVERWRITES}
    for address, name, secret in _secrets(planned.secrets.items()):
        wanted = overwritten.get(Address.parse(address), {name: secret}).get(name)
        if wanted not in (secret, secret.value):
            yield address, name, secret


def _secrets(resources: Iterable[tuple[Address, Attrs]]) -> Iterator[tuple[str, str, Secret]]:
    for address, attrs in resources:
        for name, value in attrs.items():
            if isinstance(value, Secret):
                yield str(address), name, value


def plan_of(document: Mapping[str, Any]) -> Plan:
    """The plan that was saved."""
    return _decoded(lambda: plan_from_json(document["plan"]))


def dialect_of(document: Mapping[str, Any]) -> Dialect:
    """The dialect that the plan was made for."""
    return _decoded(lambda: Dialect(document["dialect"]))


def approvals_of(document: Mapping[str, Any]) -> tuple[Approval, ...]:
    """The approvals that the saved plan needed when it was made; a run that applies it decides itself."""
    return _decoded(lambda: tuple(Approval(Allow(word), count, reason) for word, count, reason in document["needs"]))


def selection_of(document: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """The ``--target`` and ``--exclude`` that the plan was made with."""
    return _decoded(lambda: {name: tuple(map(str, document["selection"][name])) for name in ("targets", "excludes")})


def is_carried(document: Mapping[str, Any]) -> bool:
    """Whether the document holds the desired state itself, as the plan of a clone does."""
    return "desired" in document


def carried_state(document: Mapping[str, Any], resolve: Resolve) -> DesiredState:
    """The desired state in the document; the values of secrets are looked up again."""

    def decode() -> DesiredState:
        state = state_from_json(document["desired"])
        resources = {a: d.replaced(attrs=_with_values(d.attrs, resolve)) for a, d in state.resources.items()}
        return replace(state, resources=resources)

    return _decoded(decode)


def _with_values(attrs: Attrs, resolve: Resolve) -> dict[str, Value]:
    return {
        name: Secret(value.source, resolve(value.source)) if isinstance(value, Secret) else value
        for name, value in attrs.items()
    }


def _decoded(decode: Callable[[], T]) -> T:
    try:
        return decode()
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        what = f"the plan file is incomplete ({type(error).__name__})"
        raise ConfigurationError(f"{what}; plan again") from None


def check_account(document: Mapping[str, Any], account: str | None) -> None:
    """Refuse the plan of another account, before a ledger is made for this one."""
    there = _decoded(lambda: document["plan"]["base"]["account"])
    if there != account:
        raise Refused(f"the plan is for connection {there}, but this run uses {account}")


def check_base(document: Mapping[str, Any], lineage: str | None, dialect: Dialect) -> None:
    """Refuse the plan of another ledger or another dialect."""
    base = _decoded(lambda: plan_of(document).base)
    if base.lineage and lineage is not None and base.lineage != lineage:
        raise LedgerError("the plan was created with another ledger (different lineage); plan again")
    if dialect_of(document) is not dialect:
        raise Refused(f"the plan is for the dialect {dialect_of(document).value}, but this run uses {dialect.value}")


def plan_digest(document: Mapping[str, Any]) -> str:
    """The digest by which the history identifies the saved plan."""
    return _decoded(lambda: digest_of(document["plan"]["changes"]))


def unfinished(document: Mapping[str, Any], store: Store) -> list[RunRecord]:
    """The recorded runs of this plan since it was last completed."""
    return list(takewhile(lambda run: run.status != "done", store.runs(plan_digest(document))))


def begun(document: Mapping[str, Any], store: Store) -> BegunPlan | None:
    """The progress of unfinished runs of this saved plan; None if there are none."""
    numbers = {run.id for run in unfinished(document, store)}
    if not numbers:
        return None
    ended = {Status.DONE, Status.PENDING}
    return BegunPlan(
        frozenset(str(each.address) for n in numbers for each in store.outcomes(n) if each.status in ended),
        frozenset(str(a) for a, intent in store.load().intents.items() if intent.run in numbers),
    )


def reviewed_counts(document: Mapping[str, Any]) -> Mapping[Allow, int]:
    """Number of changes of each class in the whole plan; approvals of a begun plan may give these counts."""
    return counts(plan_of(document))


def check_fresh(
    document: Mapping[str, Any],
    planned: Planned,
    request: PlanRequest,
    key: Key | None,
    begun: BegunPlan | None = None,
) -> None:
    """Raises Stale, listing the differences, unless the plan made now would do the same, or the rest of it."""
    if is_redacted(document) and key is not None:
        then, now, begun = _decoded(lambda: compared(document, planned.plan.changes, key.digest, begun))
    else:
        then = _decoded(lambda: {each["address"]: weighed(each) for each in document["plan"]["changes"]})
        now = {str(change.address): weighed(change_to_json(change)) for change in planned.plan.changes}
    found = [*differences(then, now, begun), *_changed_secrets(document, planned, request, key)]
    if found:
        lines = "\n".join(f"  {line}" for line in found[:MAX_REPORTED])
        more = f"\n  and {len(found) - MAX_REPORTED} more" if len(found) > MAX_REPORTED else ""
        raise Stale(f"the plan is stale; changed since it was created:\n{lines}{more}\n{_hint(document)}")


def _hint(document: Mapping[str, Any]) -> str:
    if is_carried(document):
        return "plan again"
    selected = ", --target and --exclude" if is_redacted(document) else ""
    return f"plan again, or apply with the PATH{selected} that the plan was created from"


def _changed_secrets(
    document: Mapping[str, Any], planned: Planned, request: PlanRequest, key: Key | None
) -> Iterator[str]:
    if key is None:
        return
    known = document.get("secrets", {})
    for address, name, secret in _desired_secrets(request):
        if known.get(address, {}).get(name) != key.digest(name, secret.value):
            yield f"{address}: the secret {name} has another value"
    overwritten = document.get("overwritten", {})
    for address, name, secret in _live_secrets(planned):
        if overwritten.get(address, {}).get(name) != key.digest(name, secret.value):
            yield f"{address}: {name} changed in the account"
