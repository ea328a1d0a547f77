"""What an apply writes: one call for each thing that has to change, in an order that works, and no read-back."""

from __future__ import annotations

from collections.abc import Callable

from tests.support.project import Project, requests_of

MakeProject = Callable[..., Project]

TEN_FIELDS = ", ".join(f"f{number}: v{number}" for number in range(8))
SLUGS = [{"slug": f"f{number}", "name": f"F {number}"} for number in range(8)]


def writes(project: Project) -> list[str]:
    return requests_of(project.account, writes=True)


def test_a_contact_with_ten_fields_is_one_post(make_project: MakeProject) -> None:
    """Names, locale and custom fields all travel in the body of the create."""
    project = make_project({"contact_fields": SLUGS})
    project.write(
        f"contacts: [{{email: a@example.com, first_name: A, last_name: B, locale: fr, fields: {{{TEN_FIELDS}}}}}]\n"
    )
    project.apply()
    assert writes(project) == ["POST /api/contacts"]
    (contact,) = project.account.state()["contacts"]
    assert len(contact["fields"]) == 10
    project.assert_converged()


def test_ten_changed_fields_are_one_patch(make_project: MakeProject) -> None:
    """One update for each resource, however many of its fields differ; it names only those."""
    seed = {"contact_fields": SLUGS, "contacts": [{"email": "a@example.com", "fields": {"f0": "v0", "f1": "x"}}]}
    project = make_project(seed)
    project.write(f"contacts: [{{email: a@example.com, first_name: A, locale: fr, fields: {{{TEN_FIELDS}}}}}]\n")
    project.apply()
    (sent,) = project.account.writes
    assert sent["method"] == "PATCH"
    assert {row["slug"] for row in sent["body"]["fields"]} == {
        "first_name",
        *(f"f{number}" for number in range(1, 8)),
    }
    project.assert_converged()


def test_a_rename_is_one_put(make_project: MakeProject) -> None:
    """Every contact keeps the tag; no tagging is touched."""
    people = [{"email": f"p{number}@example.com", "tags": ["Gold"]} for number in range(12)]
    project = make_project({"contacts": people})
    number = project.account.ids()["tags"]["Gold"]
    project.write("tags: [{name: Premium, renamed_from: Gold}]\n")
    project.apply()
    assert writes(project) == [f"PUT /api/tags/{number}"]
    assert all(each["tags"] == ["Premium"] for each in project.account.state()["contacts"])
    project.assert_converged()


def test_an_owned_rename_moves_its_taggings_without_calls(project: Project) -> None:
    """Our taggings go by the tag's new name; they are not made again."""
    project.write("tags: [Gold]\ncontacts: [{email: a@example.com, tags: [Gold]}]\n")
    project.apply()
    project.account.clear()
    project.write("tags: [{name: New, renamed_from: Gold}]\ncontacts: [{email: a@example.com, tags: [New]}]\n")
    project.apply()
    assert [line.split()[0] for line in writes(project)] == ["PUT"]
    project.assert_converged()


def test_two_that_swap_names_take_three_calls(project: Project) -> None:
    """A circle of renames goes through one temporary name."""
    project.write("tags: [A, B]\n")
    project.apply()
    project.write("tags: [{name: A, renamed_from: B}, {name: B, renamed_from: A}]\n")
    before = project.account.ids()["tags"]
    project.account.clear()
    project.apply()
    assert [line.split()[0] for line in writes(project)] == ["PUT"] * 3
    after = project.account.ids()["tags"]
    assert (after["A"], after["B"]) == (before["B"], before["A"])
    project.assert_converged()


def test_deleting_a_contact_sends_nothing_for_its_relations(make_project: MakeProject) -> None:
    """Taggings, enrollments and memberships go with the contact: one DELETE."""
    project = make_project({"courses": [{"name": "Yoga"}], "communities": [{"name": "Club"}]})
    project.write("prune: {contact: owned}\n", "reconciler.yaml")
    project.write("""
tags: [VIP, Late]
contacts:
  - {email: a@example.com, tags: [VIP, Late], courses: [Yoga]}
  - {email: b@example.com, tags: [VIP]}
memberships: [{community: Club, contacts: [a@example.com, b@example.com]}]
""")
    project.apply()
    number = project.account.ids()["contacts"]["a@example.com"]
    project.account.clear()
    project.write("""
tags: [VIP, Late]
contacts: [{email: b@example.com, tags: [VIP]}]
memberships: [{community: Club, contacts: [b@example.com]}]
""")
    project.apply("--allow", "contacts=1", "--allow", "deletes")
    assert writes(project) == [f"DELETE /api/contacts/{number}"]
    project.assert_converged()
    listed = project.run("ledger", "list", "--json").document["entries"]
    assert not [each for each in listed if "a@example.com" in each["address"]]


def test_deleting_a_tag_sends_no_untagging(project: Project) -> None:
    """The tag's taggings go with it."""
    people = "".join(f"  - {{email: p{number}@example.com, tags: [VIP, Old]}}\n" for number in range(3))
    project.write("tags: [VIP, Old]\ncontacts:\n" + people)
    project.apply()
    number = project.account.ids()["tags"]["Old"]
    project.account.clear()
    project.write("tags: [VIP]\ncontacts:\n" + people.replace(", Old", ""))
    project.apply("--allow", "deletes")
    assert writes(project) == [f"DELETE /api/tags/{number}"]
    project.assert_converged()


def test_an_id_made_in_this_run_is_never_read_back(make_project: MakeProject) -> None:
    """References to what is made now take its id from the answer: no GET after the first write but for arrivals."""
    project = make_project({"courses": [{"name": "Yoga", "modules": ["One"]}]})
    project.env["HOOK"] = "s3cret"
    project.write("""
tags: [VIP]
contact_fields: [{slug: shoe, name: Shoe}]
contacts:
  - {email: a@example.com, tags: [VIP], fields: {shoe: 1}, courses: [Yoga]}
  - {email: b@example.com, tags: [VIP]}
enrollments: [{contact: b@example.com, course: Yoga, access: partial_access, modules: [One]}]
webhooks: [{name: CRM, url: "https://crm.example.com/", secret: {env: HOOK}, events: [SALE_NEW]}]
""")
    project.apply()
    methods = [each["method"] for each in project.account.requests]
    first = next(index for index, method in enumerate(methods) if method != "GET")
    assert "GET" not in methods[first:]
    assert len(project.account.writes) == 1 + 1 + 2 + 2 + 2 + 1
    project.assert_converged()


def test_fields_and_webhooks_take_one_call_each(project: Project) -> None:
    """Create, update and delete of a field or a webhook are single calls; the update repeats name and secret."""
    project.env["HOOK"] = "s3cret"
    hook = "webhooks: [{{name: CRM, url: 'https://crm.example.com/', secret: {{env: HOOK}}, events: [{}]}}]\n"
    project.write("contact_fields: [{slug: shoe, name: Shoe}]\n" + hook.format("SALE_NEW"))
    project.apply()
    assert writes(project) == ["POST /api/contact_fields", "POST /api/webhooks"]
    project.account.clear()
    project.write("contact_fields: [{slug: shoe, name: Size}]\n" + hook.format("SALE_NEW, CONTACT_CREATED"))
    project.apply()
    assert [line.split("/api/")[0] for line in writes(project)] == ["PATCH ", "PATCH "]
    body = project.account.writes[1]["body"]
    assert body == {"name": "CRM", "secret": "s3cret", "subscriptions": ["CONTACT_CREATED", "SALE_NEW"]}
    project.account.clear()
    project.write("contact_fields: []\nwebhooks: []\n")
    project.apply("--allow", "deletes")
    assert sorted(line.split()[0] for line in writes(project)) == ["DELETE", "DELETE"]
    project.assert_converged()


def test_a_second_apply_writes_nothing(make_project: MakeProject) -> None:
    """After an apply there is nothing left to do, and the ledger does not change either."""
    project = make_project({"communities": [{"name": "Club"}]})
    project.write(
        "contacts: [{email: a@example.com, tags: [VIP]}]\ntags: [VIP]\n"
        "memberships: [{community: Club, contact: a@example.com}]\n"
    )
    first = project.apply()
    project.account.clear()
    second = project.apply()
    assert project.account.writes == []
    assert second["calls"] == {"reads": 4, "writes": 0}
    assert second["outcomes"] == []
    assert second["base"]["serial"] == project.plan()["base"]["serial"]
    assert second["base"]["serial"] > first["base"]["serial"]


def test_memberships_are_settled_by_one_filtered_list_for_each_community(make_project: MakeProject) -> None:
    """After the last write, one list filtered by community for each of them, however many people joined."""
    people = [{"email": f"p{number}@example.com"} for number in range(5)]
    project = make_project({"communities": [{"name": "Club"}, {"name": "Den"}], "contacts": people})
    everybody = ", ".join(each["email"] for each in people)
    project.write(
        f"memberships:\n  - {{community: Club, contacts: [{everybody}]}}\n"
        f"  - {{community: Den, contacts: [{everybody}]}}\n"
    )
    report = project.apply()
    log = requests_of(project.account)
    last = max(index for index, line in enumerate(log) if line.startswith("POST"))
    numbers = project.account.ids()["communities"]
    wanted = {f"GET /api/community/memberships?limit=100&community={number}" for number in numbers.values()}
    assert set(log[last + 1 :]) == wanted
    assert len(log[last + 1 :]) == 2
    assert {each["status"] for each in report["outcomes"]} == {"done"}
    assert len(project.account.writes) == 10
    project.assert_converged()


def test_a_contact_that_is_let_go_sends_nothing(project: Project) -> None:
    """With pruning off a contact that leaves the files is forgotten with its sugar relations."""
    project.write("tags: [VIP]\ncontacts: [{email: a@example.com, tags: [VIP]}]\n")
    project.apply()
    project.account.clear()
    project.write("tags: [VIP]\ncontacts: []\n")
    project.apply()
    assert project.account.writes == []
    assert project.account.state()["contacts"][0]["tags"] == ["VIP"]
    project.assert_converged()


def test_writes_follow_their_needs(make_project: MakeProject) -> None:
    """Webhooks last, taggings after both of their ends; one contact's writes one at a time."""
    project = make_project()
    project.env["HOOK"] = "s3cret"
    project.write("""
webhooks: [{name: CRM, url: "https://crm.example.com/", secret: {env: HOOK}, events: [CONTACT_CREATED]}]
contacts:
  - {email: a@example.com, tags: [T1, T2, T3]}
tags: [T1, T2, T3]
""")
    project.apply("--parallel", "8")
    log = writes(project)
    assert log[-1] == "POST /api/webhooks"
    tagging = [index for index, line in enumerate(log) if line.endswith("/tags") and "contacts" in line]
    assert len(tagging) == 3
    assert min(tagging) > log.index("POST /api/contacts")
