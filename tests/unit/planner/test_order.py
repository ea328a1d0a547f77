"""Steps and the order between them."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from reconciler.model.plan import Action, Cause, Change, FieldChange, Step, Verb
from reconciler.model.resource import Lifecycle
from reconciler.model.values import Address, Ref
from reconciler.planner.order import Graph, build, sends, steps_of
from tests.unit.planner.made import ANN, ANN_VIP, GOLD, VIP

HOOK, OLD_HOOK = Address("webhook", "Hook"), Address("webhook", "Old")
BOB = Address("contact", "bob@example.com")


def make(address: Address) -> Step:
    return Step(address, Verb.MAKE)


def drop(address: Address) -> Step:
    return Step(address, Verb.DROP)


def rename(old: str, new: str) -> Change:
    fields = (FieldChange("name", old, new, Cause.EDITED),)
    return Change(Address("tag", new), Action.UPDATE, fields=fields, attrs={"name": new}, before={"name": old})


def order(*changes: Change) -> list[Step]:
    return list(build(changes).order)


def test_what_is_referred_to_is_made_first_and_dropped_last() -> None:
    """Creating goes down the references, deleting comes back up."""
    tagging = {"contact": Ref(ANN), "tag": Ref(VIP)}
    made = [
        Change(ANN_VIP, Action.CREATE, attrs=tagging, depends_on=(ANN, VIP)),
        Change(ANN, Action.CREATE),
        Change(VIP, Action.CREATE, attrs={"name": "VIP"}),
    ]
    assert order(*made)[-1] == make(ANN_VIP)
    gone = [
        Change(VIP, Action.DELETE, before={"name": "VIP"}),
        Change(ANN, Action.DELETE),
        Change(ANN_VIP, Action.DELETE, before=tagging, depends_on=(ANN, VIP)),
    ]
    assert order(*gone)[0] == drop(ANN_VIP)


def test_what_is_let_go_is_dropped_after_the_letting_go() -> None:
    """The field goes once the contact has its value elsewhere."""
    field = Address("contact_field", "old")
    updated = Change(ANN, Action.UPDATE, fields=(FieldChange("x", 1, 2, Cause.EDITED),), detached_from=(field,))
    assert order(Change(field, Action.DELETE), updated) == [make(ANN), drop(field)]


def test_a_replace_deletes_and_makes_or_makes_and_deletes() -> None:
    """create_before_destroy parks the old name first."""
    plain = Change(HOOK, Action.REPLACE, attrs={"name": "Hook"})
    careful = Change(HOOK, Action.REPLACE, attrs={"name": "Hook"}, lifecycle=Lifecycle(create_before_destroy=True))
    assert order(plain) == [drop(HOOK), make(HOOK)]
    assert order(careful) == [Step(HOOK, Verb.PARK), make(HOOK), drop(HOOK)]
    assert steps_of(careful) == (Verb.PARK, Verb.MAKE, Verb.DROP)


def test_a_name_is_free_before_it_is_taken() -> None:
    """By a deletion, by a rename, along a chain."""
    old = Address("tag", "@old")
    gone = Change(old, Action.DELETE, before={"name": "Gold"})
    assert order(rename("VIP", "Gold"), gone) == [drop(old), make(GOLD)]
    chain = order(rename("A", "B"), rename("B", "C"), rename("C", "D"))
    assert [step.address.key for step in chain] == ["D", "C", "B"]
    created = Change(Address("tag", "A"), Action.CREATE, attrs={"name": "A"})
    assert order(created, rename("A", "B")) == [make(Address("tag", "B")), make(Address("tag", "A"))]


@pytest.mark.parametrize("names", ["AB", "ABC", "ABCDE"])
def test_a_circle_of_renames_is_opened_by_parking_one(names: str) -> None:
    """One call more than there are renames, whatever the length."""
    changes = [rename(old, new) for old, new in zip(names, names[1:] + names[0], strict=True)]
    graph = build(changes)
    parked = [step for step in graph.order if step.verb is Verb.PARK]
    assert len(graph.order) == len(names) + 1
    assert parked == [graph.order[0]]
    assert graph.order[-1] == make(parked[0].address)


def test_two_circles_park_two() -> None:
    """And what hangs on a circle without being of it parks nobody."""
    circles = [rename("A", "B"), rename("B", "A"), rename("C", "D"), rename("D", "C")]
    assert sum(step.verb is Verb.PARK for step in order(*circles)) == 2


def test_webhooks_go_first_and_come_last() -> None:
    """Barriers keep everything else between them, without being steps themselves."""
    graph = build(
        [
            Change(HOOK, Action.CREATE, attrs={"name": "Hook"}),
            Change(OLD_HOOK, Action.DELETE, before={"name": "Old"}),
            Change(VIP, Action.CREATE, attrs={"name": "VIP"}),
            Change(ANN, Action.DELETE),
        ]
    )
    assert graph.order[0] == drop(OLD_HOOK)
    assert graph.order[-1] == make(HOOK)
    assert len(graph.barriers) == 2
    assert not graph.barriers & set(graph.order)


def test_only_webhooks_need_no_barrier() -> None:
    """Nothing is held up by nothing."""
    assert build([Change(HOOK, Action.CREATE, attrs={"name": "Hook"})]).barriers == frozenset()
    assert build([]) == Graph((), {}, {})


def test_webhooks_are_deleted_before_others_are_made() -> None:
    """Their URLs are free then. One that is replaced by create_before_destroy goes after its replacement."""
    lifecycle = Lifecycle(create_before_destroy=True)
    made = Change(HOOK, Action.REPLACE, lifecycle=lifecycle, attrs={"name": "Hook"}, before={"name": "Hook"})
    gone = Change(OLD_HOOK, Action.DELETE, before={"name": "Old"})
    assert order(made, gone) == [drop(OLD_HOOK), Step(HOOK, Verb.PARK), make(HOOK), drop(HOOK)]
    assert order(Change(HOOK, Action.CREATE, attrs={"name": "Hook"}), gone) == [drop(OLD_HOOK), make(HOOK)]


def test_order_yields_where_needs_forbid_it() -> None:
    """A webhook that takes the name of one that goes after all others: needs win, nothing deadlocks."""
    # The drop of the old hook waits for the contact that refers to it; the barrier would want it the other way round.
    waiting = Change(ANN, Action.UPDATE, fields=(FieldChange("x", 1, 2, Cause.EDITED),), detached_from=(OLD_HOOK,))
    dropped = Change(OLD_HOOK, Action.DELETE, before={"name": "Old"})
    graph = build([waiting, dropped, Change(HOOK, Action.CREATE, attrs={"name": "Hook"})])
    assert graph.order.index(make(ANN)) < graph.order.index(drop(OLD_HOOK))
    made = Change(OLD_HOOK, Action.CREATE, attrs={"name": "Old"})
    refers = Change(ANN, Action.CREATE, depends_on=(OLD_HOOK,))
    assert order(made, refers) == [make(OLD_HOOK), make(ANN)]


def test_writes_of_one_contact_go_one_at_a_time() -> None:
    """An *after* chain: a failure does not skip what follows."""
    tags = [Address("tag", name) for name in "ABC"]
    relations = [
        Change(
            Address("tagging", f"{who.key}/{tag.key}"), Action.CREATE, attrs={"contact": Ref(who), "tag": Ref(tag)}
        )
        for who in (ANN, BOB)
        for tag in tags
    ]
    graph = build(relations)
    chained = {step: before for step, before in graph.after.items() if before}
    assert len(chained) == 4
    for step, before in chained.items():
        (previous,) = before
        assert previous.address.key.split("/")[0] == step.address.key.split("/")[0]
        assert graph.order.index(previous) < graph.order.index(step)


def test_what_sends_nothing_and_what_is_blocked_is_no_step() -> None:
    """Adopting as it is, forgetting, nothing."""
    quiet = [Change(VIP, action) for action in (Action.ADOPT, Action.FORGET, Action.NO_CHANGE)]
    assert not any(sends(change) for change in quiet)
    assert sends(Change(VIP, Action.ADOPT, fields=(FieldChange("name", 1, 2, Cause.EDITED),)))
    assert order(*quiet, Change(GOLD, Action.DELETE, blocked="no")) == []


SCRIPT = """
from tests.unit.planner.test_order import *
tags = [Change(Address("tag", f"t{n}"), Action.CREATE, attrs={"name": f"t{n}"}) for n in range(20)]
links = [Change(Address("tagging", f"ann@example.com/t{n}"), Action.CREATE,
         attrs={"contact": Ref(ANN), "tag": Ref(Address("tag", f"t{n}"))}, depends_on=(ANN, Address("tag", f"t{n}")))
         for n in range(20)]
hooks = [Change(HOOK, Action.CREATE, attrs={"name": "Hook"}), Change(OLD_HOOK, Action.DELETE, before={"name": "Old"})]
print([str(step.address) for step in build([*tags, *links, *hooks, rename("A", "B"), rename("B", "A")]).order])
"""


def test_the_order_is_the_same_in_every_run() -> None:
    """Sets have another order with every seed of hashes; plans do not."""
    outputs = {
        subprocess.run(
            [sys.executable, "-c", SCRIPT],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(outputs) == 1
