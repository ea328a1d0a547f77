"""``undo``: after an apply and its undo the account is what it was, but for what was listed before."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.ledger.store import Store
from tests.cli.support import ended
from tests.support.hands import rename_person
from tests.support.hooks import killed
from tests.support.project import Project

SEED: dict[str, Any] = {
    "contact_fields": [{"slug": "company", "name": "Company"}],
    "tags": ["Gold"],
    "courses": [{"name": "Launch", "modules": ["Welcome", "Week 1"]}],
    "communities": [{"name": "Insiders"}],
    "contacts": [
        {"email": "bob@example.com", "fields": {"first_name": "Bob", "company": "Acme"}, "tags": ["Gold"]},
        {"email": "eve@example.com"},
    ],
}


@pytest.fixture
def project(make_project: Any) -> Project:
    """A project with an account that holds things of others."""
    made: Project = make_project(SEED)
    return made


def undo(project: Project, run: int, *args: str) -> dict[str, Any]:
    result = project.run("undo", str(run), "--yes", "--json", *args)
    assert result.code == 0, result.err + result.out
    document: dict[str, Any] = result.document
    return document


RUNS = {
    "created": ("tags: [VIP]\ncontact_fields: [{slug: town, name: Town}]\n", ()),
    "a person": (
        "tags: [VIP]\ncontacts: [{email: ann@example.com, first_name: Ann, tags: [VIP]}]\n",
        ("--allow", "contacts=1"),
    ),
    "changed": (
        "contacts: [{email: bob@example.com, first_name: Robert, last_name: B, fields: {company: null}}]\n",
        (),
    ),
    "renamed": ("tags: [{name: Premium, renamed_from: Gold}]\n", ()),
    "relations": (
        """\
enrollments: [{course: Launch, access: full_access, contacts: [bob@example.com]}]
memberships: [{community: Insiders, contacts: [bob@example.com]}]
contacts: [{email: bob@example.com}, {email: eve@example.com, tags: [Gold]}]
tags: [Gold]
""",
        (),
    ),
    "a new field with values": (
        "contact_fields: [{slug: town, name: T}]\ncontacts: [{email: bob@example.com, fields: {town: Rome}}]\n",
        (),
    ),
    "a label": ("contact_fields: [{slug: company, name: Firm}]\n", ()),
    "adopted as it is": ("contacts: [{email: bob@example.com, first_name: Bob}]\ntags: [Gold]\n", ()),
}


@pytest.mark.parametrize(("files", "args"), RUNS.values(), ids=RUNS.keys())
def test_apply_then_undo(project: Project, files: str, args: tuple[str, ...]) -> None:
    """The account is what it was, a second undo has nothing to do, and an apply makes it all again."""
    before = project.account.state()
    project.write(files)
    project.apply()
    after = project.account.state()
    undo(project, 1, *args)
    assert project.account.state() == before
    project.account.clear()
    ended(project.run("undo", "1", "--yes"), 0, "Nothing is left to undo of run 1")
    assert project.account.writes == []
    project.apply()
    assert project.account.state() == after
    project.assert_converged()


SECOND = {
    "deleted tag": ("tags: [VIP, Gold]\n", "tags: [Gold]\n", ()),
    "deleted field": ("contact_fields: [{slug: town, name: Town}]\n", "contact_fields: []\n", ()),
    "changed twice": (
        "contacts: [{email: bob@example.com, first_name: B, locale: fr}]\n",
        "contacts: [{email: bob@example.com, first_name: C, locale: de}]\n",
        (),
    ),
    "tag taken away": (
        "tags: [Gold]\ncontacts: [{email: eve@example.com, tags: [Gold]}]\n",
        "tags: [Gold]\ncontacts: [{email: eve@example.com, tags: []}]\n",
        (),
    ),
    "access replaced": (
        "enrollments: [{course: Launch, access: partial_access, modules: [Welcome], contacts: [bob@example.com]}]\n",
        "enrollments: [{course: Launch, access: full_access, contacts: [bob@example.com]}]\n",
        (),
    ),
    "modules replaced": (
        "enrollments: [{course: Launch, access: partial_access, modules: [Welcome], contacts: [bob@example.com]}]\n",
        "enrollments: [{course: Launch, access: partial_access, modules: [Week 1], contacts: [bob@example.com]}]\n",
        (),
    ),
    "swapped names": (
        "tags: [One, Two]\n",
        "tags: [{name: One, renamed_from: Two}, {name: Two, renamed_from: One}]\n",
        (),
    ),
}


@pytest.mark.parametrize(("first", "second", "args"), SECOND.values(), ids=SECOND.keys())
def test_undo_of_a_later_run(project: Project, first: str, second: str, args: tuple[str, ...]) -> None:
    """What a run removed or replaced is made again; the first run's work stays."""
    project.write(first)
    project.apply()
    before = project.account.state()
    project.write(second)
    project.apply()
    undo(project, 2, *args)
    assert project.account.state() == before
    project.write(first)
    project.assert_converged()


OF_BOB = "contacts: [{email: bob@example.com, %s}]\n"
ALONG = {
    "tags: []": ("tags: [VIP]\n" + OF_BOB % "tags: [VIP]", "tags: []\n" + OF_BOB % "tags: []"),
    "no key": ("tags: [VIP]\n" + OF_BOB % "tags: [VIP]", "tags: []\n" + OF_BOB % "first_name: Bob"),
    "no contact": ("tags: [VIP]\n" + OF_BOB % "tags: [VIP]", "tags: []\ncontacts: []\n"),
    "section": ("tags: [VIP]\ntaggings: [{tag: VIP, contacts: [bob@example.com]}]\n", "tags: []\ntaggings: []\n"),
    "no section": ("tags: [VIP]\ntaggings: [{tag: VIP, contacts: [bob@example.com]}]\n", "tags: []\n"),
    "value": (
        "contact_fields: [{slug: town, name: Town}]\n" + OF_BOB % "first_name: Bo, fields: {town: Rome}",
        "contact_fields: []\n" + OF_BOB % "first_name: Bobby",
    ),
}


@pytest.mark.parametrize(("first", "second"), ALONG.values(), ids=ALONG.keys())
def test_what_went_along_comes_back(project: Project, first: str, second: str) -> None:
    """Assignments and values that the ledger knew come back with the deleted tag or field; then nothing is left."""
    project.write(first)
    project.apply()
    before = project.account.state()
    project.write(second)
    project.apply("--allow", "deletes")
    assert project.account.state() != before
    undo(project, 2)
    assert project.account.state() == before
    ended(project.run("undo", "2", "--yes"), 0, "Nothing is left to undo of run 2")
    project.write(first)
    project.account.clear()
    project.apply()
    assert project.account.writes == []
    project.assert_converged()


TAGGED = {
    "tags": ["Gold"],
    "contacts": [{"email": f"{n}@example.com", "tags": ["Gold"]} for n in ("ann", "bo", "cy")],
}


@pytest.fixture
def tagged(make_project: Any) -> Project:
    """A project with a tag that a managed contact carries, and two contacts that it does not manage."""
    made: Project = make_project(TAGGED)
    made.write("prune: {tag: owned}\n", "reconciler.yaml")
    made.write("tags: [Gold]\ncontacts: [{email: ann@example.com, tags: [Gold]}]\n")
    made.apply()
    return made


def delete_the_tag(tagged: Project) -> None:
    tagged.write("tags: []\ncontacts: [{email: ann@example.com}]\n")
    tagged.apply("--allow", "deletes=2")


def test_a_deleted_tag_is_assigned_again(tagged: Project) -> None:
    """Also to contacts that are not managed. The ledger knows them by id, and manages them no more than before."""
    before = tagged.account.state()
    delete_the_tag(tagged)
    told = ended(tagged.run("history", "2"), 0, "tag/Gold", "lost by 3 contacts; undo assigns it again")
    assert "bo@example.com" not in told
    said = ended(tagged.run("undo", "2", "--yes"), 0, "3 tags to assign", "3 affected; up to 3 may receive e-mail")
    assert "not managed here" not in said
    assert tagged.account.state() == before
    ledger = (tagged.folder / ".reconciler" / "ledger.db").read_bytes()
    assert b"ann@example.com" in ledger
    assert b"bo@example.com" not in ledger
    ended(tagged.run("undo", "2", "--yes"), 0, "Nothing is left to undo of run 2.")
    tagged.write("tags: [Gold]\ncontacts: [{email: ann@example.com, tags: [Gold]}]\n")
    ended(tagged.run("plan"), 0, "No changes.")


def test_assigning_again_needs_approval_above_the_limit(tagged: Project) -> None:
    """Assigning a tag starts automations, which may send e-mail."""
    delete_the_tag(tagged)
    tagged.write("prune: {tag: owned}\nlimits: {emails: 2}\n", "reconciler.yaml")
    ended(tagged.run("undo", "2", "--yes"), 3, "--allow emails=3")
    ended(tagged.run("undo", "2", "--yes", "--allow", "emails=3"), 0, "3 tags assigned")


def test_an_undo_is_undone_with_its_assignments(project: Project) -> None:
    """They go with the tag, and are not reported as staying."""
    project.write("tags: [VIP]\n")
    project.apply()
    ids = project.account.ids()
    path = f"/api/contacts/{ids['contacts']['eve@example.com']}/tags"
    project.account.edit("POST", path, {"tagId": ids["tags"]["VIP"]})
    project.write("tags: []\n")
    project.apply()
    undo(project, 2)
    said = ended(project.run("undo", "3", "--yes"), 0, "1 to delete", "1 contact loses it")
    assert "stays as it is" not in said
    assert project.account.state()["tags"] == ["Gold"]


def test_contacts_that_are_gone_are_counted(tagged: Project) -> None:
    """The others get the tag again."""
    delete_the_tag(tagged)
    tagged.account.edit("DELETE", f"/api/contacts/{tagged.account.ids()['contacts']['bo@example.com']}")
    lost = "tag/Gold: its assignment to 1 contact that is no longer in the account"
    ended(tagged.run("undo", "2", "--yes"), 0, lost, "2 tags assigned")


def test_an_assignment_that_fails_is_made_by_the_next_undo(tagged: Project) -> None:
    """History names the contact by its id."""
    delete_the_tag(tagged)
    bo = tagged.account.ids()["contacts"]["bo@example.com"]
    tagged.account.fault("status", method="POST", path=f"/api/contacts/{bo}/tags", status=403)
    ended(tagged.run("undo", "2", "--yes"), 4)
    assert b"bo@example.com" not in (tagged.folder / ".reconciler" / "ledger.db").read_bytes()
    ended(tagged.run("history", "3"), 0, f"tagging/#{bo}/Gold")
    ended(tagged.run("undo", "2", "--yes"), 0, "1 tag assigned")


def test_what_cannot_come_back_is_named(project: Project) -> None:
    """A value of a contact that is not managed any more."""
    field = "contact_fields: [{slug: town, name: Town}]\n"
    project.write("tags: [VIP]\n" + field + OF_BOB % "fields: {town: Rome}")
    project.apply()
    ids = project.account.ids()
    path = f"/api/contacts/{ids['contacts']['eve@example.com']}/tags"
    project.account.edit("POST", path, {"tagId": ids["tags"]["VIP"]})
    project.write("tags: []\ncontact_fields: []\ncontacts: []\n")
    project.apply("--allow", "deletes")
    ended(
        project.run("undo", "2", "--yes"),
        0,
        "Undo of run 2 is incomplete. It cannot restore:",
        "  contact/bob@example.com: no longer managed",
        "run 2, step 1",
    )


def test_an_adopted_tag_counts_as_adopted_again(project: Project) -> None:
    """Pruned by the rule of that time and created again by undo, it is not pruned by default."""
    project.write("prune: {tag: owned}\n", "reconciler.yaml")
    project.write("tags: [Gold]\n")
    project.apply()
    project.write("tags: []\n")
    project.apply("--allow", "deletes")
    assert project.account.state()["tags"] == []
    undo(project, 2)
    project.write("{}\n", "reconciler.yaml")
    ended(project.run("apply", "--yes"), 0)
    assert project.account.state()["tags"] == ["Gold"]


def test_a_deleted_person_comes_back_with_what_was_ours(project: Project) -> None:
    """A new id, and the relations that went along; what others gave her is lost, and listed."""
    project.write("prune: {contact: owned}\n", "reconciler.yaml")
    project.write("tags: [VIP]\ncontacts: [{email: ann@example.com, first_name: Ann, tags: [VIP]}]\n")
    project.apply()
    before, number = project.account.state(), project.account.ids()["contacts"]["ann@example.com"]
    project.write("tags: [VIP]\ncontacts: []\n")
    project.apply("--allow", "contacts=1")
    lost = undo(project, 2)["lost"]
    assert project.account.state() == before
    assert project.account.ids()["contacts"]["ann@example.com"] != number
    assert {"address": "contact/ann@example.com", "what": "its id (it gets a new one)"} in lost


HOOK = "webhooks: [{name: W, url: 'https://x.example.com', secret: {env: S}, events: [SALE_NEW]}]\n"


@pytest.fixture
def hooked(project: Project) -> Project:
    """A project with a tag and a webhook, applied."""
    project.env["S"] = "canary-77aa"
    project.write(f"tags: [VIP]\n{HOOK}")
    project.apply()
    return project


def test_a_webhook_cannot_come_back_without_its_secret(hooked: Project) -> None:
    """It is listed and left out; the rest of the run is undone."""
    hooked.write("tags: []\nwebhooks: []\n")
    hooked.apply()
    ended(
        hooked.run("undo", "2", "--yes"),
        0,
        "webhook/W: cannot be created again without its secret, which is not kept",
        "+ tag/VIP",
    )
    assert hooked.account.state()["webhooks"] == []
    assert "VIP" in hooked.account.state()["tags"]


def test_a_webhook_comes_back_with_the_secret_of_the_files(hooked: Project) -> None:
    """Where the files name it, it is at hand."""
    before = hooked.account.state()
    assert hooked.run("destroy", "--yes").code == 0
    said = ended(hooked.run("undo", "2", "--yes"), 0, "+ webhook/W", "it gets a new one")
    assert "canary" not in said
    assert hooked.account.state() == before
    hooked.assert_converged()


def test_a_replacement_in_three_steps_is_one_change(hooked: Project) -> None:
    """The old webhook, which had a temporary name before it was deleted, is not named apart."""
    text = f"tags: [VIP]\n{HOOK}"
    changed = text.replace("x.example", "y.example").replace("}]", ", lifecycle: {create_before_destroy: true}}]")
    hooked.write(changed)
    hooked.apply()
    assert "cannot be created again" not in ended(hooked.run("undo", "2", "--yes"), 0, "1 replaced")


def test_a_webhook_does_not_come_back_with_another_secret(hooked: Project) -> None:
    """The ledger keeps a digest of what was deleted: a secret that changed since is never sent in its place."""
    assert hooked.run("destroy", "--yes").code == 0
    hooked.env["S"] = "canary-other"
    said = ended(
        hooked.run("undo", "2", "--yes"), 0, "its secret, which is another one by now; left out", "+ tag/VIP"
    )
    assert "canary" not in said
    assert hooked.account.state()["webhooks"] == []
    hooked.env["S"] = "canary-77aa"
    ended(hooked.run("undo", "2", "--yes"), 0, "+ webhook/W")
    assert [hook["secret"] for hook in hooked.account.state()["webhooks"]] == ["canary-77aa"]
    hooked.assert_converged()


def test_a_changed_webhook_goes_back_and_keeps_its_secret(hooked: Project) -> None:
    """The fields go back; what the secret was before is not known, and it stays."""
    hooked.write("tags: [VIP]\n" + HOOK.replace("[SALE_NEW]", "[SALE_NEW, CONTACT_OPT_IN]"))
    hooked.apply()
    ended(
        hooked.run("undo", "2", "--yes"),
        0,
        "webhook/W: the secret before the run, which is a secret; the current one stays",
    )
    assert [hook["events"] for hook in hooked.account.state()["webhooks"]] == [["SALE_NEW"]]
    hooked.write(f"tags: [VIP]\n{HOOK}")
    hooked.assert_converged()


def test_a_changed_webhook_without_its_secret_at_hand(hooked: Project) -> None:
    """Every update has to repeat the secret: without it, it is left out and listed."""
    hooked.write("tags: [VIP, Two]\n" + HOOK.replace("[SALE_NEW]", "[SALE_NEW, CONTACT_OPT_IN]"))
    hooked.apply()
    hooked.write("tags: [VIP\n")
    result = hooked.run("undo", "2", "--yes")
    ended(result, 0, "cannot be changed without its secret", "The files cannot be read", "- tag/Two")
    assert len(hooked.account.state()["webhooks"][0]["events"]) == 2


def test_a_secret_at_hand_that_was_never_sent(hooked: Project) -> None:
    """Another secret than the one in the account is no part of the run: the webhook is left out, its secret stays."""
    hooked.write("tags: [VIP, Two]\n" + HOOK.replace("[SALE_NEW]", "[SALE_NEW, CONTACT_OPT_IN]"))
    hooked.apply()
    hooked.env["S"] = "canary-other"
    said = ended(hooked.run("undo", "2", "--yes"), 0, "cannot be changed without its secret", "- tag/Two")
    assert "canary" not in said
    (hook,) = hooked.account.state()["webhooks"]
    assert (hook["secret"], len(hook["events"])) == ("canary-77aa", 2)


def test_a_name_that_is_taken_by_now(project: Project) -> None:
    """A rename is not taken back where another one of ours has the old name."""
    project.write("tags: [One]\n")
    project.apply()
    project.write("tags: [{name: Two, renamed_from: One}]\n")
    project.apply()
    project.write("tags: [Two, One]\n")
    project.apply()
    before = project.account.state()
    ended(project.run("undo", "2", "--yes"), 0, "keeps its name, because another one is called tag/One by now")
    assert project.account.state() == before


def test_what_stays_lost_is_listed_first(project: Project) -> None:
    """Before the plan: automations and mails that went out; then that the files still say otherwise."""
    project.write("tags: [VIP]\ncontacts: [{email: ann@example.com, tags: [VIP]}]\n")
    project.apply()
    result = project.run("undo", "1")
    said = ended(
        result, 3, "automations were started", "Your files still contain the change. Revert them too", "- tag/VIP"
    )
    assert said.index("allow contacts=1") >= 0
    assert result.out.index("automations were started") < result.out.index("- tag/VIP")
    assert "run 1" in result.out
    assert "the files" not in result.out.partition("- tag/VIP")[2]


def test_approvals_apply(project: Project) -> None:
    """Deleting people needs its word and the exact count; without a terminal nobody is asked."""
    project.write("contacts: [{email: ann@example.com}]\n")
    project.apply()
    before = project.account.state()
    ended(project.run("undo", "1", "--yes"), 3, "--allow contacts=1")
    ended(project.run("undo", "1", "--yes", "--allow", "contacts=2"), 3, "--allow contacts=1")
    ended(project.run("undo", "1", "--allow", "contacts=1"), 3, "without a terminal")
    assert project.account.state() == before


def test_only_what_the_run_touched(project: Project) -> None:
    """Drift elsewhere, edits of the files and other runs stay as they are."""
    project.write("tags: [One]\ncontacts: [{email: bob@example.com, first_name: Robert}]\n")
    project.apply()
    project.write("tags: [One, Two]\ncontacts: [{email: bob@example.com, first_name: Robert}]\n")
    project.apply()
    rename_person(project, "bob@example.com", first_name="Bobby")
    project.write("tags: [One, Two, Three]\n")
    undo(project, 2)
    state = project.account.state()
    assert sorted(state["tags"]) == ["Gold", "One"]
    assert state["contacts"][0]["fields"]["first_name"] == "Bobby"


def test_what_a_later_run_needs_stays(project: Project) -> None:
    """A tag that another run gave to somebody is not taken away; it says which run to undo first."""
    project.write("tags: [VIP]\n")
    project.apply()
    project.write("tags: [VIP]\ncontacts: [{email: bob@example.com, tags: [VIP]}]\n")
    project.apply()
    result = project.run("undo", "1", "--yes")
    ended(result, 0, "needs it; undo run 2 first", "Nothing is left to undo")
    undo(project, 2)
    undo(project, 1)
    assert project.account.state()["tags"] == ["Gold"]


def test_undo_of_an_undo(project: Project) -> None:
    """An undo is a run like any other."""
    project.write("tags: [VIP]\ncontacts: [{email: bob@example.com, first_name: Robert}]\n")
    project.apply()
    after = project.account.state()
    undo(project, 1)
    undo(project, 2)
    assert project.account.state() == after
    project.assert_converged()


def test_a_rename_after_the_run(project: Project) -> None:
    """What has another name by now is found by its id."""
    project.write("tags: [One]\n")
    project.apply()
    project.write("tags: [{name: Two, renamed_from: One}]\n")
    project.apply()
    undo(project, 1)
    assert project.account.state()["tags"] == ["Gold"]


def test_a_half_finished_run(project: Project) -> None:
    """What was done is undone; what was not is no matter."""
    before = project.account.state()
    project.write("tags: [One, Two, Three]\n")
    assert project.run("apply", "--yes", "--max-calls", "3", "--parallel", "1").code == 4
    undo(project, 1)
    assert project.account.state() == before


@pytest.mark.parametrize("args", [("9",), ("nine",)])
def test_bad_numbers(project: Project, args: tuple[str, ...]) -> None:
    """An unknown run names the known ones."""
    project.write("tags: [VIP]\n")
    project.apply()
    said = ended(project.run("undo", *args, "--yes"), 1)
    if args == ("9",):
        assert "there is no run 9; the ledger knows 1" in said


def test_a_ledger_without_runs(project: Project) -> None:
    """Said with and without a number."""
    with Store.open("sqlite:///.reconciler/ledger.db", root=project.folder):
        pass
    ended(project.run("undo", "--yes"), 1, "there is no run: this ledger has seen none yet")
    ended(project.run("undo", "5", "--yes"), 1, "there is no run 5: this ledger has seen none yet")


def test_without_a_ledger(project: Project) -> None:
    """There is nothing to undo, and none is made for it."""
    ended(project.run("undo", "1", "--yes"), 1, "no ledger yet")
    ended(project.run("undo", "1", "--yes", "--ledger", "none"), 1, "undo needs a ledger")
    assert not (project.folder / ".reconciler").exists()


def test_the_last_run_is_undone_without_a_number(project: Project) -> None:
    """The newest one that the ledger knows; without any run there is nothing to undo."""
    ended(project.run("undo", "--yes"), 1, "no run to undo")
    project.write("tags: [A]\n")
    project.apply()
    project.write("tags: [A, B]\n")
    project.apply()
    result = project.run("undo", "--yes", "--json")
    assert result.document["undoes"] == 2
    assert set(project.account.state()["tags"]) == {"Gold", "A"}


@pytest.mark.parametrize("carried_out", [True, False])
def test_killed_while_it_assigns_a_tag_again(tagged: Project, carried_out: bool) -> None:
    """The tag is there again, and the next undo assigns it to those who do not carry it yet."""
    before = tagged.account.state()
    delete_the_tag(tagged)
    bo = tagged.account.ids()["contacts"]["bo@example.com"]
    command = ["undo", "2", "--yes", "--parallel", "1"]
    killed(tagged, "POST", f"/api/contacts/{bo}/tags", *command, carried_out=carried_out)
    ended(tagged.run("undo", "2", "--yes"), 0)
    assert tagged.account.state() == before
    ended(tagged.run("undo", "2", "--yes"), 0)
    assert tagged.account.state() == before


def test_an_unknown_outcome_of_another_run_is_not_reported(project: Project) -> None:
    """Run 2 was killed while it created a tag: that is no part of run 1."""
    project.write("tags: [One]\n")
    project.apply()
    project.write("tags: [One, Two]\n")
    killed(project, "POST", "/api/tags", "apply", "--yes")
    said = ended(project.run("undo", "1", "--yes"), 0, "tag/One")
    assert "tag/Two" not in said
    assert "incomplete" not in said
