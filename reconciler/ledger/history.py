"""Stores runs and their outcomes, for `history`, `undo` and repeated CI jobs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Column, ColumnElement, Connection, Row, bindparam, func, insert, select

from reconciler.kinds import KINDS
from reconciler.ledger.codec import attrs_text, attrs_value, check_types, decoding, plain, texts_value
from reconciler.ledger.schema import ENTRY, INTENT, OUTCOME, RUN
from reconciler.model.plan import Action, Step, Verb
from reconciler.model.report import Outcome, PastOutcome, Status
from reconciler.model.resource import EMPTY, Provenance
from reconciler.model.values import Address, Attrs, Secret
from reconciler.planner.impact import Cascade

#: Keyed digests of secrets by address and field.
Digests = Mapping[Address, Mapping[str, str]]
#: Numbers of resources by action and status.
Totals = Counter[tuple[Action, Status]]


class RunInfo(NamedTuple):
    """The facts of a run at its start; ``plan`` is the digest of its plan, ``job`` the URL of its CI job."""

    who: str
    host: str
    tool: str
    plan: str = ""
    command: str = "apply"
    job: str = ""


class RunRecord(NamedTuple):
    """One run. ``started`` and ``finished`` are seconds of the epoch; ``finished`` is None after a kill."""

    id: int
    info: RunInfo
    started: float
    finished: float | None = None
    status: str | None = None
    reads: int = 0
    writes: int = 0


def _kept(column: Column[Any]) -> Any:
    """A subquery for a column of the intent or entry with the same address."""
    table = column.table
    of_address = table.c.kind == bindparam("kind"), table.c.key == bindparam("key")
    return select(column).where(*of_address).scalar_subquery()


#: The intent's image and the entry's digests and provenance are copied to the outcome inside the database.
_MOVED = {"before": INTENT.c.before, "digests": ENTRY.c.digests, "provenance": ENTRY.c.provenance}
#: Stores the outcome of one step with the before-image of its intent, which must still exist.
APPEND = insert(OUTCOME).values(
    {c.name: bindparam(c.name) for c in OUTCOME.c if c.name != "seq" and c.name not in _MOVED}
    | {name: _kept(column) for name, column in _MOVED.items()}
)


def start(connection: Connection, info: RunInfo, started: float) -> int:
    """Store a run and return its number."""
    texts = {name: plain(value) for name, value in info._asdict().items()}
    row = texts | {"started": started, "reads": 0, "writes": 0}
    return int(connection.execute(insert(RUN).returning(RUN.c.id), row).scalar_one())


def append_cascades(connection: Connection, run: int, cascades: Iterable[Cascade]) -> None:
    """Store what a deletion removed from other resources, as outcomes of their own."""
    rows = [
        outcome_row(run, each.address, Outcome(Step(each.address, Verb.DROP), each.action, Status.DONE), None)
        | {"remote_id": each.remote_id, "before": attrs_text(each.before), "provenance": each.provenance.value}
        for each in cascades
    ]
    if rows:
        connection.execute(insert(OUTCOME), rows)


def outcome_row(
    run: int, address: Address, outcome: Outcome, after: Attrs | None, tagged: Sequence[str] | None = None
) -> dict[str, Any]:
    """The columns of an outcome without those of the state before it."""
    return {
        "run": run,
        "kind": address.kind,
        "key": address.key,
        "verb": outcome.step.verb.value,
        "action": outcome.action.value,
        "status": outcome.status.value,
        "remote_id": outcome.remote_id,
        "message": plain(outcome.message),
        "after": None if after is None else attrs_text(after),
        "tagged": None if tagged is None else json.dumps(tagged, separators=(",", ":")),
    }


def runs(connection: Connection, plan: str | None) -> list[RunRecord]:
    """All runs, or the runs of one plan, newest first."""
    query = select(RUN).order_by(RUN.c.id.desc())
    rows = connection.execute(query if plan is None else query.where(RUN.c.plan == plan))
    found = rows.all()
    with decoding():
        return [_run(row) for row in found]


def _run(row: Row[Any]) -> RunRecord:
    texts = (row.who, row.host, row.tool, row.plan, row.command, row.job)
    check_types(*((text, str) for text in texts), (row.started, float), (row.finished, float | None))
    check_types((row.status, str | None), (row.reads, int), (row.writes, int))
    info = RunInfo(*texts)
    return RunRecord(row.id, info, row.started, row.finished, row.status, row.reads, row.writes)


def outcomes(connection: Connection, run: int) -> list[PastOutcome]:
    """All outcomes of a run in the order in which they ended."""
    return _outcomes(connection, OUTCOME.c.run == run)


def outcomes_of(connection: Connection, address: Address) -> list[PastOutcome]:
    """All outcomes of one resource, oldest first."""
    return _outcomes(connection, OUTCOME.c.kind == address.kind, OUTCOME.c.key == address.key)


def _outcomes(connection: Connection, *conditions: ColumnElement[bool]) -> list[PastOutcome]:
    found = connection.execute(select(OUTCOME).where(*conditions).order_by(OUTCOME.c.seq)).all()
    with decoding():
        return [_past(row) for row in found]


def addresses(connection: Connection) -> set[Address]:
    """The addresses of all outcomes."""
    return {Address(kind, key) for kind, key in connection.execute(select(OUTCOME.c.kind, OUTCOME.c.key).distinct())}


def totals(connection: Connection) -> dict[int, Totals]:
    """The number of resources by run, and by action and status of their outcomes."""
    groups = OUTCOME.c.run, OUTCOME.c.kind, OUTCOME.c.action, OUTCOME.c.status
    query = select(*groups, func.count(OUTCOME.c.key.distinct())).group_by(*groups)
    found: dict[int, Totals] = {}
    with decoding():
        for run, _, action, status, number in connection.execute(query):
            found.setdefault(run, Counter())[Action(action), Status(status)] += number
    return found


def digests(connection: Connection) -> Digests:
    """The keyed digests of secrets in the entries, by address and field."""
    query = select(ENTRY.c.kind, ENTRY.c.key, ENTRY.c.digests).where(ENTRY.c.digests.is_not(None))
    found = connection.execute(query).all()
    with decoding():
        return {Address(row.kind, row.key): texts_value(row.digests) for row in found}


def hidden(past: PastOutcome, secrets: Digests, digest: Callable[[str, str], str]) -> PastOutcome:
    """The outcome, with a Secret in place of each value that has a digest."""
    known = secrets.get(past.address)
    if not known:
        return past

    def shown(attrs: Attrs | None) -> Attrs | None:
        return attrs and {
            name: Secret("the account", value)
            if isinstance(value, str) and name in known and known[name] == digest(name, value)
            else value
            for name, value in attrs.items()
        }

    return past._replace(before=shown(past.before), after=shown(past.after))


def _past(row: Row[Any]) -> PastOutcome:
    KINDS[row.kind]
    check_types((row.key, str), (row.verb, str), (row.remote_id, str | None), (row.message, str))
    return PastOutcome(
        row.seq,
        row.run,
        Address(row.kind, row.key),
        row.verb,
        Action(row.action),
        Status(row.status),
        row.remote_id,
        row.message,
        _attrs(row.before),
        _attrs(row.after),
        texts_value(row.digests) if row.digests else EMPTY,
        Provenance(row.provenance) if row.provenance else None,
        _tagged(row.tagged),
    )


def _tagged(text: str | None) -> tuple[str, ...] | None:
    if text is None:
        return None
    found = json.loads(text)
    check_types((found, list), *((each, str) for each in found))
    return tuple(found)


def _attrs(text: str | None) -> Attrs | None:
    return None if text is None else attrs_value(text)
