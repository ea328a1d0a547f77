"""Everything that one ledger knows → another, empty one that is then the same ledger at another place."""

from __future__ import annotations

from sqlalchemy import func, select, update

from reconciler.errors import LedgerError
from reconciler.ledger import rows
from reconciler.ledger.schema import ENTRY, HEAD, INTENT, upsert
from reconciler.ledger.store import Store
from reconciler.model.resource import Ledger


def restore(store: Store, ledger: Ledger) -> None:
    """All in one transaction, lineage included. Needs the lease; raises LedgerError unless ``store`` is empty."""
    found = [rows.to_row(entry) for entry in ledger.entries.values()]
    with store.session.fenced() as connection:
        counts = [
            connection.execute(select(func.count()).select_from(table)).scalar_one() for table in (ENTRY, INTENT)
        ]
        if any(counts):
            raise LedgerError(f"the ledger {store.session.place} is not empty; import into a new one")
        bound = connection.execute(select(HEAD.c.account)).scalar_one()
        if None not in (bound, ledger.account) and bound != ledger.account:
            raise LedgerError(f"this ledger is of connection {bound}, and the imported one of {ledger.account}")
        head = {"lineage": ledger.lineage, "serial": ledger.serial + 1, "account": ledger.account or bound}
        connection.execute(update(HEAD).values(head))
        if found:
            connection.execute(upsert(store.session.dialect, ENTRY), found)
    store.lineage = ledger.lineage
