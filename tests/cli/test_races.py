"""What appears in the account between the plan's reading and our request is never overwritten.

It is adopted where it equals the configuration; otherwise its branch stops, and history keeps what was there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.cli.support import ended
from tests.cli.test_provenance import recorded
from tests.support.hooks import before, killed
from tests.support.project import Project

ANN = "ann@example.com"
HOOK = "https://crm.example.com/hook"
SEED: dict[str, Any] = {
    "courses": [{"name": "Intro", "modules": ["One"]}],
    "communities": [{"name": "Insiders"}],
    "contact_fields": [{"slug": "company", "name": "Company"}],
    "tags": ["Gold"],
    "contacts": [{"email": "bob@example.com"}],
}
#: Kind: the file, the path of our POST, what somebody else posts first (equal), and (different).
BOB = "contact: bob@example.com"
CONTACT = f"contacts: [{{email: {ANN}, first_name: Ann, locale: en}}]\n"
WEBHOOK = f"webhooks: [{{name: CRM, url: {HOOK}, secret: {{env: HOOK}}, events: [SALE_NEW]}}]\n"
ENROLLED = f"enrollments: [{{course: Intro, access: full_access, {BOB}}}]\n"


def ids(project: Project) -> dict[str, Any]:
    return project.account.ids()


def contact(project: Project, **more: Any) -> None:
    fields = [{"slug": "first_name", "value": more.pop("name", "Ann")}]
    project.account.edit(
        "POST", "/api/contacts", {"email": "Ann@Example.com", "locale": "en", "fields": fields, **more}
    )


def webhook(project: Project, events: tuple[str, ...] = ("SALE_NEW",)) -> None:
    body = {"name": "CRM", "url": HOOK, "secret": "theirs-and-long-enough", "subscriptions": list(events)}
    project.account.edit("POST", "/api/webhooks", body)


def tag(project: Project) -> None:
    project.account.edit("POST", "/api/tags", {"name": "VIP"})


def field(project: Project, label: str = "Town") -> None:
    project.account.edit("POST", "/api/contact_fields", {"slug": "town", "fieldName": label})


def enrollment(project: Project, access: str = "full_access") -> None:
    course, bob = ids(project)["courses"]["Intro"], ids(project)["contacts"]["bob@example.com"]
    body = {"contactId": bob, "accessType": access}
    project.account.edit("POST", f"/api/school/courses/{course}/enrollments", body)


EQUAL: dict[str, tuple[str, str, str, Callable[[Project], None]]] = {
    "contact": (CONTACT, f"contact/{ANN}", "/api/contacts", contact),
    "webhook": (WEBHOOK, "webhook/CRM", "/api/webhooks", webhook),
    "tag": ("tags: [VIP]\n", "tag/VIP", "/api/tags", tag),
    "field": ("contact_fields: [{slug: town, name: Town}]\n", "contact_field/town", "/api/contact_fields", field),
    "enrollment": (ENROLLED, "enrollment/bob@example.com/Intro", r"/api/school/courses/\d+/enrollments", enrollment),
}
UNKNOWN = EQUAL.pop("webhook")  # its secret is not shown
OTHER: dict[str, tuple[str, str, str, Callable[[Project], None], dict[str, Any]]] = {
    "contact": (*EQUAL["contact"][:3], lambda project: contact(project, name="Annegret"), {"first_name": "Annegret"}),
    "webhook": (
        *UNKNOWN[:3],
        lambda project: webhook(project, ("CONTACT_CREATED",)),
        {"events": {"$set": ["CONTACT_CREATED"]}},
    ),
    "field": (*EQUAL["field"][:3], lambda project: field(project, "City"), {"name": "City"}),
    "enrollment": (
        *EQUAL["enrollment"][:3],
        lambda project: enrollment(project, "dripping_content"),
        {"access": "dripping_content"},
    ),
}


@pytest.fixture
def project(make_project: Any) -> Project:
    made: Project = make_project(SEED)
    made.env["HOOK"] = "ours-and-long-enough"
    return made


def past(project: Project, address: str) -> dict[str, Any]:
    rows: list[dict[str, Any]] = project.run("history", "1", "--json").document["outcomes"]
    (row,) = [each for each in rows if each["address"] == address]
    return row


@pytest.mark.parametrize(("text", "address", "path", "make"), EQUAL.values(), ids=EQUAL.keys())
def test_what_equals_the_files_is_adopted(
    project: Project, text: str, address: str, path: str, make: Callable[[Project], None]
) -> None:
    """One POST, no other write; it was there before us, so neither pruning nor undo deletes it."""
    project.write(text)
    before(project.account, "POST", path, lambda: make(project))
    ended(project.run("apply", "--yes"), 0, "exists already with these values: adopted")
    assert [each["method"] for each in project.account.writes] == ["POST"]
    assert recorded(project)[address]["provenance"] == "adopted"
    state = project.account.state()
    project.account.clear()
    ended(project.run("undo", "1", "--yes"), 0)
    assert project.account.state() == state
    project.write(f"{text.partition(':')[0]}: []\n")
    if not address.startswith("enrollment"):  # pruned by default, adopted ones included
        project.apply()
    ended(project.run("destroy", "--yes"), 0)
    assert project.account.writes == []


def test_a_secret_that_nobody_knows_is_not_overwritten(project: Project) -> None:
    """The rest is equal: the next plan adopts it, and shows that it would set the secret."""
    text, address, path, make = UNKNOWN
    project.write(text)
    before(project.account, "POST", path, lambda: make(project))
    ended(project.run("apply", "--yes"), 1, f"{address} exists now and its secret cannot be compared", "plan again")
    assert project.account.state()["webhooks"][0]["secret"] == "theirs-and-long-enough"
    ended(project.run("plan"), 0, "adopt", "secret")


@pytest.mark.parametrize("name", OTHER)
def test_what_differs_is_not_touched(project: Project, name: str) -> None:
    """Its branch stops and says so, everything else is done, and history keeps what was there."""
    text, address, path, make, seen = OTHER[name]
    project.write(text + ("tags: [Silver]\n"))
    before(project.account, "POST", path, lambda: make(project))
    ended(project.run("apply", "--yes"), 4, f"{address} exists now with other values", *seen, "plan again")
    assert [each["method"] for each in project.account.writes].count("POST") == len(project.account.writes) == 2
    row = past(project, address)
    assert row["status"] == "failed"
    assert {each["path"]: each["before"] for each in row["fields"]}.items() >= seen.items()
    assert address not in recorded(project)
    ended(project.run("plan"), 0, address)


@pytest.mark.parametrize("name", OTHER)
def test_a_lost_request_does_not_make_it_ours(project: Project, name: str) -> None:
    """Our POST never arrived, and somebody made another one before we looked: it is not what we sent."""
    text, address, path, make, _ = OTHER[name]
    project.write(text)
    project.account.fault("drop_before", method="POST", path=f"^{path}$")
    state: dict[str, Any] = {}

    def race() -> None:
        make(project)
        state.update(project.account.state())

    look = "/api/school/enrollments" if name == "enrollment" else path  # the first is the plan's, the second looks
    before(project.account, "GET", look, lambda: before(project.account, "GET", look, race))
    ended(project.run("apply", "--yes"), 1, f"{address} exists now with other values", "plan again")
    assert project.account.state() == state
    assert address not in recorded(project)


def test_a_lost_answer_is_recognized_by_what_was_sent(project: Project) -> None:
    """Our POST was carried out: the object equals what was sent, and is ours to delete."""
    project.write(CONTACT)
    project.account.fault("drop_after", method="POST")
    project.apply()
    assert recorded(project)[f"contact/{ANN}"]["provenance"] == "created"


@pytest.mark.parametrize(("name", "action"), [("Annegret", None), ("Ann", "delete")])
def test_a_killed_create_is_recognized_by_what_was_sent(project: Project, name: str, action: str | None) -> None:
    """The run died and its POST never arrived; somebody signs up. Only with our values it may have been us."""
    project.write("prune: {contact: created}\n", "reconciler.yaml")
    project.write(CONTACT)
    killed(project, "POST", "/api/contacts", "apply", "--yes", carried_out=False)
    assert [each["email"] for each in project.account.state()["contacts"]] == ["bob@example.com"]
    contact(project, name=name, email=ANN)
    project.write("contacts: []\n")
    changes = {each["address"]: each["action"] for each in project.plan()["changes"]}
    assert changes.get(f"contact/{ANN}") == action
    project.write(CONTACT)
    project.apply()
    assert recorded(project)[f"contact/{ANN}"]["provenance"] == ("created" if action else "adopted")
