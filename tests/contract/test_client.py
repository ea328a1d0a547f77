"""Every request that a run sends, of every kind and verb, against our description, the vendor's, and the seeds'."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.contract.conftest import NEWER
from tests.contract.openapi import Interface
from tests.support.project import Project

HERE = Path(__file__).parent

MakeProject = Callable[..., Project]

SEED: dict[str, Any] = {
    "tags": ["Unmanaged", "Adopted"],
    "contact_fields": [{"slug": "hat", "name": "Hat"}],
    "contacts": [{"email": "old@example.com", "locale": "fr", "fields": {"hat": "L", "first_name": "Old"}}],
    "courses": [{"name": "Yoga", "modules": ["One", "Two"]}],
    "communities": [{"name": "Club"}],
}

FIRST = """
tags: [VIP, Doomed, Gold, X, Y, Adopted]
contact_fields: [{slug: shoe, name: Shoe}, {slug: gone, name: Gone}, {slug: hat, name: Hats}]
contacts:
  - email: ann@example.com
    first_name: Ann
    last_name: Lee
    phone_number: +33612345678
    country: FR
    locale: no
    fields: {shoe: 038, hat: ""}
    tags: [VIP]
    courses: [Yoga]
  - {email: old@example.com, first_name: ~, fields: {hat: XL}, tags: [VIP, Gold]}
  - {email: gone@example.com, tags: [VIP]}
  - email: bare@example.com
webhooks:
  - {name: CRM, url: "https://crm.example.com/", secret: {env: HOOK}, events: [SALE_NEW]}
  - {name: Moves, url: "https://a.example.com/", secret: {env: HOOK}, events: [SALE_NEW], active: false}
  - {name: Gone, url: "https://gone.example.com/", secret: {env: HOOK}, events: [CONTACT_OPT_IN]}
  - name: Careful
    url: https://b.example.com/
    secret: {env: HOOK}
    events: [SALE_NEW]
    lifecycle: {create_before_destroy: true}
enrollments:
  - {contact: old@example.com, course: Yoga, access: partial_access, modules: [One]}
  - {contact: bare@example.com, course: Yoga, access: dripping_content}
memberships: [{community: Club, contacts: [ann@example.com, old@example.com]}]
"""

SECOND = """
tags: [VIP, {name: Premium, renamed_from: Gold}, {name: X, renamed_from: Y}, {name: Y, renamed_from: X}, Adopted]
contact_fields: [{slug: shoe, name: Size}, {slug: hat, name: Hats}]
contacts:
  - email: ann@example.com
    first_name: Anne
    last_name: ~
    phone_number: +33699999999
    locale: en
    fields: {shoe: 39, hat: ""}
    tags: []
    courses: []
  - {email: old@example.com, first_name: Olaf, fields: {hat: ~}, tags: [VIP, Premium]}
  - email: bare@example.com
webhooks:
  - {name: CRM, url: "https://crm.example.com/", secret: {env: ROTATED}, events: [SALE_NEW, CONTACT_CREATED]}
  - {name: Moves, url: "https://c.example.com/", secret: {env: HOOK}, events: [SALE_NEW]}
  - name: Careful
    url: https://d.example.com/
    secret: {env: HOOK}
    events: [SALE_NEW]
    lifecycle: {create_before_destroy: true}
enrollments:
  - {contact: old@example.com, course: Yoga, access: partial_access, modules: [One, Two]}
memberships: [{community: Club, contacts: [old@example.com]}]
"""


def lived(make_project: MakeProject, dialect: str, **options: Any) -> list[Any]:
    """The log of a life: all made, all changed, all removed; each step ends converged."""
    project = make_project(SEED, dialect=dialect, **options)
    project.env |= {"HOOK": "s3cret", "ROTATED": "an0ther"}
    project.write("prune: {contact: created}\nlimits: {deletes: 100, updates: 100}\n", "reconciler.yaml")
    for text in (FIRST, SECOND):
        project.write(text)
        project.apply("--allow", "contacts=1")
        project.assert_converged()
    result = project.run("destroy", "--yes", "--json", "--allow", "contacts=2", "--allow", "deletes")
    assert result.code == 0, result.err + result.out
    log: list[Any] = project.account.requests
    assert all(each["status"] < 300 for each in log), [each for each in log if each["status"] >= 300]
    return log


@pytest.fixture
def log(make_project: MakeProject) -> list[Any]:
    """A life in the vendor's dialect."""
    return lived(make_project, "vendor")


def wrong(interface: Interface, log: list[Any]) -> list[str]:
    """Everything that the description does not allow."""
    return [
        f"{each['method']} {each['path']}: {error}"
        for each in log
        for error in interface.check_request(each["method"], each["path"], each["query"], each["body"])
    ]


def test_requests_fit_our_description(log: list[Any]) -> None:
    """Paths, parameters and bodies are those of interface.yaml, and nearly every writing operation is met."""
    interface = Interface.load(HERE / "interface.yaml")
    assert wrong(interface, log) == []
    met = {(found.method, found.template) for each in log if (found := interface.find(each["method"], each["path"]))}
    writing = {
        (o.method, o.template) for o in interface.operations if o.method != "GET" and o.template[:5] == "/api/"
    }
    assert writing - met == {("POST", "/api/payment/subscriptions/{id}/cancel")}


def test_requests_fit_the_vendors_description(log: list[Any], vendor: Interface) -> None:
    """The same against the vendor's own document."""
    assert wrong(vendor, [each for each in log if not each["path"].startswith(NEWER)]) == []


def test_lists_are_asked_for_in_the_largest_pages(log: list[Any]) -> None:
    """limit=100 everywhere but on the two lists that take no parameters."""
    for each in log:
        if each["method"] == "GET" and re.fullmatch(r"/api/(contact_fields|webhooks)", each["path"]):
            assert each["query"] == {}
        elif each["method"] == "GET" and not each["path"][-1].isdigit():
            assert each["query"]["limit"] == "100"


#: What the gateway's documents show, by method and path: the keys that a body may have, and those it must have.
SEEDS: dict[tuple[str, str], tuple[set[str], set[str]]] = {
    ("POST", "contacts"): ({"email", "firstName", "lastName", "phoneNumber", "locale", "fields"}, {"email"}),
    ("PATCH", "contacts/ID"): ({"firstName", "lastName", "phoneNumber", "locale", "fields"}, set()),
    ("DELETE", "contacts/ID"): (set(), set()),
    ("POST", "tags"): ({"name"}, {"name"}),
    ("PUT", "tags/ID"): ({"name"}, {"name"}),
    ("DELETE", "tags/ID"): (set(), set()),
    ("POST", "contacts/ID/tags"): ({"tagId"}, {"tagId"}),
    ("DELETE", "contacts/ID/tags/ID"): (set(), set()),
    ("POST", "contact_fields"): ({"name", "slug"}, {"name", "slug"}),
    ("PATCH", "contact_fields/SLUG"): ({"name"}, {"name"}),
    ("DELETE", "contact_fields/SLUG"): (set(), set()),
    ("POST", "school/courses/ID/enrollments"): ({"contactId", "accessType", "modules"}, {"contactId", "accessType"}),
    ("DELETE", "school/enrollments/ID"): (set(), set()),
    ("POST", "community/communities/ID/memberships"): ({"contactId"}, {"contactId"}),
    ("DELETE", "community/memberships/ID"): (set(), set()),
    ("POST", "webhooks"): (
        {"name", "url", "secret", "subscriptions", "active"},
        {"name", "url", "secret", "subscriptions"},
    ),
    ("PATCH", "webhooks/UUID"): ({"name", "url", "secret", "subscriptions", "active"}, set()),
    ("DELETE", "webhooks/UUID"): (set(), set()),
}


def shape(path: str) -> str:
    """A path with its ids replaced."""
    path = path.removeprefix("/api/")
    path = re.sub(r"(?<=webhooks/).+", "UUID", path)
    path = re.sub(r"(?<=contact_fields/)\w+", "SLUG", path)
    return re.sub(r"(?<=/)\d+(?=/|$)", "ID", path)


def test_the_skill_dialect_follows_the_gateways_documents(make_project: MakeProject) -> None:
    """Every write of the other dialect has the keys that its documents show, and all of them occur."""
    log = lived(make_project, "skill")
    met = set()
    for each in log:
        if each["method"] == "GET":
            continue
        key = each["method"], shape(each["path"])
        met.add(key)
        allowed, required = SEEDS[key]
        body = each["body"] or {}
        assert required <= body.keys() <= allowed, each
        for row in body.get("fields", ()):
            assert row.keys() == {"slug", "value"}
    assert met == SEEDS.keys()


def test_the_skill_dialect_moves_a_webhook_in_place(make_project: MakeProject) -> None:
    """There a url is patchable: one PATCH with the url, no delete and create."""
    project = make_project(dialect="skill")
    project.env["HOOK"] = "s3cret"
    hook = "webhooks: [{{name: CRM, url: 'https://{}.example.com/', secret: {{env: HOOK}}, events: [SALE_NEW]}}]\n"
    project.write(hook.format("a"))
    project.apply()
    project.account.clear()
    project.write(hook.format("b"))
    project.apply()
    assert [(each["method"], each["body"]) for each in project.account.writes] == [
        ("PATCH", {"url": "https://b.example.com/"})
    ]
    project.assert_converged()


@pytest.mark.parametrize("dialect", ["vendor", "skill"])
def test_values_arrive_as_text(make_project: MakeProject, dialect: str) -> None:
    """What YAML would make numbers, dates and booleans of is sent as it stands there."""
    project = make_project({"contact_fields": [{"slug": "f", "name": "F"}]}, dialect=dialect)
    values = ["no", "on", "+33612345678", "01234", "2024-01-01", "12:30", "0x1F", "1e3", "1_000", "NULLs", ".5"]
    rows = "".join(f"  - {{email: p{n}@example.com, fields: {{f: {value}}}}}\n" for n, value in enumerate(values))
    project.write("contacts:\n" + rows)
    project.apply()
    state = {each["email"]: each["fields"]["f"] for each in project.account.state()["contacts"]}
    assert [state[f"p{number}@example.com"] for number in range(len(values))] == values
    project.assert_converged()
