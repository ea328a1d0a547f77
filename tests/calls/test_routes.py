"""A small file on a large account: single look-ups, filtered lists or walks, by what they cost."""

from __future__ import annotations

from tests.support.project import requests_of

TEN = "\n".join(f"  - {{email: p{n}@example.com, first_name: P{n}}}" for n in range(10))


def crowd(number: int) -> dict[str, object]:
    """An account with many contacts that no file names."""
    return {"contacts": [{"email": f"p{n}@example.com", "fields": {"first_name": f"P{n}"}} for n in range(number)]}


def test_few_of_many_are_looked_up_one_by_one(make_project) -> None:
    """Once the ledger knows the size, three declared of 500 cost three calls, and the plan says so."""
    project = make_project(crowd(500))
    project.write("contacts:\n" + "\n".join(TEN.splitlines()[:3]) + "\n")
    project.apply("--refresh", "full")
    project.account.clear()
    document = project.plan("--detailed-exitcode")
    assert sorted(requests_of(project.account)) == [f"GET /api/contacts/{n}" for n in (1000001, 1000002, 1000003)]
    assert (document["summary"]["no_change"], document["calls"]["reads"]) == (3, 3)
    assert document["routes"] == {"contact": "looked up one by one: 3 calls instead of about 5 pages"}


def test_a_walk_is_taken_where_it_is_cheaper(make_project) -> None:
    """Ten declared of 500 are five pages, and five calls."""
    project = make_project(crowd(500))
    project.write("contacts:\n" + TEN + "\n")
    project.apply()
    project.account.clear()
    assert project.plan()["calls"]["reads"] == 5
    assert all(line.startswith("GET /api/contacts?limit=100") for line in requests_of(project.account))


def test_a_new_one_is_looked_up_by_its_address(make_project) -> None:
    """What the ledger does not know yet is asked for by its natural key."""
    project = make_project(crowd(500))
    project.write("contacts:\n  - {email: p0@example.com}\n")
    project.apply("--refresh", "full")
    project.write(
        "contacts:\n  - {email: p0@example.com}\n  - {email: p9@example.com}\n  - {email: new@example.com}\n"
    )
    project.account.clear()
    document = project.plan()
    assert document["calls"]["reads"] == 3
    assert [(c["address"], c["action"]) for c in document["changes"]] == [
        ("contact/new@example.com", "create"),
        ("contact/p0@example.com", "no_change"),
        ("contact/p9@example.com", "adopt"),
    ]
    project.apply()
    project.assert_converged()


def test_one_with_its_id_is_looked_up_once(make_project) -> None:
    """By the id, though a relation refers to it by its address."""
    project = make_project(crowd(300))
    project.write("contacts:\n  - {email: p0@example.com}\n")
    project.apply("--refresh", "full")
    project.write(
        "tags: [A]\ncontacts:\n  - {email: p0@example.com}\n  - {email: p1@example.com, id: 1000002, tags: [A]}\n"
    )
    project.account.clear()
    project.plan()
    looks = [line for line in requests_of(project.account) if "contacts" in line]
    assert sorted(looks) == [f"GET /api/contacts/{number}" for number in (1000001, 1000002)]


def test_one_that_came_back_under_another_id_is_found(make_project) -> None:
    """A look-up by id that finds nothing is followed by one by key."""
    project = make_project(crowd(500))
    project.write("contacts:\n  - {email: p0@example.com}\n")
    project.apply()
    project.account.edit("DELETE", "/api/contacts/1000001")
    project.account.edit("POST", "/api/contacts", {"email": "p0@example.com"})
    document = project.plan()
    assert [(c["address"], c["action"]) for c in document["changes"]] == [("contact/p0@example.com", "adopt")]
    assert document["calls"]["reads"] == 2


def test_members_of_one_course_are_read_by_course(make_project) -> None:
    """Enrollments of a course that is named are listed with its filter, not with everybody else's."""
    people = [f"p{n}@example.com" for n in range(120)]
    seed = {
        "contacts": [{"email": each} for each in people],
        "courses": [{"name": "Big", "modules": ["M"]}, {"name": "Small", "modules": ["M"]}],
        "enrollments": [
            {"contact": each, "course": course, "access": "full_access"}
            for each in people
            for course in ("Big", "Small")
        ],
    }
    project = make_project(seed)
    names = ", ".join(people[:110])
    project.write(f"enrollments:\n  - {{course: Small, access: full_access, contacts: [{names}]}}\n")
    project.apply()
    project.account.clear()
    project.plan()
    course = next(each for each in requests_of(project.account) if "enrollments" in each)
    assert "course=" in course and "contact=" not in course
    assert sum("enrollments" in each for each in requests_of(project.account)) == 2


def test_a_walk_ends_when_all_were_found(make_project) -> None:
    """No two contacts have one address, so pages after the last one that is sought tell nothing new."""
    project = make_project(crowd(500))
    newest = "\n".join(f"  - {{email: p{n}@example.com}}" for n in range(250, 500))
    project.write("contacts:\n" + newest + "\n")
    document = project.plan()
    assert document["calls"]["reads"] == 3
    told = "walked until all were found: 3 pages instead of pages of unknown number"
    assert document["routes"] == {"contact": told}
    assert document["unmanaged"] == {"contact": 50}
    project.apply()
    project.assert_converged()


def test_one_with_a_handle_is_found_on_the_last_page(make_project) -> None:
    """Nothing looks it up by its handle, so the walk does not end when all others were found."""
    project = make_project(crowd(250))
    newest = "".join(f"  - {{email: p{n}@example.com}}\n" for n in range(200, 250))
    project.write("contacts:\n" + newest + "  - {email: p0@example.com, handle: first}\n")
    document = project.plan()
    assert {change["action"] for change in document["changes"]} == {"adopt"}
    assert document["calls"]["reads"] == 3


def test_three_that_the_first_page_lacks_are_looked_up(make_project) -> None:
    """One page and three look-ups are fewer calls than the five pages that there are."""
    project = make_project(crowd(500))
    some = "".join(f"  - {{email: p{n}@example.com}}\n" for n in (0, 1, 2, *range(400, 500)))
    project.write("contacts:\n" + some)
    project.apply("--refresh", "full")
    assert project.plan()["calls"]["reads"] == 4


def test_an_account_that_is_all_ours_is_walked_whole(make_project) -> None:
    """The one that is left after three full pages is found on the fourth, which also says that it is the last."""
    project = make_project(crowd(301))
    project.write("contacts:\n" + "\n".join(f"  - {{email: p{n}@example.com}}" for n in range(301)) + "\n")
    for _ in range(2):
        document = project.plan()
        assert (document["calls"]["reads"], document["routes"]) == (4, {})
        project.apply()


def test_a_walk_whose_pages_hold_little_gives_way_to_look_ups(make_project) -> None:
    """Where nobody knows how many there are, the calls come to twice what the better way takes at most."""
    project = make_project(crowd(1500))
    project.write("contacts:\n" + TEN.replace("p0@", "nobody@") + "\n")
    document = project.plan()
    assert document["calls"]["reads"] == 10 + 10
    assert document["routes"] == {
        "contact": "10 pages walked, the rest looked up: 10 calls instead of pages of unknown number in all"
    }
    project.apply()
    project.account.clear()
    document = project.plan()
    assert document["calls"]["reads"] == 10
    assert {c["action"] for c in document["changes"]} == {"no_change"}


def test_the_rest_is_looked_up_as_soon_as_that_is_cheaper(make_project) -> None:
    """Where the size is known: after the first page three are left, and seven pages."""
    project = make_project(crowd(800))
    project.write("contacts:\n  - {email: p0@example.com}\n")
    project.apply("--refresh", "full")
    named = (0, 1, 2, *range(700, 800))
    project.write("contacts:\n" + "".join(f"  - {{email: p{n}@example.com}}\n" for n in named))
    told = "1 page walked, the rest looked up: 3 calls instead of about 8 pages in all"
    assert project.plan()["routes"] == {"contact": told}


def test_what_may_have_two_of_a_name_is_walked_to_its_end(make_project) -> None:
    """A second tag of the name that is needed may stand on the last page."""
    project = make_project({"tags": [*(f"T{n}" for n in range(250)), "T249"]})
    project.write("tags: [T249]\n")
    result = project.run("plan")
    assert result.code == 1
    assert "the account has 2 named" in result.err
    assert len(requests_of(project.account)) == 3


def test_what_is_counted_of_some_is_what_there_is_at_least(make_project) -> None:
    """Those who keep a tag under another name; those who lose one, or a value, are counted in the account."""
    people = {"contacts": [{"email": f"p{n}@example.com", "fields": {"f": "x"}, "tags": ["A"]} for n in range(300)]}
    project = make_project({"contact_fields": [{"slug": "f", "name": "F"}], "tags": ["A"], **people})
    ours = "contacts:\n  - {email: p0@example.com, fields: {f: x}, tags: [%s]}\n"
    project.write("tags: [A]\ncontact_fields: [{slug: f, name: F}]\n" + ours % "A")
    project.write("prune: {tag: owned, contact_field: owned}\n", "reconciler.yaml")
    project.apply("--refresh", "full")
    project.write("tags: []\ncontact_fields: []\ncontacts: [{email: p0@example.com}]\n")
    all_of_them = {"people": 300, "unmanaged": 299, "least": False}
    some = {"people": 1, "unmanaged": 0, "least": True}
    for mode, loss in (("auto", all_of_them), ("full", all_of_them), ("none", some)):
        losses = {change["address"]: change["loss"] for change in project.plan("--refresh", mode)["changes"]}
        assert (losses["tag/A"], losses["contact_field/f"]) == (loss, loss)
    project.write("tags: [{name: AA, renamed_from: A}]\ncontact_fields: [{slug: f, name: F}]\n" + ours % "AA")
    (renamed,) = (c for c in project.plan()["changes"] if c["address"] == "tag/AA")
    assert renamed["note"].endswith("at least 1 contact keeps it")


def test_refresh_full_walks_everything(make_project) -> None:
    """``--refresh full`` counts the unmanaged ones too."""
    project = make_project(crowd(250))
    project.write("contacts:\n  - {email: p0@example.com}\n")
    project.apply()
    document = project.plan("--refresh", "full")
    assert (document["calls"]["reads"], document["unmanaged"], document["routes"]) == (3, {"contact": 249}, {})


def test_refresh_none_sends_nothing(make_project) -> None:
    """``plan --refresh none`` rests on the ledger alone, says so, and is not for apply."""
    project = make_project()
    project.write("tags: [VIP]\ncontacts:\n  - {email: a@example.com, first_name: A, tags: [VIP]}\n")
    project.apply()
    project.account.clear()
    project.plan("--refresh", "none", "--detailed-exitcode")
    project.write("tags: [VIP]\ncontacts:\n  - {email: a@example.com, first_name: B, tags: [VIP]}\n")
    document = project.plan("--refresh", "none")
    assert [c["address"] for c in document["changes"] if c["action"] == "update"] == ["contact/a@example.com"]
    assert document["routes"] == {"account": "not read; this plan uses only the ledger"}
    assert requests_of(project.account) == []
    assert project.run("apply", "--refresh", "none", "--yes").code == 1
