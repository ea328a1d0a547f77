"""References that lead nowhere: one error for each place that has to be corrected, with the name that is meant."""

from __future__ import annotations

import pytest

from tests.cli.support import ended
from tests.support.project import Project

SEED = {
    "tags": ["VIP"],
    "contact_fields": [{"slug": "shoe", "name": "Shoe"}],
    "courses": [
        {"name": "Yoga", "modules": ["One", "Two"]},
        {"name": "Pilates", "modules": ["Three"]},
        {"name": "Chi", "id": 31},
        {"name": "Chi", "id": 32},
    ],
    "contacts": [{"email": "ann@example.com"}, {"email": "bo@example.com"}],
}
#: Who is not in the account, in two CSV files; ann@example.com is.
MANY = "email\nx1@example.com\nx2@example.com\nx3@example.com\nann@example.com\nx4@example.com\nx5@example.com\n"
ONE = "email\nx1@example.com\n"

KARATE = 'no course named "Karate" in this account (it has 4); create it in Systeme.io first'
ANNE = "anne@example.com"
ANN = "1:15: enrollment/ann@example.com"
MISSING = {
    "many.csv": "5 contacts of many.csv are neither declared nor in this account: x1@example.com (line 2), "
    "x2@example.com (line 3), x3@example.com (line 4) and 2 more; declare the contacts, or remove the rows",
    "one.csv": "1 contact of one.csv is neither declared nor in this account: x1@example.com (line 2); "
    "declare the contact, or remove the row",
}
CONTROL = 'U+0007 (a control character) at character 4; did you mean "annb@example.com"?'
NONE = "in this account (it has none); create it in Systeme.io first"
CASE_ONLY = "which differs only in case or Unicode form"
FULL, PART = "access: full_access", "access: partial_access"
#: Files, and the errors by their places in site.yaml.
CASES: dict[str, tuple[str, ...]] = {
    f"enrollments: [{{contact: ann@example.com, course: Yogi, {FULL}}}]": (
        f'{ANN}/Yogi: no course named "Yogi" in this account; did you mean "Yoga"?',
    ),
    f"enrollments: [{{contact: ann@example.com, course: yoga, {FULL}}}]": (
        f'{ANN}/yoga: no course named "yoga"; write "Yoga", {CASE_ONLY}',
    ),
    f"enrollments: [{{contact: ann@example.com, course: Karate, {PART}, modules: [One, Two]}}]": (
        f"{ANN}/Karate: {KARATE}",
    ),
    f"enrollments: [{{contact: ann@example.com, course: Yoga, {PART}, modules: [Three, Twa]}}]": (
        f'{ANN}/Yoga: no module named "Three" in this account; did you mean one of "One", "Two"?',
        f'{ANN}/Yoga: no module named "Twa" in this account; did you mean "Two"?',
    ),
    f"enrollments: [{{contact: zz@example.com, course: Yoga, {PART}, modules: [Two, Twa]}}]": (
        '1:15: enrollment/zz@example.com/Yoga: no contact named "zz@example.com"; correct the name, or declare it',
        '1:15: enrollment/zz@example.com/Yoga: no module named "Twa" in this account; did you mean "Two"?',
    ),
    f"enrollments: [{{contact: ann@example.com, course: Chi, {FULL}}}]": (
        f'{ANN}/Chi: course "Chi" is ambiguous: ids 32, 31; use the id, e.g. {{id: 32}}',
    ),
    f"enrollments: [{{contacts: [ann@example.com, bo@example.com], course: Karate, {FULL}}}]": (
        f"1:69: {KARATE}; 2 items of its list are affected",
    ),
    f"enrollments: [{{contacts: [ann@example.com], course: Karate, {FULL}}}]": (
        f"1:53: {KARATE}; 1 item of its list is affected",
    ),
    f"enrollments: [{{contacts: [{ANNE}, zz@example.com], course: Yoga, {FULL}}}]": (
        f'1:27: enrollment/{ANNE}/Yoga: no contact named "{ANNE}"; did you mean "ann@example.com"?',
        '1:45: enrollment/zz@example.com/Yoga: no contact named "zz@example.com"; correct the name, or declare it',
    ),
    f"enrollments: [{{contact: nobody, course: Yoga, {FULL}}}]": (
        '1:15: enrollment/nobody/Yoga: invalid e-mail address "nobody"',
    ),
    f'enrollments: [{{contact: "ann\\u0007b@example.com", course: Yoga, {FULL}}}]': (
        f'1:15: enrollment/ann\\u0007b@example.com/Yoga: invalid e-mail address "ann\\x07b@example.com": {CONTROL}',
    ),
    f"enrollments: [{{course: Yoga, {FULL}, csv: many.csv}}]": (f"1:56: {MISSING['many.csv']}",),
    f"enrollments: [{{course: Yogi, {FULL}, csv: one.csv}}]": (
        '1:24: no course named "Yogi" in this account; did you mean "Yoga"? 1 row of one.csv is affected',
        f"1:56: {MISSING['one.csv']}",
    ),
    f"enrollments: [{{course: Karate, {FULL}, csv: many.csv}}]": (
        f"1:24: {KARATE}; 6 rows of many.csv are affected",
        f"1:58: {MISSING['many.csv']}",
    ),
    f"enrollments: [{{course: Chi, {FULL}, csv: one.csv}}]": (
        '1:24: course "Chi" is ambiguous: ids 32, 31; use the id, e.g. {id: 32}; 1 row of one.csv is affected',
        f"1:55: {MISSING['one.csv']}",
    ),
    "memberships: [{contact: ann@example.com, community: Club}]": (
        f'1:15: membership/ann@example.com/Club: no community named "Club" {NONE}',
    ),
    "contacts: [{email: ann@example.com, fields: {shoo: x, sock: x}}, {email: bo@example.com, fields: {shoo: x}}]": (
        '1:12: contact/ann@example.com: no contact field named "shoo"; did you mean "shoe"?',
        '1:12: contact/ann@example.com: no contact field named "sock"; correct the name, or declare it',
        '1:66: contact/bo@example.com: no contact field named "shoo"; did you mean "shoe"?',
    ),
    "contacts: [{email: ann@example.com, tags: &t [Gold]}, {email: bo@example.com, tags: *t}]": (
        '1:47: no tag named "Gold"; did you mean "VIP"? 2 references are affected',
    ),
    "contacts: [{email: ann@example.com, tags: [Gold, VIP]}, {email: bo@example.com, tags: [Gold, Gift, vip]}]": (
        '1:44: tagging/ann@example.com/Gold: no tag named "Gold"; did you mean "VIP"?',
        '1:88: tagging/bo@example.com/Gold: no tag named "Gold"; did you mean "VIP"?',
        '1:94: tagging/bo@example.com/Gift: no tag named "Gift"; did you mean "VIP"?',
        f'1:100: tagging/bo@example.com/vip: no tag named "vip"; write "VIP", {CASE_ONLY}',
    ),
}


@pytest.fixture
def school(make_project) -> Project:
    """A project with two CSV files, on an account with courses."""
    project: Project = make_project(SEED)
    project.write(MANY, "many.csv")
    project.write(ONE, "one.csv")
    return project


def test_each_place_has_its_error(school: Project) -> None:
    """Each name once, also where many rows or items use it, and none that follows from another one."""
    for text, errors in CASES.items():
        school.write(f"{text}\n")
        said = ended(school.run("plan"), 1)
        found = [line.removeprefix("error: site.yaml:") for line in said.splitlines() if line.startswith("error: ")]
        assert found == list(errors), text


def test_what_is_declared_or_there_is_no_error(school: Project) -> None:
    """Each for itself is enough, and both."""
    school.write(
        "tags: [New]\ncontact_fields: [{slug: size, name: Size}]\n"
        "contacts: [{email: cy@example.com, tags: [New], fields: {size: x, shoe: y}}]\n"
        "taggings: [{contact: ann@example.com, tag: VIP}, {contact: cy@example.com, tag: VIP}]\n"
        f"enrollments: [{{contact: cy@example.com, course: Yoga, {PART}, modules: [One, Two]}}]\n"
    )
    assert {change["action"] for change in school.plan()["changes"]} == {"create"}


def test_a_person_is_only_meant_who_is_much_alike(make_project) -> None:
    """Though it is the only one."""
    project = make_project({"contacts": [{"email": "ann@example.com"}], "courses": [{"name": "Yoga"}]})
    project.write(f"enrollments: [{{contact: zz@example.com, course: Yoga, {FULL}}}]\n")
    ended(project.run("plan"), 1, 'no contact named "zz@example.com"; correct the name, or declare it')
