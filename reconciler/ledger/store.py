"""The ledger: managed resources, intents and history; every change is one transaction."""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from reconciler.errors import LedgerError
from reconciler.kinds import KINDS
from reconciler.ledger import codec, history, lock, other_ledgers, transactions
from reconciler.ledger.codec import DECISIVE
from reconciler.ledger.database import WAIT
from reconciler.ledger.history import RunInfo, RunRecord, Totals
from reconciler.ledger.lock_holder import LockRecord, held
from reconciler.ledger.moves import drop, move
from reconciler.ledger.schema import ENTRY, HEAD, INTENT, KEY, OUTCOME, RUN, VERSION, upsert
from reconciler.ledger.transactions import Clock, Statement, Transactions
from reconciler.model.plan import Action, Verb
from reconciler.model.report import Outcome, PastOutcome
from reconciler.model.resource import EMPTY, Desired, Intent, Ledger, LedgerEntry, OtherLedgers, Resources
from reconciler.model.values import Address, Attrs
from reconciler.planner.impact import Cascade
from reconciler.planner.matched_state import DERIVED, Entries

#: Rows are fetched in parts of this size.
_FETCHED = {"yield_per": 1000}
_KINDS = select(ENTRY.c.kind).distinct()
_ROWS = select(ENTRY).where(ENTRY.c.kind == bindparam("kind")).execution_options(**_FETCHED)
_DECISIVE = _ROWS.with_only_columns(*(ENTRY.c[name] for name in DECISIVE))
_SOME = _ROWS.where(ENTRY.c.key.in_(bindparam("keys", expanding=True)))
#: Number of entries written by one statement.
_PART = 1000
#: Number of entries looked up by one statement; older versions of SQLite take 999 values.
_KEYS = 500
#: Prefix of the kinds in the column ``sizes`` whose number is that of unmanaged resources.
UNMANAGED = "unmanaged "
_PUT = Statement(lambda dialect: upsert(dialect, ENTRY))
_ANNOUNCE = Statement(lambda dialect: upsert(dialect, INTENT))
_APPEND = Statement(lambda _: history.APPEND)
_CLEAR = Statement(
    lambda _: delete(INTENT).where(INTENT.c.kind == bindparam("kind"), INTENT.c.key == bindparam("key"))
)


class Description(NamedTuple):
    """The summary for `ledger show`; ``counts`` is the number of entries by kind."""

    url: str
    version: int
    lineage: str
    serial: int
    account: str | None
    counts: Mapping[str, int]
    intents: int
    held: LockRecord | None


class Store:
    """An open ledger; a context manager. Every method may be called from any thread.

    Methods that change entries, intents or the account need the lock (:class:`reconciler.ledger.lock.Lock`)
    and raise Locked without it. All raise LedgerError when the database cannot do its part.
    """

    def __init__(self, session: Transactions, key: str | None = None) -> None:
        self.session = session
        #: What other ledgers manage, where that was found before this ledger existed.
        self.beside: OtherLedgers | None = None
        try:
            with session.reading() as connection:
                stored = connection.execute(select(KEY.c.secret)).scalar_one()
                self.lineage: str = connection.execute(select(HEAD.c.lineage)).scalar_one()
                with codec.decoding():
                    codec.check_types((stored, str), (self.lineage, str))
                self.key = codec.Key((key or stored).encode())
        except LedgerError:
            session.close()
            raise

    @classmethod
    def open(
        cls, url: str, *, root: Path, key: str | None = None, clock: Clock | None = None, patience: float = WAIT
    ) -> Store:
        """Opens a ledger for reading and writing; creates it if there is none.

        ``root`` is the folder of relative file paths, ``key`` the value of RECONCILER_LEDGER_KEY, ``patience`` the
        seconds to wait for transactions of other processes. The default clock is that of the server, for a file that
        of this machine.
        """
        return cls(transactions.writer(url, root, clock, patience), key)

    @classmethod
    def peek(
        cls, url: str, *, root: Path, key: str | None = None, clock: Clock | None = None, patience: float = WAIT
    ) -> Store | None:
        """Opens an existing ledger for reading only, without changing any file; None if there is none."""
        session = transactions.reader(url, root, clock, patience)
        return None if session is None else cls(session, key)

    @classmethod
    def none(cls, *, key: str | None = None, clock: Clock | None = None) -> Store:
        """A ledger in memory, for ``--ledger none``."""
        return cls(transactions.memory(clock), key)

    @staticmethod
    def exists(url: str, root: Path) -> bool:
        """Whether a ledger exists at the location; creates nothing."""
        return transactions.exists(url, root)

    def close(self) -> None:
        """Close the ledger; may be called twice."""
        self.session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Store({str(self.session.place)!r})"

    # digests

    def digest(self, name: str, value: str) -> str:
        """The keyed digest of a write-only value, in 64 hex digits."""
        return self.key.digest(name, value)

    # reading

    def load(self, desired: Mapping[Address, Desired] = EMPTY) -> Ledger:
        """A consistent snapshot: entries and open intents by address.

        A row that equals its desired resource is reduced to remote id, provenance, run and time.
        """
        resources = Resources.by_kind(desired)
        entries = Entries(desired=resources)
        with self.session.reading() as connection:
            head = connection.execute(select(HEAD)).one()
            kinds = connection.execute(_KINDS).scalars().all()
            for kind in sorted(kinds, key=DERIVED.__contains__):  # relations by the ids of their ends come last
                _load_kind(connection, entries, kind, resources.of(kind))
            announced = connection.execute(select(INTENT)).all()
            with codec.decoding():
                sizes = _sizes(head.sizes)
                intents = [_intent(row) for row in announced]
                codec.check_types((head.lineage, str), (head.serial, int), (head.account, str | None))
        return Ledger(
            head.lineage,
            head.serial,
            head.account,
            entries,
            {intent.address: intent for intent in intents},
            sizes,
        )

    def entries(self, glob: str = "*") -> list[LedgerEntry]:
        """The entries whose address is ``glob`` or matches it (``tag/*``), in address order."""
        every = sorted(self.load().entries.values(), key=lambda entry: entry.address)
        return [e for e in every if str(e.address) == glob or fnmatch.fnmatchcase(str(e.address), glob)]

    def describe(self) -> Description:
        """A summary of the ledger; its URL has no password."""
        with self.session.reading() as connection:
            head = connection.execute(select(HEAD)).one()
            version = connection.execute(select(VERSION.c.version)).scalar_one()
            counts = connection.execute(select(ENTRY.c.kind, func.count()).group_by(ENTRY.c.kind)).all()
            intents = connection.execute(select(func.count()).select_from(INTENT)).scalar_one()
            holder = held(head)
        by_kind = dict(sorted((kind, count) for kind, count in counts))
        return Description(
            str(self.session.place),
            version,
            head.lineage,
            head.serial,
            head.account,
            by_kind,
            intents,
            holder,
        )

    # account

    def check(self, account: str | None) -> None:
        """Raises LedgerError when the ledger belongs to another account; None is any account."""
        with self.session.reading() as connection:
            bound = connection.execute(select(HEAD.c.account)).scalar_one()
        _same_account(str(self.session.place), bound, account)

    def claim(self, account: str | None) -> None:
        """Binds a new ledger to the account; raises LedgerError if it belongs to another one."""
        self.check(account)
        if account is None:
            return
        with self.session.fenced() as connection:
            bound = connection.execute(select(HEAD.c.account)).scalar_one()
            _same_account(str(self.session.place), bound, account)
            connection.execute(update(HEAD).values(account=account))
            other_ledgers.publish_account(connection, account)

    def rebind(self, account: str) -> None:
        """Moves the ledger to another account, whatever it belonged to."""
        with self.session.fenced() as connection:
            connection.execute(update(HEAD).values(account=account))
            other_ledgers.publish_account(connection, account)

    def other_ledgers(self, account: str | None) -> OtherLedgers:
        """Resources that other ledgers of this account in the same database manage."""
        if self.beside is not None:
            return self.beside
        with self.session.reading() as connection:
            return other_ledgers.managed_elsewhere(connection, account)

    @staticmethod
    def other_ledgers_at(url: str, root: Path, account: str | None) -> OtherLedgers:
        """Like :meth:`other_ledgers`, for a ledger that does not exist yet."""
        with transactions.server(url, root) as connection:
            return OtherLedgers() if connection is None else other_ledgers.managed_elsewhere(connection, account)

    # runs

    def begin(self, info: RunInfo) -> int:
        """Stores the beginning of a run and returns its number, from 1."""
        with self.session.fenced() as connection:
            return history.start(connection, info, self.session.now(connection))

    def measured(self, sizes: Mapping[str, int], unmanaged: Mapping[str, int] = EMPTY) -> None:
        """Store the sizes of collections that were read completely, and the numbers of unmanaged resources in them.

        Those of other kinds are kept.
        """
        with self.session.fenced() as connection:
            known = connection.execute(select(HEAD.c.sizes)).scalar_one()
            with codec.decoding():
                counts = {f"{UNMANAGED}{kind}": number for kind, number in unmanaged.items()}
                merged = {**_sizes(known), **sizes, **counts}
            connection.execute(update(HEAD).values(sizes=json.dumps(merged, sort_keys=True)))

    def sizes(self) -> dict[str, int]:
        """Sizes of the collections when they were last read completely."""
        with self.session.reading() as connection:
            known = connection.execute(select(HEAD.c.sizes)).scalar_one()
            with codec.decoding():
                return _sizes(known)

    def unmanaged(self) -> dict[str, int]:
        """Numbers of unmanaged resources after the last run that read their whole collection, by kind."""
        counts = self.sizes().items()
        return {name.removeprefix(UNMANAGED): number for name, number in counts if name.startswith(UNMANAGED)}

    def finish(self, run: int, status: str, reads: int, writes: int) -> None:
        """Store the end of a run. Needs no lock, so that a run that lost it can still record its end."""
        with self.session.writing() as connection:
            values = {"finished": self.session.now(connection), "status": status, "reads": reads, "writes": writes}
            connection.execute(update(RUN).where(RUN.c.id == run).values(values))

    def record(self, run: int, outcome: Outcome) -> None:
        """Add the outcome of a write to the history that failed or is in doubt; needs no lock."""
        with self.session.writing() as connection:
            connection.execute(insert(OUTCOME), history.outcome_row(run, outcome.step.address, outcome, None))

    def runs(self, plan: str | None = None) -> list[RunRecord]:
        """All runs, or those of the plan with that digest, newest first."""
        with self.session.reading() as connection:
            return history.runs(connection, plan)

    def outcomes(self, run: int) -> list[PastOutcome]:
        """The outcomes of a run, in the order in which its steps ended.

        A value that was written in plain text and is kept as a digest by now comes as a Secret.
        """
        with self.session.reading() as connection:
            secrets = history.digests(connection)
            return [history.hidden(past, secrets, self.digest) for past in history.outcomes(connection, run)]

    def outcomes_of(self, address: Address) -> list[PastOutcome]:
        """The outcomes of all runs for one resource, oldest first, with Secrets as in :meth:`outcomes`."""
        with self.session.reading() as connection:
            secrets = history.digests(connection)
            return [history.hidden(past, secrets, self.digest) for past in history.outcomes_of(connection, address)]

    def changed_addresses(self) -> set[Address]:
        """The addresses of all resources that a run changed, or tried to change."""
        with self.session.reading() as connection:
            return history.addresses(connection)

    def run_totals(self) -> dict[int, Totals]:
        """Numbers of resources by run, and by action and status of their outcomes."""
        with self.session.reading() as connection:
            return history.totals(connection)

    # writes

    def intend(
        self, run: int, address: Address, verb: Verb | str, before: Attrs, needs: float, sent: Attrs = EMPTY
    ) -> None:
        """Record an intent to write. The lock must be valid for ``needs`` more seconds.

        ``before`` is what it will overwrite, ``sent`` what a create will show if it is carried out; sensitive values
        must come as Secret, which leaves a mark only. With a lock of 60 s renewed every 20 s, ``needs`` should stay
        below 40 s.
        """
        row = {"kind": address.kind, "key": address.key, "run": run, "before": codec.attrs_text(before)}
        row |= {"sent": codec.attrs_text(sent), "verb": verb.value if isinstance(verb, Verb) else verb}
        self.session.write(lambda connection: _ANNOUNCE.execute(connection, [row]), needs)

    def complete(
        self,
        run: int,
        address: Address,
        entry: LedgerEntry | None,
        outcome: Outcome,
        needs: float = 0.0,
        cascades: Sequence[Cascade] = (),
        tagged: Sequence[str] | None = None,
    ) -> None:
        """Complete an intent: store the entry (None: delete it), clear the intent, add the outcome to the history.

        An entry with another address than ``address`` moves there. ``cascades`` are the relations and values
        that a deletion removed too, ``tagged`` the remote ids of the contacts that lose a deleted tag.
        """
        row = None if entry is None else codec.to_row(entry)
        past = history.outcome_row(run, address, outcome, None if entry is None else entry.applied, tagged)

        def carry_out(connection: Connection) -> None:
            _APPEND.execute(connection, [past])
            history.append_cascades(connection, run, cascades)
            _CLEAR.execute(connection, [_named(address)])
            if entry is None or entry.address != address:
                drop(connection, [address, *(each.address for each in cascades if each.action is Action.FORGET)])
            if row is not None:
                _PUT.execute(connection, [row])

        self.session.write(carry_out, needs)

    def clear_intent(self, run: int, address: Address, outcome: Outcome | None = None) -> None:
        """Clear an intent that was not carried out; the entry stays. ``outcome`` joins the history of ``run``."""
        with self.session.fenced() as connection:
            if outcome is not None:
                _APPEND.execute(connection, [history.outcome_row(run, address, outcome, None)])
            _CLEAR.execute(connection, [_named(address)])

    def write(
        self,
        puts: Iterable[LedgerEntry] = (),
        drops: Sequence[Address] = (),
        moves: Sequence[tuple[Address, Address]] = (),
    ) -> None:
        """Change entries in one transaction: first drops, then moves (swaps and chains included), then puts.

        ``puts`` is consumed while it is written.
        """
        entries = iter(puts)
        first = [codec.to_row(entry) for entry in islice(entries, _PART)]
        if not (first or drops or moves):
            return
        with self.session.fenced() as connection:
            drop(connection, drops)
            move(connection, moves)
            self._put_rows(connection, first, entries)
            self.session.extend(connection)

    def _put_rows(self, connection: Connection, rows: list[dict[str, Any]], rest: Iterator[LedgerEntry]) -> None:
        while rows:
            _PUT.execute(connection, rows)
            rows = [codec.to_row(entry) for entry in islice(rest, _PART)]

    def forget(self, addresses: Sequence[Address]) -> None:
        """Delete entries and their intents; missing ones are ignored."""
        with self.session.fenced() as connection:
            drop(connection, addresses)
            if addresses:
                _CLEAR.execute(connection, [_named(address) for address in addresses])

    def unlock(self) -> LockRecord | None:
        """Take the lock away from its holder, and return that holder."""
        return lock.unlock(self.session)


def _named(address: Address) -> dict[str, str]:
    return {"kind": address.kind, "key": address.key}


def _load_kind(connection: Connection, entries: Entries, kind: str, desired: Mapping[str, Desired]) -> None:
    """Add the entries of one kind. Of rows that equal their desired resources, only some columns are fetched."""
    statements: list[tuple[Any, dict[str, Any]]] = [(_ROWS, {"kind": kind})]
    if desired:
        with connection.execute(_DECISIVE, {"kind": kind}) as found:
            others = codec.reduce_rows(entries, kind, found, desired)
        parts = (others[start : start + _KEYS] for start in range(0, len(others), _KEYS))
        statements = [(_SOME, {"kind": kind, "keys": part}) for part in parts]
    for statement, values in statements:
        with connection.execute(statement, values) as found:
            for row in found:
                codec.add_row(entries, row, desired.get(row[1]))


def _sizes(text: str | None) -> dict[str, int]:
    sizes: dict[str, int] = json.loads(text) if text else {}
    codec.check_types((sizes, dict), *((number, int) for number in sizes.values()))
    return sizes


def _intent(row: Any) -> Intent:
    KINDS[row.kind]
    codec.check_types((row.key, str), (row.verb, str), (row.run, int))
    return Intent(
        Address(row.kind, row.key), row.verb, row.run, codec.attrs_value(row.before), codec.attrs_value(row.sent)
    )


def _same_account(place: str, bound: str | None, account: str | None) -> None:
    if None not in (bound, account) and bound != account:
        raise LedgerError(
            f"This ledger belongs to connection {bound}, but the run uses {account}. Use the ledger of {account}, "
            f"or, if both lead to the same account, run `reconciler ledger rebind`. Ledger: {place}"
        )


def restore(store: Store, ledger: Ledger) -> None:
    """Import all in one transaction. Needs the lock; raises LedgerError unless ``store`` is empty."""
    found = [codec.to_row(entry) for entry in ledger.entries.values()]
    with store.session.fenced() as connection:
        counts = [
            connection.execute(select(func.count()).select_from(table)).scalar_one() for table in (ENTRY, INTENT)
        ]
        if any(counts):
            raise LedgerError(f"the ledger {store.session.place} is not empty; import into a new ledger")
        bound = connection.execute(select(HEAD.c.account)).scalar_one()
        if None not in (bound, ledger.account) and bound != ledger.account:
            raise LedgerError(f"This ledger belongs to connection {bound}, but the imported one to {ledger.account}.")
        head = {"lineage": ledger.lineage, "serial": ledger.serial + 1, "account": ledger.account or bound}
        connection.execute(update(HEAD).values(head))
        if found:
            _PUT.execute(connection, found)
    store.lineage = ledger.lineage
