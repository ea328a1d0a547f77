"""What is cloned, as the target's ledger knows it, and without what leads nowhere there."""

from __future__ import annotations

from reconciler.model.resource import Lifecycle
from reconciler.model.values import Address, Ref
from reconciler.planner.clone import as_recorded, referred, without
from tests.unit.planner.made import ANN, ANN_VIP, VIP, entry, ledger, state

HANDLE = Address("tag", "@vip")


def test_names_of_the_ledger_win() -> None:
    """A tag with a handle goes by that, and relations with it; what was managed and guarded stays so."""
    guarded = Lifecycle(prevent_destroy=True)
    known = ledger(
        entry(HANDLE, applied={"name": "VIP"}, lifecycle=guarded),
        entry(ANN, applied={"email": ANN.key, "first_name": "Ann", "locale": "en"}),
    )
    wanted = state(tags=["VIP"], contacts=[{"email": ANN.key, "locale": "fr", "tags": ["VIP"]}])
    found = as_recorded(wanted, known).resources
    assert found[HANDLE].lifecycle == guarded
    assert found[ANN].attrs == {"email": ANN.key, "first_name": "Ann", "locale": "fr"}
    assert found[Address("tagging", f"{ANN.key}/@vip")].attrs["tag"] == Ref(HANDLE)
    assert len(found) == 3


def test_what_leads_nowhere_is_left_out() -> None:
    """A relation whole, a value of a contact field alone."""
    wanted = state(contacts=[{"email": ANN.key, "fields": {"shoe": "1"}, "tags": ["VIP"]}])
    shoe = Address("contact_field", "shoe")
    assert referred(wanted) == {VIP, shoe}
    kept, left = without(wanted, {VIP: "no tag", shoe: "no field"})
    assert list(kept.resources) == [ANN]
    assert kept.resources[ANN].attrs == {"email": ANN.key}
    assert sorted(left) == [("contact", "fields.shoe", "no field"), ("tagging", "VIP", "no tag")]
    assert without(wanted, {}) == (wanted, ())
    assert ANN_VIP in wanted.resources
