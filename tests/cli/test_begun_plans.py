"""A saved plan that a run has begun: the same command again does the rest of it, and nothing else."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.cli.support import ended
from tests.support.hands import delete_tag, rename_person
from tests.support.hooks import killed
from tests.support.project import Project

FIRST = "tags: [Gold, Old]\ncontacts: [{email: bob@example.com, first_name: Bob}]\n"
SECOND = """\
tags: [{name: Premium, renamed_from: Gold}, New, Other]
contacts:
  - {email: bob@example.com, first_name: Robert, tags: [New]}
  - {email: ann@example.com, tags: [Premium]}
"""


@pytest.fixture
def saved(project: Project) -> Project:
    """A project with a plan of creations, an update, a rename and a deletion."""
    project.write(FIRST)
    project.apply()
    project.write(SECOND)
    ended(project.run("plan", "--out", "plan.json"), 0)
    project.account.clear()
    return project


def again(project: Project, *args: str) -> int:
    return project.run("apply", "--plan", "plan.json", "--yes", "--parallel", "1", "--allow", "deletes", *args).code


@pytest.mark.parametrize("calls", range(3, 10))
def test_the_same_command_does_the_rest(saved: Project, calls: int) -> None:
    """Stopped after any number of calls: exit 4, then 0; every write is sent once."""
    assert again(saved, "--max-calls", str(calls)) == 4
    assert again(saved) == 0
    writes = [f"{each['method']} {each['path']} {each['body']}" for each in saved.account.writes]
    assert len(writes) == len(set(writes)) == 8
    saved.assert_converged()


def test_step_by_step(saved: Project) -> None:
    """One write at a time: each run rests on all before it."""
    codes = []
    while not codes or codes[-1] == 4:
        codes.append(again(saved, "--max-calls", "4"))
        assert len(codes) < 12
    assert codes[-1] == 0
    assert len(saved.account.writes) == 8


def test_what_somebody_else_did_is_stale(saved: Project) -> None:
    """What is so without that run, or no longer so, is no part of the rest."""
    assert again(saved, "--max-calls", "5") == 4
    done = saved.account.state()["tags"]
    missing = next(name for name in ("Other", "New") if name not in done)
    saved.account.edit("POST", "/api/tags", {"name": missing})
    said = ended(saved.run("apply", "--plan", "plan.json", "--yes", "--allow", "deletes"), 3, "the plan is stale")
    assert f"tag/{missing}: was create, is now adopt" in said


def test_what_the_run_made_and_somebody_deleted(saved: Project) -> None:
    """It would be made again: that is what was planned."""
    assert again(saved, "--max-calls", "8") == 4
    name = next(name for name in ("Other", "New") if name in saved.account.state()["tags"])
    delete_tag(saved, name)
    assert again(saved) == 0
    assert name in saved.account.state()["tags"]


def test_a_finished_plan_is_stale(saved: Project) -> None:
    """What was carried out to its end is not carried out again."""
    assert again(saved) == 0
    ended(saved.run("apply", "--plan", "plan.json", "--yes"), 3, "the plan is stale")


def test_a_plan_of_another_time_is_not_helped_by_a_run(saved: Project) -> None:
    """Only runs of this very plan count."""
    assert again(saved, "--max-calls", "5") == 4
    saved.write(SECOND.replace("Other]", "Other, More]"))
    ended(saved.run("apply", "--yes", "--allow", "deletes"), 0)
    said = ended(saved.run("apply", "--plan", "plan.json", "--yes", "--allow", "deletes"), 3, "the plan is stale")
    assert "tag/More: not in the plan" in said


def test_an_edit_of_what_the_run_made_is_stale(saved: Project) -> None:
    """What the run did and somebody changed since is named; nothing of the rest is done."""
    assert again(saved, "--max-calls", "9") == 4
    rename_person(saved, "bob@example.com", first_name="Rob")
    writes = len(saved.account.writes)
    said = ended(saved.run("apply", "--plan", "plan.json", "--yes", "--allow", "deletes"), 3, "the plan is stale")
    assert "contact/bob@example.com: first_name changed" in said
    assert len(saved.account.writes) == writes


def test_another_name_for_what_the_run_renamed_is_stale(saved: Project) -> None:
    """The run renamed the tag, and somebody has given it a third name since: the rename is not made once more."""
    assert again(saved, "--max-calls", "9") == 4
    number = saved.account.ids()["tags"]["Premium"]
    saved.account.edit("PUT", f"/api/tags/{number}", {"name": "Platinum"})
    writes = len(saved.account.writes)
    said = ended(saved.run("apply", "--plan", "plan.json", "--yes", "--allow", "deletes"), 3, "the plan is stale")
    assert "name changed in the account" in said
    assert len(saved.account.writes) == writes


HOOK = "{name: CRM, url: 'https://%s.example.com/', secret: {env: HUSH}, events: [%s]}"
SCHOOL = {
    "contacts": [{"email": "ann@example.com"}],
    "courses": [{"id": 71, "name": "Launch"}],
    "subscriptions": [{"id": 7, "contact": "ann@example.com", "plan": "Monthly"}],
}
#: before, after, the request after which the run is killed, and further flags.
KILLS = {
    "a webhook is replaced": (
        f"webhooks: [{HOOK % ('one', 'SALE_NEW')}]",
        f"webhooks: [{HOOK % ('two', 'SALE_NEW')}]",
        ("POST", "/api/webhooks"),
        (),
    ),
    "a webhook is replaced and was dropped": (
        f"webhooks: [{HOOK % ('one', 'SALE_NEW')}]",
        f"webhooks: [{HOOK % ('two', 'SALE_NEW')}]",
        ("DELETE", "/api/webhooks/.*"),
        (),
    ),
    "a webhook is replaced, the new one first": (
        f"webhooks: [{HOOK % ('one', 'SALE_NEW')}]",
        f"webhooks: [{HOOK % ('two', 'SALE_NEW')}]".replace("]}]", "], lifecycle: {create_before_destroy: true}}]"),
        ("PATCH", "/api/webhooks/.*"),
        (),
    ),
    "a tag is deleted": ("tags: [A, B]", "tags: [A]", ("DELETE", "/api/tags/.*"), ()),
    "a webhook is replaced, the old one dropped last": (
        f"webhooks: [{HOOK % ('one', 'SALE_NEW')}]",
        f"webhooks: [{HOOK % ('two', 'SALE_NEW')}]".replace("]}]", "], lifecycle: {create_before_destroy: true}}]"),
        ("DELETE", "/api/webhooks/.*"),
        (),
    ),
    "a webhook gets events and another secret": (
        f"webhooks: [{HOOK % ('one', 'SALE_NEW')}]",
        f"webhooks: [{HOOK % ('one', 'SALE_CANCELED')}]",
        ("PATCH", "/api/webhooks/.*"),
        (),
    ),
    "a webhook is made": (
        "tags: [A]",
        f"tags: [A]\nwebhooks: [{HOOK % ('one', 'SALE_NEW')}]",
        ("POST", "/api/webhooks"),
        (),
    ),
    "an enrollment is replaced": (
        "enrollments: [{contact: ann@example.com, course: Launch, access: full_access}]",
        "enrollments: [{contact: ann@example.com, course: Launch, access: dripping_content}]",
        ("POST", "/api/school/.*"),
        (),
    ),
    "a subscription is cancelled": (
        "tags: [A]",
        "tags: [A]\nsubscriptions: [{contact: ann@example.com, plan: Monthly, state: cancelled, when: now}]",
        ("POST", "/api/payment/.*"),
        ("--allow", "cancel=1"),
    ),
    "a contact is patched": (
        "contacts: [{email: ann@example.com, first_name: Ann}]",
        "contacts: [{email: ann@example.com, first_name: Anne}]",
        ("PATCH", "/api/contacts/.*"),
        (),
    ),
}


#: Those whose plan file holds no secret and no person, and yet has to be known again.
REDACTED = ("a webhook gets events and another secret", "a webhook is replaced", "a contact is patched")


@pytest.mark.parametrize(
    ("case", "signed"), [(case, ()) for case in KILLS] + [(case, ("--redact",)) for case in REDACTED]
)
def test_killed_between_answer_and_record(
    make_project: Callable[..., Project], case: str, signed: tuple[str, ...]
) -> None:
    """The same command finishes; nothing is done twice that cannot be."""
    first, second, (method, path), flags = KILLS[case]
    project = make_project(SCHOOL)
    project.env |= {"HUSH": "s3cret", "RECONCILER_LEDGER_KEY": "a key of the team"}
    project.write(first)
    project.apply()
    project.write(second)
    if "another secret" in case:
        project.env["HUSH"] = "r0tated"
    ended(project.run(*signed, "plan", "--out", "plan.json"), 0)
    project.account.clear()
    given = ("apply", "--plan", "plan.json", "--yes", *flags)
    killed(project, method, path, *given)
    ended(project.run(*given), 0)
    posts = [each["path"] for each in project.account.writes if each["method"] == "POST"]
    assert len(posts) <= 1
    project.assert_converged()


def test_a_replaced_one_that_somebody_else_dropped_is_stale(project: Project) -> None:
    """The run had not come to it: who deleted it may have had a reason."""
    project.env |= {"HUSH": "s3cret"}
    project.write(f"tags: [A]\nwebhooks: [{HOOK % ('one', 'SALE_NEW')}]")
    project.apply()
    project.write(f"tags: [A, B, C]\nwebhooks: [{HOOK % ('two', 'SALE_NEW')}]")
    ended(project.run("plan", "--out", "plan.json"), 0)
    assert again(project, "--max-calls", str(project.plan()["calls"]["reads"])) == 4
    project.account.edit("DELETE", f"/api/webhooks/{project.account.ids()['webhooks']['CRM']}")
    project.account.clear()
    ended(project.run("apply", "--plan", "plan.json", "--yes"), 3, "webhook/CRM: was replace, is now create")
    assert project.account.writes == []


def test_exact_counts_are_those_of_the_plan_as_reviewed(project: Project) -> None:
    """A job whose command line is fixed gets through; a count that is neither that nor the rest's does not."""
    people = [f"p{n}@example.com" for n in range(4)]
    project.write("prune: {contact: created}\n", "reconciler.yaml")
    project.write("contacts: [" + ", ".join(f"{{email: {each}}}" for each in people) + "]")
    project.apply()
    project.write("contacts: []")
    ended(project.run("plan", "--out", "plan.json"), 0)
    job = ("apply", "--plan", "plan.json", "--yes", "--allow", "contacts=4", "--parallel", "1")
    calls = project.plan()["calls"]["reads"] + 1
    ended(project.run(*job, "--max-calls", str(calls)), 4)
    assert len(project.account.state()["contacts"]) == 3
    for wrong in ("2", "5"):
        ended(project.run("apply", "--plan", "plan.json", "--yes", "--allow", f"contacts={wrong}"), 3, "contacts=3")
    ended(project.run("apply", "--yes", "--allow", "contacts=4"), 3, "contacts=3")
    ended(project.run(*job), 0)
    assert project.account.state()["contacts"] == []


def test_the_first_apply_of_a_plan_without_a_key_goes_on(project: Project) -> None:
    """The ledger, and with it a key, came with the run itself; it knows the plan that it began."""
    project.write(SECOND.replace("{name: Premium, renamed_from: Gold}", "Premium"))
    ended(project.run("plan", "--out", "plan.json"), 0, "only a checksum")
    assert again(project, "--max-calls", "6") == 4
    assert again(project) == 0
    project.assert_converged()
    assert again(project) == 3


def test_a_membership_that_was_accepted_is_no_part_of_the_rest(make_project: Callable[..., Project]) -> None:
    """It does not show yet; the same command sends what is left, and no second membership."""
    seed = {"communities": [{"name": "Insiders"}], "contacts": [{"email": "ann@example.com"}]}
    project = make_project(seed, membership_delay=1000)
    project.write("tags: [A, B]\nmemberships: [{community: Insiders, contact: ann@example.com}]\n")
    ended(project.run("plan", "--out", "plan.json"), 0)
    project.account.clear()
    codes = [again(project, "--max-calls", "8")]
    while codes[-1] == 4 and len(codes) < 9:
        codes.append(again(project, "--max-calls", "8"))
    assert codes[-1] == 0, codes
    sent = [each["path"].rpartition("/")[2] for each in project.account.writes]
    assert sorted(sent) == ["memberships", "tags", "tags"]


def test_what_the_run_let_go_and_adopted_is_no_part_of_the_rest(saved: Project) -> None:
    """The ledger changes before the first call: a contact that is no longer managed, a tag that is."""
    saved.account.edit("POST", "/api/tags", {"name": "Lead"})
    saved.write(SECOND.replace("Other]", "Other, Lead]").replace("bob@", "bert@"))
    ended(saved.run("plan", "--out", "plan.json"), 0)
    assert again(saved, "--max-calls", "4") == 4
    assert again(saved) == 0
    saved.assert_converged()


def test_what_another_run_did_is_stale(saved: Project) -> None:
    """Applied by another command in between, or let go: no part of this plan's own work."""
    assert again(saved, "--max-calls", str(saved.plan()["calls"]["reads"])) == 4
    ended(saved.run("ledger", "forget", "tag/Old", "--yes"), 0)
    ended(saved.run("apply", "--yes", "--target", "contact/bob@example.com", "--target", "tag/Other"), 0)
    said = ended(saved.run("apply", "--plan", "plan.json", "--yes", "--allow", "deletes"), 3, "the plan is stale")
    assert "tag/Old: no longer there" in said
    assert "tag/Other: was create, is now no change" in said
    assert "contact/bob@example.com: was update, is now no change" in said


def test_what_another_run_adopted_and_wrote_is_stale(saved: Project) -> None:
    """Its values were to be written by this plan."""
    saved.account.seed({"contacts": [{"email": "cid@example.com"}]})
    saved.write(SECOND + "  - {email: cid@example.com, first_name: Cid}\n")
    ended(saved.run("plan", "--out", "plan.json"), 0)
    assert again(saved, "--max-calls", "3") == 4
    ended(saved.run("apply", "--yes", "--target", "contact/cid@example.com"), 0)
    ended(
        saved.run("apply", "--plan", "plan.json", "--yes"), 3, "contact/cid@example.com: was adopt, is now no change"
    )


def test_another_value_for_what_the_run_wrote_is_stale(saved: Project) -> None:
    """The files declare something else by now, and other commands have applied it."""
    assert again(saved, "--max-calls", "9") == 4
    saved.write(SECOND.replace("Robert", "Rob"))
    ended(saved.run("apply", "--yes", "--target", "contact/bob@example.com"), 0)
    ended(
        saved.run("apply", "--plan", "plan.json", "--yes"), 3, "contact/bob@example.com: was update, is now no change"
    )


def test_another_value_for_what_a_killed_run_created_is_stale(project: Project) -> None:
    """The contact may be the one that the run created; the name is somebody else's."""
    project.write("contacts: [{email: ann@example.com, first_name: Ann}]")
    ended(project.run("plan", "--out", "plan.json"), 0)
    killed(project, "POST", "/api/contacts", "apply", "--plan", "plan.json", "--yes")
    rename_person(project, "ann@example.com", first_name="Anna")
    ended(project.run("apply", "--plan", "plan.json", "--yes"), 3, "contact/ann@example.com: was create, is now")


@pytest.fixture
def leaving(project: Project) -> Project:
    """A plan that deletes a contact together with a tag and a field, and renames another tag of theirs."""
    project.write("prune: {contact: created}\nlimits: {deletes: 100}\n", "reconciler.yaml")
    fields = "contact_fields: [{slug: shoe, name: Shoe}]\n"
    project.write(
        f"{fields}tags: [Old, Kept]\ncontacts: [{{email: ann@example.com, first_name: Ann, tags: [Old, Kept]}}]\n"
    )
    project.apply()
    rename_person(project, "ann@example.com", shoe="38")
    project.write("contact_fields: []\ntags: [{name: Keep, renamed_from: Kept}]\n")
    ended(project.run("plan", "--out", "plan.json"), 0)
    project.account.fault("status", method="DELETE", path="^/api/contacts/", status=500, times=None)
    ended(project.run(*LEAVING), 4)
    project.account.set_faults([])
    state = project.account.state()
    assert (state["tags"], state["contact_fields"]) == (["Keep"], [])
    return project


LEAVING = ("apply", "--plan", "plan.json", "--yes", "--allow", "contacts=1", "--allow", "deletes")


def test_a_contact_lost_what_the_run_deleted(leaving: Project) -> None:
    """The tag and the value that are gone by the run itself are no difference."""
    ended(leaving.run(*LEAVING), 0)
    assert leaving.account.state()["contacts"] == []


def test_a_contact_that_somebody_else_changed_is_stale(leaving: Project) -> None:
    """A value or a tag that is not the run's own work: who changed it may have had a reason."""
    number = leaving.account.ids()["contacts"]["ann@example.com"]
    rename_person(leaving, "ann@example.com", first_name="Anna")
    ended(leaving.run(*LEAVING), 3, "contact/ann@example.com", "first_name changed in the account")
    rename_person(leaving, "ann@example.com", first_name="Ann")
    leaving.account.edit("DELETE", f"/api/contacts/{number}/tags/{leaving.account.ids()['tags']['Keep']}")
    ended(leaving.run(*LEAVING), 3, "contact/ann@example.com", "no longer has tag/Keep")


@pytest.fixture
def hooked(project: Project) -> Project:
    """A plan that replaces a webhook and was begun, though nothing is done yet."""
    project.env |= {"HUSH": "s3cret"}
    project.write("prune: {webhook: all}\n", "reconciler.yaml")
    project.write(f"tags: [A]\nwebhooks: [{HOOK % ('one', 'SALE_NEW')}]")
    project.apply()
    first = HOOK % ("two", "SALE_NEW")
    project.write(
        f"tags: [A, B, C]\nwebhooks: [{first.replace(']}', '], lifecycle: {create_before_destroy: true}}')}]"
    )
    ended(project.run("plan", "--out", "plan.json"), 0)
    assert again(project, "--max-calls", str(project.plan()["calls"]["reads"])) == 4
    return project


def test_the_old_one_that_is_left_to_delete(hooked: Project) -> None:
    """Created first, deleted last: the one that is left has an address of its own, and belongs to the plan."""
    assert again(hooked, "--max-calls", str(hooked.plan()["calls"]["reads"] + 4)) == 4
    left = [each["address"] for each in hooked.plan()["changes"] if each["action"] == "delete"]
    assert len(left) == 1
    assert left[0].startswith("webhook/#")
    assert again(hooked) == 0
    hooked.assert_converged()


def test_another_name_of_what_is_to_be_replaced_is_stale(hooked: Project) -> None:
    """Only the temporary name that the run itself gives is no difference."""
    number = hooked.account.ids()["webhooks"]["CRM"]
    hooked.account.edit("PATCH", f"/api/webhooks/{number}", {"name": "Sales", "secret": "s3cret"})
    ended(hooked.run("apply", "--plan", "plan.json", "--yes"), 3, "webhook/CRM: name changed in the account")


def test_a_new_one_to_delete_is_stale(hooked: Project) -> None:
    """It came after the plan, and pruning deletes all that is not declared."""
    hook = {"name": "Late", "url": "https://late.example.com/", "secret": "s", "subscriptions": ["SALE_NEW"]}
    hooked.account.edit("POST", "/api/webhooks", hook)
    ended(hooked.run("apply", "--plan", "plan.json", "--yes"), 3, "webhook/Late: not in the plan")


def test_another_replacement_than_planned_is_stale(project: Project) -> None:
    """The old one is deleted, and the files want a third one by now."""
    project.env |= {"HUSH": "s3cret"}
    project.write(f"webhooks: [{HOOK % ('one', 'SALE_NEW')}]")
    project.apply()
    project.write(f"webhooks: [{HOOK % ('two', 'SALE_NEW')}]")
    ended(project.run("plan", "--out", "plan.json"), 0)
    killed(project, "DELETE", "/api/webhooks/.*", "apply", "--plan", "plan.json", "--yes")
    project.write(f"webhooks: [{HOOK % ('three', 'SALE_NEW')}]")
    ended(project.run("apply", "--plan", "plan.json", "--yes"), 3, "webhook/CRM: was replace, is now create")


def test_what_another_run_announced_is_stale(project: Project) -> None:
    """Run 1 was killed before its write was carried out; the plan was begun by run 2, which did not come to that."""
    project.write("tags: [X]\n")
    killed(project, "POST", "/api/tags", "apply", "--yes", carried_out=False)
    project.account.set_faults([])
    project.write("tags: [A, X]\n")
    ended(project.run("plan", "--out", "plan.json"), 0)
    assert again(project, "--max-calls", "2") == 4
    assert project.account.state()["tags"] == ["A"]
    project.account.edit("POST", "/api/tags", {"name": "X"})
    ended(project.run("apply", "--plan", "plan.json", "--yes"), 3, "tag/X: was create, is now adopt")
