"""What a run did, turned round: the state to go back to, and what stays lost."""

from __future__ import annotations

from typing import Any

from reconciler.kinds.dialect import Dialect
from reconciler.model.plan import Action
from reconciler.model.report import PastOutcome, Status
from reconciler.model.resource import LedgerEntry, Provenance
from reconciler.model.values import Address, Attrs, Ref, Secret
from reconciler.planner.inverse import UndoPlan, Unrestorable, grouped, invert, recorded_changes, written
from tests.unit.planner.made import ANN, ANN_VIP, GOLD, VIP, entry, ledger, tagging

COMPANY = Address("contact_field", "company")
HOOK = Address("webhook", "W")
HOOK_ATTRS = {"name": "W", "url": "https://x.example.com", "events": frozenset({"SALE_NEW"}), "active": True}


def did(
    address: Address,
    action: Action,
    before: Attrs | None = None,
    after: Attrs | None = None,
    verb: str = "make",
    status: Status = Status.DONE,
    remote_id: str | None = "1",
    seq: int = 1,
) -> PastOutcome:
    return PastOutcome(seq, 3, address, verb, action, status, remote_id, "", before, after)


def made(address: Address, after: Attrs, **more: Any) -> PastOutcome:
    return did(address, Action.CREATE, {}, after, **more)


def dropped(address: Address, before: Attrs | None, **more: Any) -> PastOutcome:
    return did(address, Action.DELETE, before, None, verb="drop", **more)


def inverse(past: list[PastOutcome], *entries: LedgerEntry, secrets: dict[Address, Attrs] | None = None) -> UndoPlan:
    return invert(past, ledger(*entries), Dialect.VENDOR, lambda name, value: f"{name}:{value}", secrets or {})


def attrs(found: UndoPlan, address: Address) -> Attrs:
    return found.state.resources[address].attrs


def test_what_was_made_goes() -> None:
    """It is no longer desired, and the plan may touch it; all else that is ours is desired as it is."""
    found = inverse([made(VIP, {"name": "VIP"})], entry(VIP), entry(GOLD, "2"))
    assert set(found.state.resources) == {GOLD}
    assert found.only == {VIP}
    assert found.lost == ()


def test_what_was_not_done_is_nothing() -> None:
    """Failed, skipped and not run steps have nothing to be inverted."""
    states = (Status.FAILED, Status.SKIPPED, Status.NOT_RUN)
    assert list(recorded_changes([made(VIP, {"name": "VIP"}, status=status) for status in states])) == []
    assert [each.address for each in recorded_changes([made(VIP, {}, status=Status.PENDING)])] == [VIP]


def test_what_was_there_before_stays() -> None:
    """A create that found it there took it over."""
    found = inverse([made(VIP, {"name": "VIP"})], entry(VIP, provenance=Provenance.ADOPTED))
    assert VIP in found.state.resources
    assert found.lost == (Unrestorable(VIP, "counts as adopted, not as created by reconciler, and stays"),)


def test_what_changed_goes_back() -> None:
    """Only the fields that the run wrote; what was empty is emptied."""
    past = did(ANN, Action.UPDATE, {"first_name": "A", "locale": "fr"}, {"first_name": "B", "last_name": "C"})
    known = entry(ANN, "1", {"email": "ann@example.com", "first_name": "B", "last_name": "C"})
    found = inverse([past], known)
    assert attrs(found, ANN) == {"email": "ann@example.com", "first_name": "A", "last_name": None}


def test_what_the_server_made_of_a_value_is_no_change() -> None:
    """The value before is how the server shows ours."""
    past = did(
        ANN, Action.UPDATE, {"phone_number": "+336", "first_name": "A"}, {"phone_number": "+33 6", "first_name": "B"}
    )
    applied = {"email": "ann@example.com", "phone_number": "+33 6"}
    known = LedgerEntry(ANN, "1", {**applied, "first_name": "B"}, {"phone_number": "+336"})
    assert attrs(inverse([past], known), ANN) == {**applied, "first_name": "A"}


def test_a_released_field_goes_back() -> None:
    """One that the run gave back to its default."""
    past = did(HOOK, Action.UPDATE, {**HOOK_ATTRS, "active": False}, {"name": "W"})
    assert written(past)["active"] == (False, True)
    assert attrs(inverse([past], entry(HOOK, "1", {"name": "W"})), HOOK)["active"] is False


def test_a_rename_goes_back_with_its_relations() -> None:
    """References follow, and the ledger's entry moves."""
    past = did(VIP, Action.UPDATE, {"name": "Gold"}, {"name": "VIP"})
    relation = entry(ANN_VIP, "1/1", tagging(), part_of=ANN)
    found = inverse([past], entry(VIP), entry(ANN, "1", {"email": "ann@example.com"}), relation)
    assert found.state.resources[GOLD].former == VIP
    moved = found.state.resources[Address("tagging", "ann@example.com/Gold")]
    assert moved.attrs["tag"] == Ref(GOLD)
    assert {GOLD, VIP} <= found.only


def test_swapped_names_go_back() -> None:
    """Nothing is lost on the way."""
    past = [
        did(VIP, Action.UPDATE, {"name": "Gold"}, {"name": "VIP"}, remote_id="2", seq=1, verb="park"),
        did(GOLD, Action.UPDATE, {"name": "VIP"}, {"name": "Gold"}, remote_id="1", seq=2),
        did(VIP, Action.UPDATE, {"name": "Gold"}, {"name": "VIP"}, remote_id="2", seq=3),
    ]
    found = inverse(past, entry(VIP, "2"), entry(GOLD, "1"))
    assert {a: (d.attrs["name"], d.former) for a, d in found.state.resources.items()} == {
        VIP: ("VIP", GOLD),
        GOLD: ("Gold", VIP),
    }


def test_a_name_that_is_taken_is_not_taken_back() -> None:
    """The one that has it by now keeps it."""
    past = did(VIP, Action.UPDATE, {"name": "Gold"}, {"name": "VIP"}, remote_id="2")
    found = inverse([past], entry(VIP, "2"), entry(GOLD, "5"))
    assert attrs(found, VIP) == {"name": "VIP"}
    assert "keeps its name" in found.lost[-1].what


def test_what_was_deleted_is_made_again() -> None:
    """From what it was; without what was empty, under a new id."""
    found = inverse([dropped(ANN, {"email": "ann@example.com", "first_name": "Ann", "locale": None})])
    assert attrs(found, ANN) == {"email": "ann@example.com", "first_name": "Ann"}
    assert Unrestorable(ANN, "its id (it gets a new one)") in found.lost
    assert str(found.state.resources[ANN].origin) == "run 3, step 1"


def test_what_went_along_comes_back() -> None:
    """Relations that were forgotten with their parent; they have no id of their own to lose."""
    past = did(ANN_VIP, Action.FORGET, tagging(), None, verb="drop")
    found = inverse([past], entry(VIP))
    assert attrs(found, ANN_VIP) == tagging()
    assert found.lost == ()


def test_without_what_nobody_kept() -> None:
    """Listed and left out, unless the secret that it had is at hand."""
    past = dropped(HOOK, HOOK_ATTRS)._replace(digests={"secret": "secret:x"})
    found = inverse([past])
    assert HOOK not in found.state.resources
    assert "cannot be created again without its secret, which is not kept" in found.lost[0].what
    secret, other = Secret("env:S", "x"), Secret("env:S", "y")
    assert attrs(inverse([past], secrets={HOOK: {"secret": secret}}), HOOK)["secret"] == secret
    found = inverse([past], secrets={HOOK: {"secret": other}})
    assert HOOK not in found.state.resources
    assert "without its secret, which is another one by now" in found.lost[0].what
    assert "without its values" in inverse([dropped(VIP, None)]).lost[-1].what


def test_values_that_went_with_their_field() -> None:
    """They come back on a contact that is managed, beside what the run wrote there itself."""
    email = {"email": "ann@example.com"}
    wrote = did(ANN, Action.UPDATE, {"first_name": "A"}, {"first_name": "B"}, seq=1)
    lost = did(ANN, Action.UPDATE, {"fields.company": "Acme"}, None, verb="drop", seq=3)
    known = entry(ANN, "1", {**email, "first_name": "B"})
    gone = dropped(COMPANY, {"slug": "company", "name": "Company"}, seq=2)
    found = inverse([wrote, gone, lost], known)
    assert attrs(found, ANN) == {**email, "first_name": "A", "fields.company": "Acme"}
    assert attrs(inverse([gone, lost], known), ANN) == {**email, "first_name": "B", "fields.company": "Acme"}
    assert inverse([gone, lost]).lost[-1].address == ANN


def test_what_was_adopted_counts_as_adopted() -> None:
    """Also when it is another object now."""
    past = dropped(VIP, {"name": "VIP"})
    assert inverse([past._replace(provenance=Provenance.ADOPTED)]).adopted == {VIP}
    assert inverse([past._replace(provenance=Provenance.CREATED)]).adopted == frozenset()


def test_modules_that_nobody_kept() -> None:
    """An access that demands a field is not given without it."""
    place = Address("enrollment", "ann@example.com/C")
    image = {"contact": Ref(ANN), "course": Ref(Address("course", "C")), "access": "partial_access"}
    assert "its modules" in inverse([dropped(place, image)]).lost[-1].what
    assert place in inverse([dropped(place, {**image, "access": "full_access"})]).state.resources


def test_an_update_that_must_repeat_a_secret() -> None:
    """A webhook is not written without it."""
    past = did(HOOK, Action.UPDATE, {**HOOK_ATTRS, "active": False}, HOOK_ATTRS)
    known = LedgerEntry(HOOK, "1", HOOK_ATTRS, digests={"secret": "secret:x"})
    found = inverse([past], known)
    assert attrs(found, HOOK) == HOOK_ATTRS
    assert any("cannot be changed without its secret" in each.what for each in found.lost)
    with_secret = inverse([past], known, secrets={HOOK: {"secret": Secret("env:S", "x")}})
    assert attrs(with_secret, HOOK)["active"] is False


def test_what_is_needed_stays() -> None:
    """A tag that something of ours has which the run did not make."""
    relation = entry(ANN_VIP, "1/1", tagging(), run=7)
    found = inverse([made(VIP, {"name": "VIP"})], entry(VIP), entry(ANN, "1", {"email": "ann@example.com"}), relation)
    assert VIP in found.state.resources
    assert found.lost == (Unrestorable(VIP, f"stays, because {ANN_VIP} needs it; undo run 7 first"),)


def test_an_entry_of_a_field_that_goes() -> None:
    """The value goes with the field that the run made; nothing is left that names it."""
    past = [made(COMPANY, {"slug": "company"}), did(ANN, Action.UPDATE, {}, {"fields.company": "Acme"}, seq=2)]
    email = {"email": "ann@example.com"}
    known = [entry(COMPANY, "company", {"slug": "company"}), entry(ANN, "1", {**email, "fields.company": "Acme"})]
    found = inverse(past, *known)
    assert set(found.state.resources) == {ANN}
    assert attrs(found, ANN) == email


def test_what_is_not_ours_any_more() -> None:
    """It stays as it is; by its id it is found under another name."""
    past = did(VIP, Action.UPDATE, {"name": "A"}, {"name": "VIP"}, remote_id="8")
    assert inverse([past]).lost == (Unrestorable(VIP, "no longer managed, and stays as it is"),)
    found = inverse([past], entry(GOLD, "8"))
    assert found.state.resources[Address("tag", "A")].former == GOLD


def test_a_half_made_replace() -> None:
    """Dropped and not made again: made from what it was. The parked half of one is left to the next apply."""
    place = Address("enrollment", "ann@example.com/C")
    image = {"contact": Ref(ANN), "course": Ref(Address("course", "C")), "access": "full_access"}
    past = did(place, Action.REPLACE, image, None, verb="drop")
    assert attrs(inverse([past]), place) == image
    assert list(recorded_changes([past._replace(address=Address("enrollment", "#7"))])) == []


def test_a_parked_half() -> None:
    """It is deleted if its replacement is there; if that was refused, it gets its name back."""
    parked, secrets = Address("webhook", "#1"), {HOOK: {"secret": Secret("env:S", "x")}}
    old, new = entry(parked, "1", HOOK_ATTRS, digests={"secret": "secret:x"}), entry(HOOK, "2", HOOK_ATTRS)
    past = [did(HOOK, Action.REPLACE, HOOK_ATTRS, verb="park")._replace(digests=old.digests)]
    found = inverse(past, old, new, secrets=secrets)
    assert (set(found.state.resources), found.only) == ({HOOK}, {HOOK, parked})
    assert found.state.resources[HOOK].former is None
    assert inverse(past, old, secrets=secrets).state.resources[HOOK].former == parked
    assert parked not in inverse(past, old, new).only, "without the secret it stays"
    assert parked not in inverse([made(VIP, {"name": "VIP"})], old, new).state.resources, "of another run"


def test_effects_are_listed() -> None:
    """What went out is out; what the inverse takes back is not listed."""
    lost = inverse([made(ANN_VIP, tagging())], entry(ANN_VIP, "1/1", tagging())).lost
    assert grouped(lost) == {"starts automations": [ANN_VIP]}
