"""``clone``: one environment's things on another one, by name, and none of its people."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from reconciler.emulator import Account
from tests.cli.support import ended
from tests.support.pair import Pair
from tests.support.project import requests_of

SEED: dict[str, Any] = {
    "tags": ["Gold", "VIP"],
    "contact_fields": [{"slug": "company", "name": "Company"}],
    "courses": [{"name": "Launch", "modules": ["Welcome"]}, {"name": "Old"}],
    "communities": [{"name": "Insiders"}],
    "contacts": [
        {
            "email": "ann@example.com",
            "locale": "fr",
            "tags": ["VIP"],
            "fields": {
                "first_name": "Annabel",
                "surname": "Archer",
                "phone_number": "+33612345678",
                "country": "FR",
                "company": "Acme",
            },
        },
        {"email": "Bob@example.org", "tags": ["Gold", "VIP"]},
    ],
    "enrollments": [
        {"contact": "ann@example.com", "course": "Launch", "access": "full_access"},
        {"contact": "Bob@example.org", "course": "Launch", "access": "partial_access", "modules": ["Welcome"]},
    ],
    "memberships": [{"contact": "ann@example.com", "community": "Insiders"}],
    "webhooks": [
        {"name": "CRM", "url": "https://crm.example.org/hook", "secret": "theirs", "events": ["SALE_NEW"]},
        {"name": "Shop", "url": "https://shop.example.org/", "secret": "theirs", "events": ["SALE_NEW"]},
    ],
}
ROOM: dict[str, Any] = {
    "courses": [{"name": "Other"}, {"name": "Launch", "modules": ["Welcome"]}],
    "communities": [{"name": "Insiders"}],
}
KNOWN = ("ann@", "bob@", "annabel", "archer", "33612345678", "acme")
PEOPLE = ("--kind", "all", "--domain", "staging.example.com")


@pytest.fixture
def make_pair(server: Any, make_account: Callable[..., Account], tmp_path: Path) -> Callable[..., Pair]:
    """Makes pairs: ``make_pair(seed of the source, seed of the target)``."""

    def make(source: Mapping[str, Any] = SEED, target: Mapping[str, Any] = ROOM, **options: Any) -> Pair:
        accounts = make_account(dict(source)), make_account(dict(target), id_offset=500, **options)
        return Pair(tmp_path, server, *accounts)

    return make


@pytest.fixture
def pair(make_pair: Callable[..., Pair]) -> Pair:
    """The usual one."""
    return make_pair()


def test_tags_and_fields_by_default(pair: Pair) -> None:
    """A plan first, that writes nothing; --apply makes it; the next one is empty; the source is only read."""
    said = ended(pair.clone(), 0, "+ tag/VIP", "clone of production", "add --apply")
    assert "contact/" not in said
    assert pair.account.writes == []
    assert not (pair.folder / ".reconciler").exists()
    pair.done()
    assert pair.account.state()["tags"] == ["Gold", "VIP"]
    assert pair.account.state()["contact_fields"] == SEED["contact_fields"]
    assert pair.account.state()["contacts"] == pair.account.state()["webhooks"] == []
    pair.account.clear()
    ended(pair.clone("--apply", "--yes"), 0, "No changes. staging has all 3 resources of production that are cloned.")
    assert pair.account.writes == pair.source.writes == []


def test_people_become_made_up_ones(pair: Pair) -> None:
    """Relations follow them, country and language stay; who they are is in no request and not in the ledger."""
    document = pair.done(*PEOPLE)
    state = pair.account.state()
    (one,) = (each for each in state["contacts"] if each["tags"] == ["VIP"])
    mark = one["email"].partition("@")[0]
    assert one["email"] == f"{mark}@staging.example.com"
    assert one["locale"] == "fr"
    assert one["fields"] == {"country": "FR", "first_name": mark, "surname": mark}
    assert state["enrollments"] == [{"contact": one["email"], "course": "Launch", "access": "full_access"}]
    assert state["memberships"] == [{"contact": one["email"], "community": "Insiders"}]
    assert [name for name in KNOWN if name in pair.told()] == []
    left = {(each["kind"], each["count"]) for each in document["clone"]["left_out"]}
    assert left == {("enrollment", 1), ("webhook", 2)}
    assert document["clone"]["replaced"] == 2
    pair.account.clear()
    assert pair.done(*PEOPLE)["summary"]["create"] == 0
    assert pair.account.writes == pair.source.writes == []


def test_documents_fit_their_schemas(pair: Pair) -> None:
    """Of a plan and of a report."""
    for what, result in (
        ("plan", pair.clone(*PEOPLE, "--json")),
        ("report", pair.clone(*PEOPLE, "--json", "--apply", "--yes")),
    ):
        jsonschema.Draft7Validator(pair.run("schema", what).document).validate(result.document)
        assert result.document["clone"]["to"] == "staging"


def test_another_dialect(make_pair: Callable[..., Pair]) -> None:
    """Each side is spoken to in its own, and last names go under the slug of the target."""
    pair = make_pair(dialect="skill", last_name_slug="last_name")
    pair.done(*PEOPLE, "--allow-contact", "ann@example.com")
    (ann,) = (each for each in pair.account.state()["contacts"] if each["email"] == "ann@example.com")
    assert ann["fields"]["last_name"] == "Archer"
    pair.account.clear()
    pair.done(*PEOPLE, "--allow-contact", "ann@example.com")
    assert pair.account.writes == []


def test_who_is_let_through(pair: Pair) -> None:
    """By address, glob or file; a pattern of nobody is said; everybody through needs no domain."""
    pair.write("# the team\n*@EXAMPLE.org\nnobody@example.com\n", "team.txt")
    said = ended(pair.clone(*PEOPLE, "--allow-contact", "team.txt"), 0, "nobody@example.com matches no contact")
    assert "+ contact/bob@example.org" in said
    assert "ann@" not in said
    ended(
        pair.clone(
            "--kind",
            "contacts",
            "--kind",
            "tags",
            "--kind",
            "contact_fields",
            "--allow-contact",
            "*",
            "--apply",
            "--yes",
        ),
        0,
    )
    contacts = pair.account.state()["contacts"]
    assert [each["email"] for each in contacts] == ["ann@example.com", "Bob@example.org"]
    assert contacts[0]["fields"] == SEED["contacts"][0]["fields"]


HOOKS = ("--kind", "webhooks", "--webhook-url", "https://hooks.example.com/?a=b", "--webhook-secret-env", "HOOKS")


def test_webhooks_go_where_the_user_says(pair: Pair) -> None:
    """Each by an address of its own there, with the secret of the variable; none goes where the source's went."""
    pair.done(*HOOKS, env={"HOOKS": "s3cret"})
    hooks = pair.account.state()["webhooks"]
    assert [each["url"] for each in hooks] == [
        "https://hooks.example.com/?a=b&webhook=CRM",
        "https://hooks.example.com/?a=b&webhook=Shop",
    ]
    assert {each["secret"] for each in hooks} == {"s3cret"}
    assert pair.done(*HOOKS, env={"HOOKS": "s3cret"})["summary"]["no_change"] == 2
    ended(pair.clone(*HOOKS), 1, "HOOKS is not set")
    ended(pair.clone("--kind", "webhooks"), 0, "Left out:", "2 webhooks (CRM, Shop)", "Nothing to clone")


def test_a_missing_course(make_pair: Callable[..., Pair]) -> None:
    """An error that names it and who needs it, or left out with what leads to it."""
    pair = make_pair(target={"courses": [{"name": "Lunch"}], "communities": [{"name": "Insiders"}]})
    said = ended(pair.clone(*PEOPLE), 1, '"Launch": staging has no course of this name', '"Lunch"', "--skip-missing")
    assert "ann@" not in said
    ended(
        pair.clone(*PEOPLE, "--skip-missing", "--apply", "--yes"), 0, "1 enrollment (Launch): staging has no course"
    )
    assert pair.account.state()["enrollments"] == []
    assert len(pair.account.state()["memberships"]) == 1


def test_two_courses_of_one_name(make_pair: Callable[..., Pair]) -> None:
    """On the source it is not known which one is meant; on the target neither."""
    twice = {**ROOM, "courses": [{"name": "Launch", "path": "a"}, {"name": "Launch", "path": "b"}]}
    ended(make_pair(target=twice).clone(*PEOPLE), 1, "staging has 2 courses with this name")


def test_two_courses_of_one_name_on_the_source(make_pair: Callable[..., Pair]) -> None:
    """It is not known which of them is meant, so nobody is enrolled."""
    source = {
        **SEED,
        "courses": [{"name": "Launch", "path": "a", "modules": ["Welcome"]}, {"name": "Launch", "path": "b"}],
    }
    ended(make_pair(source).clone(*PEOPLE), 0, "the source has more than one course of that name")


def test_addresses_in_other_texts(make_pair: Callable[..., Pair]) -> None:
    """A tag that is called like somebody's address goes nowhere, nor does who carries it by that."""
    names = ["of ann@example.com!", "x%40example.com", "a @ b", "VIP"]
    source = {"tags": names, "contacts": [{"email": "ann@example.com", "tags": names}]}
    pair = make_pair(source)
    said = ended(pair.clone(*PEOPLE, "--apply", "--yes"), 0, "2 tags: name spells the e-mail address of somebody")
    assert "ann@" not in said + pair.told()
    assert pair.account.state()["tags"] == ["VIP", "a @ b"]
    assert pair.account.state()["contacts"][0]["tags"] == ["VIP", "a @ b"]


def test_what_the_target_has_already(make_pair: Callable[..., Pair]) -> None:
    """Its own things stay, what its files manage stays managed, guarded and under its handle."""
    pair = make_pair(target={**ROOM, "tags": ["Theirs", "VIP"]})
    pair.write(
        "tags:\n- {name: VIP, handle: vip, lifecycle: {prevent_destroy: true}}\n- Ours\n"
        "contacts: [{email: bob@example.org, first_name: B, tags: ['@vip']}]\n"
    )
    ended(pair.run("-e", "staging", "apply", "--yes"), 0)
    before = pair.account.state()
    kinds = ("tags", "contact_fields", "contacts", "taggings")
    pair.done(*(word for kind in kinds for word in ("--kind", kind)), "--allow-contact", "*")
    after = pair.account.state()
    assert after["tags"] == ["Gold", "Ours", "Theirs", "VIP"]
    assert after["contacts"][1]["fields"] == before["contacts"][0]["fields"]
    said = ended(pair.run("-e", "staging", "plan"), 0, "- tag/Gold")
    assert "VIP" not in said.replace("tagging/ann@example.com/VIP", "").replace("tagging/ann@example.com/@vip", "")


def created(document: Mapping[str, Any]) -> set[str]:
    """The addresses of what is made."""
    return {each["address"] for each in document["changes"] if each["action"] == "create"}


def test_a_clone_is_stable(pair: Pair) -> None:
    """With RECONCILER_LEDGER_KEY the plan knows the addresses before there is a ledger, or without one."""
    key = {"RECONCILER_LEDGER_KEY": "k" * 16}
    args = (*PEOPLE, "--json")
    one, two = pair.clone(*args), pair.clone(*args, env=key)
    assert "are provisional" in one.err
    assert "are provisional" not in two.err
    assert created(one.document) != created(two.document) == created(pair.clone(*args, env=key).document)
    assert created(two.document) == created(pair.clone(*args, "--ledger", "none", env=key).document)
    assert created(two.document) == created(pair.done(*PEOPLE, env=key))
    ended(pair.clone(*PEOPLE, "--ledger", "none"), 1, "RECONCILER_LEDGER_KEY")


USAGE = {
    "no domain": (("--kind", "contacts"), 1, "--domain staging.example.com"),
    "no domain for relations": (("--kind", "taggings"), 1, "--domain"),
    "odd domain": (("--domain", "a@b"), 1, "is not a domain"),
    "a domain with people": (("--kind", "contacts", "--domain", "EXAMPLE.com"), 3, "1 of the source's contacts"),
    "unknown kind": (("--kind", "contcts"), 1, 'did you mean "contacts"?'),
    "subscriptions": (("--kind", "subscriptions"), 1, "cannot be cloned"),
    "half a redirection": (("--webhook-url", "https://x.example.com"), 1, "--webhook-secret-env"),
    "odd redirection": (("--webhook-url", "ftp://x", "--webhook-secret-env", "X"), 1, "not an http or https URL"),
    "our own secrets": (
        ("--webhook-url", "https://x.example.com", "--webhook-secret-env", "MATON_API_KEY"),
        1,
        "configuration files cannot read",
    ),
    "yes to nothing": (("--yes",), 1, "need --apply"),
    "no file of people": (
        ("--kind", "contacts", "--allow-contact", "none.txt", "--domain", "x.example.com"),
        1,
        "none.txt",
    ),
    "a relation without its people": (
        ("--kind", "memberships", "--domain", "x.example.com"),
        1,
        "staging has no contact of this name",
    ),
}


@pytest.mark.parametrize(("args", "code", "text"), USAGE.values(), ids=USAGE.keys())
def test_bad_input(pair: Pair, args: tuple[str, ...], code: int, text: str) -> None:
    """One clear message; nothing is written anywhere."""
    said = ended(pair.clone(*args), code, text)
    assert "ann@" not in said
    assert pair.account.writes == pair.source.writes == []
    assert not (pair.folder / ".reconciler").exists()


def test_unknown_environments(pair: Pair) -> None:
    """Both are said at once, with those that are near."""
    result = pair.run("clone", "--from", "prodution", "--to", "stagin")
    said = ended(result, 1, "--from: unknown environment `prodution`", "--to: unknown environment `stagin`")
    assert "production" in said
    ended(pair.run("clone", "--from", "staging", "--to", "staging"), 1, "name the same environment")
    ended(pair.run("-e", "staging", "clone", "--from", "production", "--to", "staging"), 1, "in place of -e")


def test_one_account_is_refused(pair: Pair) -> None:
    """By what the gateway takes where no connection is named; a flag or a variable makes no two one."""
    ended(pair.clone("--connection", pair.source.connection), 1, "is connection", "remove one of them")
    ended(pair.clone(env={"RECONCILER_CONNECTION": pair.source.connection}), 0)
    pair.write("environments: {production: {}, staging: {}}\n", "reconciler.yaml")
    ended(pair.clone(), 3, "source and target are the same account", "set the `connection:` of each environment")
    ended(pair.clone("--ledger", "none"), 3, "source and target are the same account")
    assert pair.account.writes == pair.source.writes == []


def test_one_ledger_is_refused(pair: Pair) -> None:
    """However it is spelled."""
    ended(pair.clone("--ledger", "sqlite:///.reconciler/../.reconciler/production.db"), 3, "use the same ledger")


def test_an_empty_source(make_pair: Callable[..., Pair]) -> None:
    """Nothing to clone is no error, and deletes nothing."""
    pair = make_pair(source={}, target={"tags": ["Theirs"]})
    ended(pair.clone("--apply", "--yes"), 0, "Nothing to clone: production has no resources of these kinds")
    assert pair.account.writes == []


def test_a_source_that_fails_in_the_middle(make_pair: Callable[..., Pair]) -> None:
    """Nothing was written, no ledger made."""
    pair = make_pair()
    body = {"error": f"Connection '{pair.source.connection}' is FAILED, not ACTIVE."}
    pair.source.fault("status", status=400, path="/api/contact_fields", times=None, body=body)
    ended(pair.clone("--apply", "--yes"), 1, "no active connection")
    assert pair.account.writes == []
    assert not (pair.folder / ".reconciler").exists()


def test_a_target_that_fails_in_the_middle(pair: Pair) -> None:
    """What is done is recorded; the next clone makes the rest, and nothing twice."""
    body = {"error": f"Connection '{pair.account.connection}' is FAILED, not ACTIVE."}
    pair.account.fault("status", status=400, method="POST", path="contacts", nth=2, times=None, body=body)
    ended(pair.clone(*PEOPLE, "--apply", "--yes"), 4, "no active connection")
    pair.account.set_faults([])
    pair.done(*PEOPLE)
    assert len(pair.account.state()["contacts"]) == 2
    assert len(pair.account.state()["memberships"]) == 1
    pair.account.clear()
    pair.done(*PEOPLE)
    assert pair.account.writes == []


def test_approvals_and_protection(pair: Pair) -> None:
    """A protected target asks for its name; nobody to ask means no."""
    ended(pair.clone("--apply"), 3, "without a terminal")
    text = (pair.folder / "reconciler.yaml").read_text(encoding="utf-8").rstrip()
    pair.write(text.removesuffix("}") + ", protect: true}\n", "reconciler.yaml")
    ended(pair.clone("--apply", "--yes"), 3, "--confirm staging")
    assert pair.account.writes == []
    ended(pair.clone("--apply", "--confirm", "staging"), 0)


def test_a_saved_clone(pair: Pair) -> None:
    """What was looked at is what is made, by ``apply --plan`` on the target; a source that moved does not matter."""
    pair.env["RECONCILER_LEDGER_KEY"] = "a key that stays"
    ended(pair.clone(*PEOPLE, "--out", "clone.json"), 0, "apply --plan")
    assert pair.account.writes == []
    pair.source.edit("POST", "/api/tags", {"name": "Later"})
    ended(pair.run("-e", "staging", "apply", "--plan", "clone.json", "--yes"), 0)
    assert pair.account.state()["tags"] == ["Gold", "VIP"]
    text = (pair.folder / "clone.json").read_text(encoding="utf-8").casefold()
    assert not [known for known in KNOWN if known in text]
    said = ended(pair.clone(*PEOPLE, "--apply", "--yes"), 0)
    assert "1 to create" in said


def test_a_clone_that_cannot_be_saved(pair: Pair) -> None:
    """Where made-up people would be others next time, and where the file would need files that are not there."""
    ended(pair.clone(*PEOPLE, "--out", "clone.json"), 3, "anonymized addresses are provisional", "Nothing was saved")
    ended(pair.clone("--out", "clone.json", "--apply", "--yes"), 1, "--out saves a plan for later")
    pair.env["RECONCILER_REDACT"] = "true"
    ended(pair.clone("--out", "clone.json"), 1, "a redacted plan")
    assert not (pair.folder / "clone.json").exists()


def test_redacted(pair: Pair) -> None:
    """Made-up addresses are marked like any other."""
    result = pair.run("--redact", "clone", "--from", "production", "--to", "staging", *PEOPLE, "--json")
    assert result.code == 0, result.err
    assert "@staging.example.com" not in result.out + result.err
    assert result.document["summary"]["create"] == 10


def test_undo(pair: Pair) -> None:
    """A clone is a run like any other: it is in the history, and can be taken back."""
    before = pair.account.state()
    pair.done(*PEOPLE)
    ended(pair.run("-e", "staging", "history"), 0, "clone")
    ended(pair.run("-e", "staging", "undo", "1", "--yes", "--allow", "contacts=2", "--allow", "deletes=5"), 0)
    assert pair.account.state() == before


def test_the_target_is_read_as_little_as_it_can(pair: Pair) -> None:
    """Plain tags and fields take the reads of a plan and nothing more."""
    pair.clone("--kind", "tags", "--kind", "contact_fields")
    assert sorted(requests_of(pair.account)) == ["GET /api/contact_fields", "GET /api/tags?limit=100"]
