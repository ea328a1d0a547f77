"""Ledgers of other versions."""

import pytest

from reconciler.errors import LedgerError
from reconciler.ledger import schema
from reconciler.ledger.store import Store
from tests.unit.ledger.conftest import Where


@pytest.mark.parametrize(
    ("version", "age"), [(schema.LEDGER_VERSION - 1, "an older"), (schema.LEDGER_VERSION + 1, "a newer")]
)
def test_a_ledger_of_another_version_is_refused(
    where: Where, monkeypatch: pytest.MonkeyPatch, version: int, age: str
) -> None:
    """By apply and by plan, with both versions and what can be done."""
    with monkeypatch.context() as patched:
        patched.setattr(schema, "LEDGER_VERSION", version)
        where.open().close()
    expected = (
        rf"made by {age} version of reconciler \(ledger version {version}, this one uses {schema.LEDGER_VERSION}\)"
    )
    for look in (Store.open, Store.peek):
        with pytest.raises(LedgerError, match=expected):
            look(where.url, root=where.root)
