"""A size → a plan of that many changes, with everything in it that a page has to show; no account is asked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from reconciler.kinds.effects import (
    ACCESS_GIVEN,
    ACCESS_TAKEN,
    AUTOMATIONS,
    EVENTS_LOST,
    IRREVERSIBLE,
    MAIL,
    NEW_ID,
    PERSON_DELETED,
    VALUES_LOST,
)
from reconciler.model.plan import Action, Base, Cause, Change, FieldChange, Plan
from reconciler.model.policy import Allow
from reconciler.model.values import Address, Origin, escape
from reconciler.output.plan_sheet import Call, PlanSheet
from reconciler.planner.approvals import Approval

BASE = Base("21fd90f9", "lineage", 17, "vendor")
HEADING = "production · connection 21fd90f9 · ledger serial 17"
TAGS = ("VIP", "Newsletter", "Student 2026")


def sheet_of(*changes: Change, **more: Any) -> PlanSheet:
    """A sheet of these changes; ``approvals`` and ``requests`` belong to it, everything else to the plan."""
    approvals, requests = more.pop("approvals", ()), more.pop("requests", {})
    plan = Plan(BASE, tuple(sorted(changes, key=lambda change: change.address)), **more)
    return PlanSheet(plan, HEADING, sum(map(len, requests.values())), 10, approvals, requests)


def address(kind: str, *parts: str) -> Address:
    """``address("tagging", "ann@example.com", "VIP")``."""
    return Address(kind, "/".join(map(escape, parts)))


def field(path: str, before: Any, after: Any, cause: Cause = Cause.EDITED, **more: Any) -> FieldChange:
    """One field of a change."""
    return FieldChange(path, before, after, cause, **more)


def mixed() -> PlanSheet:
    """A plan of a dozen changes in which everything occurs once."""
    changes = list(_things()) + list(_people())
    calls: dict[Address, tuple[Call, ...]] = {
        change.address: (("POST", "/api/things", {"name": change.address.key, "tag": "{tag/VIP}"}),)
        for change in changes
        if change.action is Action.CREATE
    }
    approvals = (Approval(Allow.CONTACTS, 1, "deletes 1 person for good"),)
    return sheet_of(
        *changes,
        approvals=approvals,
        requests=calls,
        reads=9,
        unmanaged={"contact": 1_204},
        routes={"enrollment": "read by course, 2 of 14 courses"},
    )


def _things() -> Iterator[Change]:
    rename = (field("name", "Gold", "VIP"),)
    vip, slug, hook = address("tag", "VIP"), address("contact_field", "company"), address("webhook", "CRM sync")
    yield Change(
        vip,
        Action.UPDATE,
        Cause.EDITED,
        rename,
        remote_id="71",
        origin=Origin("site.yaml", 6, 5),
        note="340 contacts keep it",
    )
    yield Change(address("tag", "Newsletter"), Action.ADOPT, remote_id="72", origin=Origin("site.yaml", 7, 5))
    yield Change(
        slug,
        Action.CREATE,
        Cause.NEW,
        (field("name", None, "Company", Cause.NEW),),
        origin=Origin("site.yaml", 12, 5),
    )
    yield Change(
        address("contact_field", "shoe_size"),
        Action.DELETE,
        Cause.REMOVED,
        remote_id="shoe_size",
        effects=(VALUES_LOST,),
        note="1,204 values are lost; managed since run 12",
    )
    fields = (
        field("url", "https://old.example.com/hook", "https://crm.example.com/hook"),
        field("secret", None, None, Cause.ROTATED, sensitive=True, note="last set 90 days ago"),
        field("events", frozenset({"SALE_NEW", "SALE_CANCELED"}), frozenset({"SALE_NEW", "CONTACT_CREATED"})),
    )
    yield Change(
        hook,
        Action.REPLACE,
        Cause.EDITED,
        fields,
        remote_id="9",
        origin=Origin("site.yaml", 16, 5),
        effects=(NEW_ID, EVENTS_LOST),
    )


def _people() -> Iterator[Change]:
    ann, bo, cy = (address("contact", f"{name}@example.com") for name in ("ann", "bo", "cy"))
    fields = (
        field("first_name", "Ann", "Anne"),
        field("locale", "en", "no", Cause.DRIFTED),
        field("fields.company", None, 'Acme & Sons, makers of exceedingly long names since 1871 <est.>, "Ltd"'),
    )
    needs = (address("contact_field", "company"),)
    yield Change(
        ann, Action.UPDATE, Cause.BOTH, fields, remote_id="501", depends_on=needs, origin=Origin("people.yaml", 3, 5)
    )
    yield Change(
        bo,
        Action.CREATE,
        Cause.NEW,
        (field("first_name", None, "Bo", Cause.NEW),),
        depends_on=needs,
        effects=(AUTOMATIONS,),
        origin=Origin("people.yaml", 9, 5),
    )
    yield Change(cy, Action.DELETE, Cause.REMOVED, remote_id="503", effects=(PERSON_DELETED, IRREVERSIBLE))
    yield Change(
        address("contact", "dee@example.com"),
        Action.CREATE,
        Cause.MISSING,
        origin=Origin("people.yaml", 14, 5),
        blocked="gone from the account; it stays erased",
    )
    yield Change(address("contact", "eve@example.com"), Action.FORGET, Cause.REMOVED, remote_id="505")
    for who in (ann, bo):
        needs = (who, address("tag", "VIP"))
        yield Change(
            Address("tagging", f"{who.key}/VIP"),
            Action.CREATE,
            Cause.NEW,
            depends_on=needs,
            effects=(AUTOMATIONS,),
            origin=Origin("people.yaml", 5, 12),
        )
    yield Change(
        Address("enrollment", f"{ann.key}/Deep Dive"),
        Action.CREATE,
        Cause.NEW,
        (field("access", None, "full_access", Cause.NEW),),
        depends_on=(ann, address("course", "Deep Dive")),
        effects=(ACCESS_GIVEN, MAIL),
        origin=Origin("site.yaml", 21, 7),
    )
    yield Change(
        Address("membership", f"{cy.key}/Insiders"),
        Action.DELETE,
        Cause.GONE_WITH,
        remote_id="88",
        depends_on=(cy,),
        effects=(ACCESS_TAKEN,),
    )
    yield Change(address("tag", "Old"), Action.NO_CHANGE, note="no longer managed: name")


def large(number: int = 5_000) -> PlanSheet:
    """So many changes, most of them of people: one in four a contact, the others what hangs on it."""
    changes: list[Change] = [
        Change(address("tag", name), Action.CREATE, Cause.NEW, origin=Origin("site.yaml", line, 5))
        for line, name in enumerate(TAGS, 3)
    ]
    requests: dict[Address, tuple[Call, ...]] = {}
    for index in range((number - len(changes)) // 4):
        changes += _family(index)
    changes += [
        Change(address("webhook", f"Hook {n}"), Action.DELETE, Cause.REMOVED) for n in range(number - len(changes))
    ]
    for change in changes:
        body = {"email": change.address.key, "fields": [{"slug": "first_name", "value": "x"}]}
        requests[change.address] = (("POST", f"/api/{change.address.kind}s", body),)
    return sheet_of(*changes, requests=requests, reads=120)


def _family(index: int) -> Iterator[Change]:
    who, line = address("contact", f"person{index}@example.com"), index * 8 + 3
    tag = address("tag", TAGS[index % len(TAGS)])
    fields = (field("first_name", f"Name {index}", f"Name of {index}"), field("country", "FR", "NO", Cause.DRIFTED))
    action = (Action.CREATE, Action.UPDATE, Action.ADOPT, Action.UPDATE)[index % 4]
    yield Change(
        who,
        action,
        Cause.EDITED,
        fields[: 1 + (index % 10 == 0)],
        remote_id=str(index),
        origin=Origin("people.yaml", line, 5),
    )
    yield Change(
        Address("tagging", f"{who.key}/{tag.key}"),
        Action.CREATE,
        Cause.NEW,
        depends_on=(who, tag),
        effects=(AUTOMATIONS,),
        origin=Origin("people.yaml", line + 4, 12),
    )
    access = (field("access", None, "full_access", Cause.NEW),)
    yield Change(
        Address("enrollment", f"{who.key}/Launch Course"),
        Action.CREATE,
        Cause.NEW,
        access,
        depends_on=(who, address("course", "Launch Course")),
        effects=(ACCESS_GIVEN, MAIL),
        origin=Origin("site.yaml", line, 7),
    )
    action = Action.DELETE if index % 20 == 0 else Action.CREATE
    yield Change(
        Address("membership", f"{who.key}/Insiders"),
        action,
        Cause.NEW,
        depends_on=(who, address("community", "Insiders")),
        effects=(ACCESS_GIVEN, MAIL),
    )
