"""Ledgers of other versions."""

import pytest
from sqlalchemy import Connection, text

from reconciler.errors import LedgerError
from reconciler.ledger import schema
from reconciler.ledger.store import Store
from tests.unit.ledger.conftest import Where
from tests.unit.ledger.samples import FULL, VIP, tag


def rename(connection: Connection) -> None:
    """A migration that can be seen."""
    connection.execute(text("UPDATE reconciler_entry SET remote_id = 'migrated'"))


def fail(connection: Connection) -> None:
    """A migration that changes something and then breaks."""
    rename(connection)
    connection.execute(text("SELECT missing FROM reconciler_entry"))


def test_an_older_ledger_is_upgraded_once(where: Where, monkeypatch: pytest.MonkeyPatch) -> None:
    """Version 1 becomes 3 through each step; what it holds stays."""
    store = where.held()
    store.write([FULL, tag("VIP")])
    store.close()
    steps: list[int] = []

    def count(_connection: Connection) -> None:
        steps.append(1)

    monkeypatch.setattr(schema, "MIGRATIONS", (rename, count))
    with where.open() as upgraded:
        assert upgraded.load().entries[VIP].remote_id == "migrated"
        assert upgraded.describe().version == 3
    with where.open() as again:
        assert again.lineage == store.lineage
    assert steps == [1]


def test_a_failed_upgrade_leaves_the_ledger_as_it_was(where: Where, monkeypatch: pytest.MonkeyPatch) -> None:
    """One transaction."""
    with where.held() as store:
        store.write([tag("VIP", "1")])
    with monkeypatch.context() as patched, pytest.raises(LedgerError, match="cannot be used"):
        patched.setattr(schema, "MIGRATIONS", (fail,))
        where.open()
    with where.open() as store:
        assert store.load().entries[VIP].remote_id == "1"
        assert store.describe().version == 1


def test_a_newer_ledger_is_refused(where: Where, monkeypatch: pytest.MonkeyPatch) -> None:
    """By apply and by plan; the program is what must be upgraded."""
    with monkeypatch.context() as patched:
        patched.setattr(schema, "MIGRATIONS", (rename,))
        where.open().close()
    for look in (Store.open, Store.peek):
        with pytest.raises(LedgerError, match=r"made by a newer reconciler.*upgrade"):
            look(where.url, root=where.root)


def test_looking_at_an_older_file_upgrades_a_copy(file: Where, monkeypatch: pytest.MonkeyPatch) -> None:
    """Plan with a new program must not lock out colleagues with the old one."""
    with file.held() as store:
        store.write([tag("VIP", "1")])
    with monkeypatch.context() as patched:
        patched.setattr(schema, "MIGRATIONS", (rename,))
        seen = Store.peek(file.url, root=file.root)
        assert seen is not None
        with seen:
            assert seen.load().entries[VIP].remote_id == "migrated"
            assert "ledger.db" in seen.describe().url
            with pytest.raises(LedgerError, match="read-only"):
                seen.unlock()
    with file.open() as store:
        assert store.load().entries[VIP].remote_id == "1"


def test_looking_at_an_older_server_asks_for_the_upgrade(where: Where, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server's tables cannot be copied on the side."""
    where.open().close()
    if where.url.startswith("sqlite"):
        return
    monkeypatch.setattr(schema, "MIGRATIONS", (rename,))
    with pytest.raises(LedgerError, match=r"next `reconciler apply` upgrades it"):
        Store.peek(where.url, root=where.root)
