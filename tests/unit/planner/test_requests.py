"""Steps to requests, references to ids."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.kinds import KINDS
from reconciler.kinds.base import Wire
from reconciler.kinds.dialect import Dialect
from reconciler.model.plan import Action, Cause, Change, FieldChange, Step, Verb
from reconciler.model.report import ApiRequest, UnboundRequest
from reconciler.model.values import Address, Ref, Secret
from reconciler.planner.requests import bind, fill, is_the_one, lookup_for, request_for, show
from tests.unit.planner.made import ANN, ANN_VIP, VIP, tagging

HOOK, COURSE = Address("webhook", "Hook"), Address("course", "C")
IDS = {ANN: "7", VIP: "1", COURSE: "3", Address("module", "C/A"): "21", Address("module", "C/B"): "20"}
SECRET = Secret("env:S", "hush")


def sent(change: Change, verb: Verb = Verb.MAKE, dialect: Dialect = Dialect.VENDOR) -> ApiRequest:
    return bind(request_for(Step(change.address, verb), change, dialect), IDS)


def field(name: str, after: Any = None) -> FieldChange:
    return FieldChange(name, None, after, Cause.EDITED)


@pytest.mark.parametrize(
    ("change", "verb", "request_"),
    [
        (
            Change(VIP, Action.CREATE, attrs={"name": "VIP"}),
            Verb.MAKE,
            ApiRequest("POST", "/api/tags", {"name": "VIP"}),
        ),
        (
            Change(VIP, Action.UPDATE, attrs={"name": "VIP"}, remote_id="1", fields=(field("name"),)),
            Verb.MAKE,
            ApiRequest("PUT", "/api/tags/1", {"name": "VIP"}),
        ),
        (Change(VIP, Action.DELETE, remote_id="1"), Verb.DROP, ApiRequest("DELETE", "/api/tags/1")),
        (
            Change(VIP, Action.UPDATE, attrs={"name": "VIP"}, remote_id="1", fields=(field("name"),)),
            Verb.PARK,
            ApiRequest("PUT", "/api/tags/1", {"name": "~ 1 moves"}),
        ),
        (
            Change(ANN_VIP, Action.CREATE, attrs=tagging()),
            Verb.MAKE,
            ApiRequest("POST", "/api/contacts/7/tags", {"tagId": 1}),
        ),
        (Change(ANN_VIP, Action.DELETE, before=tagging()), Verb.DROP, ApiRequest("DELETE", "/api/contacts/7/tags/1")),
        (
            Change(
                Address("enrollment", "ann@example.com/C"),
                Action.CREATE,
                attrs={
                    "course": Ref(COURSE),
                    "contact": Ref(ANN),
                    "access": "partial_access",
                    "modules": frozenset({Ref(Address("module", "C/A")), Ref(Address("module", "C/B"))}),
                },
            ),
            Verb.MAKE,
            ApiRequest(
                "POST",
                "/api/school/courses/3/enrollments",
                {"contactId": 7, "accessType": "partial_access", "modules": [21, 20]},
            ),
        ),
        (
            Change(
                HOOK,
                Action.UPDATE,
                remote_id="u-1",
                fields=(field("events"),),
                attrs={"name": "Hook", "secret": SECRET, "events": frozenset({"SALE_NEW", "CONTACT_CREATED"})},
            ),
            Verb.MAKE,
            ApiRequest(
                "PATCH",
                "/api/webhooks/u-1",
                {"name": "Hook", "secret": "hush", "subscriptions": ["CONTACT_CREATED", "SALE_NEW"]},
            ),
        ),
        (
            Change(HOOK, Action.UPDATE, remote_id="u-1", fields=(field("active", True),), attrs={"name": "Hook"}),
            Verb.MAKE,
            ApiRequest("PATCH", "/api/webhooks/u-1", {"name": "Hook", "active": True}),
        ),
        (
            Change(ANN, Action.CREATE, attrs={"email": "ann@example.com", "first_name": None, "locale": "en"}),
            Verb.MAKE,
            ApiRequest("POST", "/api/contacts", {"email": "ann@example.com", "locale": "en"}),
        ),
    ],
)
def test_every_verb_of_every_kind_is_one_request(change: Change, verb: Verb, request_: ApiRequest) -> None:
    """Ids as numbers where they are numbers, sets sorted, nothing sent for nothing."""
    assert sent(change, verb) == request_


def test_skill_speaks_otherwise() -> None:
    """A label is ``name`` there, and nothing has to be repeated."""
    company = Address("contact_field", "company")
    change = Change(
        company, Action.UPDATE, attrs={"slug": "company", "name": "X"}, remote_id="company", fields=(field("name"),)
    )
    assert sent(change, dialect=Dialect.SKILL).body == {"name": "X"}
    hook = Change(HOOK, Action.UPDATE, attrs={"name": "Hook", "url": "u"}, remote_id="1", fields=(field("url"),))
    assert sent(hook, dialect=Dialect.SKILL).body == {"url": "u"}


def test_an_unknown_id_is_named() -> None:
    """KeyError with the address; the runner says it in words."""
    with pytest.raises(KeyError, match="contact"):
        bind(UnboundRequest("DELETE", ("/api/contacts/", Ref(Address("contact", "x")))), IDS)


def test_what_cannot_be_done_is_a_defect() -> None:
    """A course has no create."""
    with pytest.raises(AssertionError, match="course has no such call"):
        sent(Change(COURSE, Action.CREATE))


def test_paths_are_quoted() -> None:
    """An id cannot lead to another path."""
    assert "".join(map(str, fill("/api/webhooks/{id}", {"id": "a b?"}))) == "/api/webhooks/a%20b%3F"
    assert bind(UnboundRequest("GET", ("/x/", Ref(VIP))), {VIP: "../y"}).path == "/x/..%2Fy"


def test_requests_are_shown_with_everything_open() -> None:
    """References by address, secrets by source, in lists and maps."""
    body = {"a": Ref(VIP), "b": [SECRET, {"c": Ref(ANN)}], "d": 1}
    assert show(UnboundRequest("POST", ("/api/x/", Ref(VIP)), body)) == (
        "POST",
        "/api/x/{tag/VIP}",
        {"a": "{tag/VIP}", "b": ["(secret from env:S)", {"c": "{contact/ann@example.com}"}], "d": 1},
    )
    assert bind(UnboundRequest("POST", ("/api/x",), body), IDS).body == {"a": 1, "b": ["hush", {"c": 7}], "d": 1}


@pytest.mark.parametrize(
    ("kind", "attrs", "path", "query"),
    [
        ("tag", {"name": "VIP"}, "/api/tags", {"query": "VIP"}),
        ("contact", {"email": "ann@example.com"}, "/api/contacts", {"email": "ann@example.com"}),
        ("tagging", tagging(), "/api/contacts/7", {}),
        ("webhook", {"name": "A"}, "/api/webhooks", {}),
        (
            "enrollment",
            {"contact": Ref(ANN), "course": Ref(COURSE)},
            "/api/school/enrollments",
            {"course": 3, "contact": 7},
        ),
    ],
)
def test_lookups_ask_for_as_little_as_they_can(kind: str, attrs: Any, path: str, query: Any) -> None:
    """One list, filtered where the vendor filters."""
    found = lookup_for(KINDS[kind], attrs, IDS)
    assert found is not None
    assert (found.path, dict(found.query)) == (path, query)


def test_a_course_cannot_be_looked_up() -> None:
    """It is read whole."""
    assert lookup_for(KINDS["course"], {"name": "C"}, IDS) is None


@pytest.mark.parametrize(
    ("kind", "item", "attrs", "same"),
    [
        ("tag", {"id": 1, "name": "VIP"}, {"name": "VIP"}, True),
        ("tag", {"id": 1, "name": "VIP 2"}, {"name": "VIP"}, False),
        ("contact", {"email": "Ann@Example.com"}, {"email": "ann@example.com"}, True),
        ("membership", {"contact": {"id": 7}}, {"contact": Ref(ANN), "community": Ref(COURSE)}, True),
        ("membership", {"contact": {"id": 8}}, {"contact": Ref(ANN), "community": Ref(COURSE)}, False),
        ("tagging", {"id": 1}, tagging(), True),
        ("tagging", {"id": 2}, tagging(), False),
    ],
)
def test_filters_are_not_trusted_alone(kind: str, item: Any, attrs: Any, same: bool) -> None:
    """A text search finds more than the name that was asked for."""
    assert is_the_one(KINDS[kind], item, attrs, IDS, Wire()) is same
