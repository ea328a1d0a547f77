"""A plan ⇄ the document that a plan file holds, and the question whether it is still what would be planned."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, replace
from itertools import takewhile
from typing import Any, TypeVar

from reconciler import __version__
from reconciler.app.planning import Planned, Request
from reconciler.app.sealing import compared, is_sealed
from reconciler.engine.diff import Digest
from reconciler.engine.guard import Gate
from reconciler.engine.resume import Begun, differences
from reconciler.errors import ConfigurationError, LedgerError, Refused, Stale
from reconciler.kinds.dialect import Dialect
from reconciler.ledger.store import Store
from reconciler.model.plan import Plan
from reconciler.model.planjson import (
    change_to_json,
    digest_of,
    meaning,
    plan_from_json,
    plan_to_json,
    state_from_json,
    state_to_json,
)
from reconciler.model.policy import Allow, Limits, Policy, Prune
from reconciler.model.report import Status
from reconciler.model.resource import Desired, DesiredState
from reconciler.model.values import Address, Secret, Value

T = TypeVar("T")

#: Finds the value of a secret by its source, e.g. ``env:NAME``.
Resolve = Callable[[str], str]


def to_document(
    planned: Planned, request: Request, digest: Digest, environment: str | None, lasting: bool
) -> dict[str, Any]:
    """Everything that applying the plan needs, and no secret: those are named by source and keyed digest.

    ``lasting``: the ledger that it was planned with is there to stay, so that its lineage means something.
    """
    base = planned.plan.base if lasting else planned.plan.base._replace(lineage="", serial=0)
    return {
        "tool": __version__, "environment": environment, "dialect": request.dialect.value,
        "keyed": digest is not None,
        "desired": state_to_json(request.state),
        "policy": {
            "prune": {kind: prune.value for kind, prune in sorted(request.policy.prune.items())},
            "limits": asdict(request.policy.limits),
        },
        "selection": {
            "targets": list(request.targets), "excludes": list(request.excludes),
            **({} if request.only is None else {"only": sorted(map(str, request.only))}),
        },
        "secrets": _digests(request.state, digest),
        "needs": [[gate.allow.value, gate.count, gate.reason] for gate in planned.gates],
        "slugs": sorted(planned.slugs),
        "plan": plan_to_json(replace(planned.plan, base=base)),
    }  # fmt: skip


def _digests(state: DesiredState, digest: Digest) -> dict[str, dict[str, str]]:
    if digest is None:
        return {}
    found: dict[str, dict[str, str]] = {}
    for address, name, secret in _secrets(state.resources.values()):
        found.setdefault(address, {})[name] = digest(name, secret.value)
    return found


def _secrets(resources: Iterable[Desired]) -> Iterator[tuple[str, str, Secret]]:
    for desired in resources:
        for name, value in desired.attrs.items():
            if isinstance(value, Secret):
                yield str(desired.address), name, value


def plan_of(document: Mapping[str, Any]) -> Plan:
    """The plan that was saved, for showing."""
    return _decoded(lambda: plan_from_json(document["plan"]))


def dialect_of(document: Mapping[str, Any]) -> Dialect:
    """The dialect that the plan was made for."""
    return _decoded(lambda: Dialect(document["dialect"]))


def gates_of(document: Mapping[str, Any]) -> tuple[Gate, ...]:
    """What the saved plan needs to be allowed, as it was when it was made."""
    return _decoded(lambda: tuple(Gate(Allow(word), count, reason) for word, count, reason in document["needs"]))


def to_request(document: Mapping[str, Any], account: str | None, resolve: Resolve) -> Request:
    """What was planned then, as a request to plan it now; secrets are looked up again."""

    def decode() -> Request:
        state = state_from_json(document["desired"])
        resources = {a: replace(d, attrs=_unsealed(d.attrs, resolve)) for a, d in state.resources.items()}
        policy, selection = document["policy"], document["selection"]
        return Request(
            replace(state, resources=resources),
            Policy({kind: Prune(word) for kind, word in policy["prune"].items()}, Limits(**policy["limits"])),
            Dialect(document["dialect"]), account,
            targets=tuple(selection["targets"]), excludes=tuple(selection["excludes"]),
            only=frozenset(map(Address.parse, selection["only"])) if "only" in selection else None,
        )  # fmt: skip

    return _decoded(decode)


def _unsealed(attrs: Mapping[str, Value], resolve: Resolve) -> dict[str, Value]:
    return {
        name: Secret(value.source, resolve(value.source)) if isinstance(value, Secret) else value
        for name, value in attrs.items()
    }


def _decoded(decode: Callable[[], T]) -> T:
    try:
        return decode()
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        what = f"the plan file does not hold what it must ({type(error).__name__})"
        raise ConfigurationError(f"{what}; plan again") from None


def check_base(document: Mapping[str, Any], account: str | None, lineage: str | None) -> None:
    """Refuse the plan of another account or another ledger."""
    base = _decoded(lambda: plan_of(document).base)
    if base.account != account:
        raise Refused(f"the plan is for the connection {base.account}, and this run would use {account}")
    if base.lineage and lineage is not None and base.lineage != lineage:
        raise LedgerError("the plan was made with another ledger (its lineage differs); plan again")


def plan_digest(document: Mapping[str, Any]) -> str:
    """What history knows the saved plan by."""
    return _decoded(lambda: digest_of(document["plan"]["changes"]))


def begun(document: Mapping[str, Any], store: Store) -> Begun | None:
    """What the runs of this saved plan did that did not come to its end; None where there is none."""
    unfinished = list(takewhile(lambda run: run.status != "done", store.runs(plan_digest(document))))
    if not unfinished:
        return None
    numbers = {run.id for run in unfinished}
    ended = {Status.DONE, Status.PENDING}
    return Begun(
        frozenset(str(each.address) for n in numbers for each in store.outcomes(n) if each.status in ended),
        frozenset(str(a) for a, intent in store.load().intents.items() if intent.run in numbers),
    )


def check_fresh(
    document: Mapping[str, Any], planned: Planned, request: Request, digest: Digest, begun: Begun | None = None
) -> None:
    """Raises Stale, listing what differs, unless the plan made now would do the same, or the rest of it."""
    hint = "plan again"
    if is_sealed(document) and digest is not None:
        then, now, begun = _decoded(lambda: compared(document, planned.plan.changes, digest, begun))
        hint += "; a sealed plan is applied from the very files, and with the --target, that it was made from"
    else:
        then = _decoded(lambda: {each["address"]: meaning(each) for each in document["plan"]["changes"]})
        now = {str(change.address): meaning(change_to_json(change)) for change in planned.plan.changes}
    found = [*differences(then, now, begun), *_rotated(document, request, digest)]
    if found:
        lines = "\n".join(f"  {line}" for line in found[:20])
        more = f"\n  and {len(found) - 20} more" if len(found) > 20 else ""
        raise Stale(f"the plan is stale; since it was made, this changed:\n{lines}{more}\n{hint}")


def _rotated(document: Mapping[str, Any], request: Request, digest: Digest) -> Iterator[str]:
    if digest is None or not document.get("keyed"):
        return
    known = document.get("secrets", {})
    for address, name, secret in _secrets(request.state.resources.values()):
        if known.get(address, {}).get(name) != digest(name, secret.value):
            yield f"{address}: {name}, a secret that was rotated"
