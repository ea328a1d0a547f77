"""Who is one person: spellings of e-mail addresses in files, CSV sources, ledger, look-ups and account."""

from __future__ import annotations

import unicodedata

import pytest

from tests.support.hands import rename_person
from tests.support.project import Project, requests_of

#: Two addresses that more than Unicode NFC and ASCII case makes equal: they are two people, or a mistake.
LOOKALIKES = [
    ("straße@example.com", "strasse@example.com"),
    ("ﬁona@example.com", "fiona@example.com"),
    ("\u212aay@example.com", "kay@example.com"),
    ("jeſſ@example.com", "jess@example.com"),
    ("nikoς@example.com", "nikoσ@example.com"),
    ("Éva@example.com", "éva@example.com"),
]
COMPOSED, DECOMPOSED = "josé@example.com", unicodedata.normalize("NFD", "josé@example.com")


def named(project: Project) -> list[str]:
    """The addresses of all contacts, as the account has them."""
    return sorted(each["email"] for each in project.account.state()["contacts"])


def contact(email: str, **fields: str) -> str:
    """One contact as a line of YAML."""
    return "".join([f"  - {{email: '{email}'", *(f", {name}: {value}" for name, value in fields.items()), "}\n"])


def refused(project: Project, *parts: str) -> None:
    """Plan and apply end with one error that names all ``parts``, and write nothing."""
    before = named(project)
    for command in (["plan"], ["apply", "--yes"]):
        result = project.run(*command)
        assert result.code == 1, result.out
        assert all(part in result.err for part in parts), result.err
    assert named(project) == before
    assert requests_of(project.account, writes=True) == []


@pytest.mark.parametrize(("one", "other"), [*LOOKALIKES, *((b, a) for a, b in LOOKALIKES)])
def test_a_look_alike_in_the_account_is_not_adopted(make_project, one: str, other: str) -> None:
    """Both are named, with the line to write for the one that is there."""
    project = make_project({"contacts": [{"email": one, "fields": {"first_name": "One"}}]})
    project.write("contacts:\n" + contact(other, first_name="Other"))
    refused(project, "site.yaml:2:5", f'"{one}"', f'"{other}"', f"write `email: {one}`")


@pytest.mark.parametrize(("one", "other"), LOOKALIKES)
def test_look_alikes_in_the_files_are_not_created_beside_each_other(project: Project, one: str, other: str) -> None:
    """Both lines are named; so are a line of YAML and a row of a CSV file."""
    project.write("contacts:\n" + contact(one) + contact(other))
    refused(project, "site.yaml:3:5", "site.yaml:2:5", f'"{one}"', f'"{other}"')
    project.write("contacts:\n" + contact(one) + "  - csv: people.csv\n")
    project.write(f"email\n{other}\n", "people.csv")
    refused(project, "people.csv:2:1", "site.yaml:2:5", f'"{one}"', f'"{other}"')


@pytest.mark.parametrize(("one", "other"), [LOOKALIKES[0], LOOKALIKES[1], *LOOKALIKES[3:5]])
def test_look_alikes_that_are_both_there_are_two_people(make_project, one: str, other: str) -> None:
    """Each line keeps to its own; a pull says so too."""
    project = make_project({"contacts": [{"email": one}, {"email": other}]})
    assert project.run("pull", "out").code == 0
    text = (project.folder / "out" / "contacts.yaml").read_text(encoding="utf-8")
    assert one in text
    assert other in text
    project.write("contacts:\n" + contact(one, first_name="One") + contact(other, first_name="Other"))
    (project.folder / "out" / "contacts.yaml").unlink()
    project.apply()
    fields = {each["email"]: each["fields"] for each in project.account.state()["contacts"]}
    assert fields == {one: {"first_name": "One"}, other: {"first_name": "Other"}}
    project.assert_converged()


def test_a_look_alike_of_a_managed_person_is_not_adopted(make_project) -> None:
    """The managed one was deleted, and somebody else has nearly that address now."""
    project = make_project()
    project.write("contacts:\n" + contact("straße@example.com"))
    project.apply()
    number = project.account.ids()["contacts"]["straße@example.com"]
    project.account.edit("DELETE", f"/api/contacts/{number}")
    project.account.seed({"contacts": [{"email": "strasse@example.com"}]})
    project.account.clear()
    refused(project, '"strasse@example.com"', '"straße@example.com"')


def test_an_answer_to_a_look_up_is_checked(make_project) -> None:
    """A server whose filter takes look-alikes for one answers with another person, who stays as they are."""
    people = [{"email": f"p{number:03}@example.com"} for number in range(250)]
    project = make_project({"contacts": [*people, {"email": "strasse@example.com"}]}, loose_emails=True)
    project.write("contacts:\n" + contact("p000@example.com"))
    project.apply("--refresh", "full")
    project.account.clear()
    project.write("contacts:\n" + contact("p000@example.com") + contact("straße@example.com", first_name="Eva"))
    refused(project, '"strasse@example.com"', '"straße@example.com"')
    assert any("email=stra" in each for each in requests_of(project.account))
    assert project.account.state()["contacts"][-1].get("fields", {}) == {}


@pytest.mark.parametrize("live", [COMPOSED, DECOMPOSED])
@pytest.mark.parametrize("written", [COMPOSED, DECOMPOSED])
@pytest.mark.parametrize("source", ["yaml", "csv"])
def test_composed_and_decomposed_letters_are_one_person(make_project, live: str, written: str, source: str) -> None:
    """In files, CSV sources and account; the account's own spelling stays."""
    project = make_project({"contacts": [{"email": live}], "courses": ["Yoga"]})
    more = f"enrollments: [{{course: Yoga, access: full_access, contacts: ['{written}']}}]\n"
    if source == "yaml":
        project.write("contacts:\n" + contact(written, first_name="José") + more)
    else:
        project.write(f"contacts: [{{csv: {{file: people.csv, fields: {{first_name: name}}}}}}]\n{more}")
        project.write(f"email,name\n{written},José\n", "people.csv")
    project.apply()
    assert named(project) == [live]
    assert project.account.state()["contacts"][0]["fields"] == {"first_name": "José"}
    project.assert_converged()


@pytest.mark.parametrize("live", [COMPOSED, DECOMPOSED])
@pytest.mark.parametrize("written", [COMPOSED, DECOMPOSED])
def test_a_look_up_finds_either_form(make_project, live: str, written: str) -> None:
    """A server that compares code points is asked for both."""
    people = [{"email": f"p{number:03}@example.com"} for number in range(250)]
    project = make_project({"contacts": [{"email": live}, *people]})
    project.write("contacts:\n" + contact("p000@example.com"))
    project.apply("--refresh", "full")
    project.write("contacts:\n" + contact("p000@example.com") + contact(written, first_name="José"))
    project.account.clear()
    project.apply()
    assert len(named(project)) == 251
    assert not any("startingAfter" in each for each in requests_of(project.account))


@pytest.mark.parametrize("live", [COMPOSED, DECOMPOSED, "Ann.Lee@Example.com"])
def test_pull_writes_an_address_as_the_account_has_it(make_project, live: str) -> None:
    """Nobody is left out, and the files plan nothing."""
    project = make_project({"contacts": [{"email": live, "tags": ["VIP"]}], "tags": ["VIP"]})
    for flags in ((), ("--csv",)):
        result = project.run("pull", "site", *flags)
        assert result.code == 0, result.err
        assert "cannot be written" not in result.out
        texts = [path.read_text(encoding="utf-8") for path in (project.folder / "site").iterdir()]
        assert any(live in text for text in texts)
        plan = project.run("plan", "site", "--json").document
        assert {each["action"] for each in plan["changes"]} == {"adopt"}
        for path in (project.folder / "site").iterdir():
            path.unlink()


@pytest.mark.parametrize("email", ["Ann.Lee@Example.COM", "straße@example.com", DECOMPOSED])
def test_an_address_is_sent_as_it_is_written(project: Project, email: str) -> None:
    """No letter of it changes on the way, and the next plan is empty in any case of ASCII letters."""
    project.write("contacts:\n" + contact(email))
    project.apply()
    assert named(project) == [email]
    project.assert_converged()
    project.write("contacts:\n" + contact(email.replace("m", "M")))
    project.assert_converged()


def test_an_authoritative_list_knows_a_person_by_either_form(make_project) -> None:
    """Whoever is named stays, whatever form the account has."""
    project = make_project(
        {
            "contacts": [{"email": DECOMPOSED}, {"email": "strasse@example.com"}],
            "courses": ["Yoga"],
            "enrollments": [{"course": "Yoga", "contact": email} for email in (DECOMPOSED, "strasse@example.com")],
        }
    )
    project.write(
        f"enrollments:\n  - {{course: Yoga, access: full_access, contacts: ['{COMPOSED}'], authoritative: true}}\n"
    )
    changes = project.plan()["changes"]
    assert {each["address"]: each["action"] for each in changes} == {
        f"enrollment/{COMPOSED}/Yoga": "adopt",
        "enrollment/strasse@example.com/Yoga": "delete",
    }


LITTER = {
    "mailto:ann@example.com": "ann@example.com",
    "bob@example.com;": "bob@example.com",
    "cy@example.com.": "cy@example.com",
    "<ed@example.com>": "ed@example.com",
    "ivy@example..com": "ivy@example.com",
    ".jo@example.com": "jo@example.com",
    "ann@example.com;Ann": "ann@example.com",
    "'ann@example.com'": "ann@example.com",
    "ann\u200b@example.com": "ann@example.com",
    "\ufeffann@example.com": "ann@example.com",
    "ann@example.com\u2060": "ann@example.com",
    "\u00a0ann@example.com": "ann@example.com",
    "\u202aann@example.com": "ann@example.com",
    "a\u00adnn@example.com": "ann@example.com",
}


@pytest.mark.parametrize("litter", LITTER)
@pytest.mark.parametrize("source", ["yaml", "quoted", "csv", "enrollments"])
def test_litter_around_an_address_is_refused(project: Project, litter: str, source: str) -> None:
    """With the address that was probably meant, at its line; invisible characters with code point and place."""
    if source == "csv":
        project.write("contacts: [{csv: people.csv}]\n")
        project.write(f"email,name\nzoe@example.com,Zoe\n{litter},Ann\n", "people.csv")
        place = "people.csv:3:1"
    elif source == "enrollments":
        project.write("enrollments: [{course: Yoga, access: full_access, csv: people.csv}]\n")
        project.write(f"name,email\nZoe,{litter}\n", "people.csv")
        place = "people.csv:2:5"
    else:
        quoted = litter.replace("'", "''")
        project.write(
            f"contacts:\n  - email: {quoted!r}\n" if source == "yaml" else f"contacts:\n  - {{email: '{quoted}'}}\n"
        )
        place = "site.yaml:2:"
        if source == "yaml" and (not litter.isprintable() or "'" in litter):
            project.write(f'contacts:\n  - email: "{litter}"\n')
    result = project.run("plan")
    assert result.code == 1
    assert place in result.err
    assert "invalid e-mail address" in result.err
    assert f'did you mean "{LITTER[litter]}"?' in result.err
    assert "match" not in result.err
    unseen = next(((index, char) for index, char in enumerate(litter, 1) if not char.isprintable()), None)
    if unseen:
        assert f"U+{ord(unseen[1]):04X} (" in result.err
        assert f"at character {unseen[0]}" in result.err


def test_a_reference_with_an_invisible_character_says_so(make_project) -> None:
    """It leads to nobody, and the reason cannot be seen."""
    project = make_project({"contacts": [{"email": "ann@example.com"}], "courses": ["Yoga"]})
    project.write('enrollments: [{course: Yoga, access: full_access, contacts: ["ann\\u200b@example.com"]}]\n')
    result = project.run("plan")
    assert result.code == 1
    assert "U+200B (zero width space) at character 4" in result.err
    assert 'did you mean "ann@example.com"?' in result.err


def test_a_row_without_its_delimiter_is_no_address(project: Project) -> None:
    """A header of one cell with another delimiter in it says which one to name."""
    project.write("contacts: [{csv: people.csv}]\n")
    project.write("Email|Name\nann@example.com|Ann\n", "people.csv")
    result = project.run("plan")
    assert result.code == 1
    assert "delimiter: '|'" in result.err


# names that differ by case only


@pytest.mark.parametrize("unique", [True, False])
def test_tags_that_differ_by_case_only_are_not_created_beside_each_other(make_project, unique: bool) -> None:
    """Whether none is there, or one; both lines are named."""
    for seed in ({}, {"tags": ["Beta"]}, {"tags": ["beta"]}):
        project = make_project(seed, unique_tags=unique)
        project.write("tags:\n  - Beta\n  - beta\n")
        result = project.run("plan")
        assert result.code == 1, result.out
        assert "site.yaml:2:5" in result.err
        assert "site.yaml:3:5" in result.err
        assert '"Beta"' in result.err
        assert '"beta"' in result.err


def test_tags_that_differ_by_case_only_and_are_both_there(make_project) -> None:
    """In the account, or by the ledger's word; a third one is refused."""
    project = make_project({"tags": ["Beta", "beta"]}, unique_tags=False)
    project.write("tags: [Beta, beta]\n")
    project.apply()
    project.assert_converged()
    number = project.account.ids()["tags"]["beta"]
    project.account.edit("DELETE", f"/api/tags/{number}")
    assert [each["action"] for each in project.plan()["changes"] if each["action"] != "no_change"] == ["create"]
    project.apply()
    project.write("tags: [Beta, beta, BETA]\n")
    assert project.run("plan").code == 1


@pytest.mark.parametrize("kind", ["tag", "course", "community"])
def test_a_reference_in_another_case_proposes_the_line(make_project, kind: str) -> None:
    """Names are compared exactly; the one that is there is proposed."""
    seed = {
        "tags": ["Yoga"],
        "courses": ["Yoga"],
        "communities": ["Yoga"],
        "contacts": [{"email": "ann@example.com"}],
    }
    project = make_project(seed)
    texts = {
        "tag": "taggings: [{contact: ann@example.com, tag: yoga}]\n",
        "course": "enrollments: [{contact: ann@example.com, course: yoga, access: full_access}]\n",
        "community": "memberships: [{contact: ann@example.com, community: yoga}]\n",
    }
    project.write(texts[kind])
    result = project.run("plan")
    assert result.code == 1
    assert 'named "yoga"' in result.err
    assert 'write "Yoga"' in result.err


# values that are cleared


@pytest.mark.parametrize("null", ["null", "~", ""])
def test_a_cleared_value_is_shown_as_such(make_project, null: str) -> None:
    """The old value, and that nothing takes its place."""
    project = make_project({"contacts": [{"email": "ann@example.com", "fields": {"first_name": "Ann"}}]})
    project.write(f"contacts:\n  - email: ann@example.com\n    first_name: {null}\n")
    assert '"Ann" → (cleared)' in project.run("plan").out
    told = project.run("--redact", "plan").out
    assert "→ (cleared)" in told
    assert "Ann" not in told
    project.apply()
    assert project.account.state()["contacts"][0].get("fields", {}) == {}
    project.assert_converged()


@pytest.mark.parametrize("name", ["Null", "NULL"])
def test_a_name_that_yaml_takes_for_null_clears_nothing(make_project, name: str) -> None:
    """Whether the person is called so, or nothing, has to be said."""
    project = make_project(
        {"contacts": [{"email": "ann@example.com", "fields": {"last_name": "Lee"}}]}, last_name_slug="last_name"
    )
    project.write(f"contacts:\n  - email: ann@example.com\n    last_name: {name}\n")
    result = project.run("apply", "--yes")
    assert result.code == 1
    assert f"site.yaml:3:16: unquoted `{name}` means null" in result.err
    assert requests_of(project.account) == []
    project.write(f'contacts:\n  - email: ann@example.com\n    last_name: "{name}"\n')
    project.apply()
    assert project.account.state()["contacts"][0]["fields"] == {"last_name": name}


# redaction


def test_a_redacted_pull_of_people_is_refused(make_project) -> None:
    """Files with pseudonyms would declare other people, and files without are not redacted."""
    project = make_project({"contacts": [{"email": "ann@example.com"}], "tags": ["VIP"]})
    for more in ((), ("--kind", "contact"), ("--kind", "tagging"), ("--csv",)):
        result = project.run("--redact", "pull", "out", *more)
        assert result.code == 1, result.out
        assert "--redact forbids" in result.err
        assert not (project.folder / "out").exists()
    assert project.run("pull", "out", env={"RECONCILER_REDACT": "true"}).code == 1
    assert requests_of(project.account) == []
    assert project.run("--redact", "pull", "out", "--kind", "tag").code == 0


@pytest.mark.parametrize("chosen", [["--all"], ["--accept", "contact/*"], ["--accept", "*"]])
def test_redacted_drift_of_people_is_not_accepted(make_project, chosen: list[str]) -> None:
    """It would write people into files as they are; what is about nobody may be accepted."""
    project = make_project(
        {"tags": ["VIP"], "contacts": [{"email": "ann@example.com", "fields": {"first_name": "Ann"}}]}
    )
    path = project.write("tags: [{id: 2000001, name: VIP}]\ncontacts: [{email: ann@example.com, first_name: Ann}]\n")
    project.apply()
    rename_person(project, "ann@example.com", first_name="Canarian")
    before = path.read_bytes()
    result = project.run("--redact", "pull", ".", "--yes", *chosen)
    assert result.code == 1
    assert "--redact forbids" in result.err
    assert "Canarian" not in result.out + result.err
    assert path.read_bytes() == before
    assert project.run("--redact", "pull", ".", "--yes", "--accept", "tag/*").code == 0


@pytest.mark.parametrize(
    ("csv_source", "text"),
    [
        ("people.csv", "Annabel Lee,+33612345678,Paris\nBob Archer,+33687654321,Rome\n"),
        ("{file: people.csv, column: Mail}", "Annabel Lee,+33612345678,annabel@example.com\n"),
        ("{file: people.csv, fields: {first_name: Name}}", "annabel@example.com,Annabel Lee,+33612345678\n"),
        ("people.csv", "Annabel Lee;+33612345678\n"),
        ("people.csv", "email,name\nAnnabel Lee,+33612345678\n"),
        ("people.csv", "email,name\nannabel@example.com;Annabel Lee,+33612345678\n"),
        ("people.csv", "email\nannabel lee\nannabel lee\n"),
        ("{file: people.csv, fields: {country: land}}", "email,land\nannabel@example.com,Annabel Lee\n"),
        ("{file: people.csv, fields: {locale: land}}", "email,land\nannabel@example.com,Annabel Lee\n"),
        ("people.csv", 'email,name\nannabel@example.com,"Annabel Lee\n'),
        ("people.csv", 'email,name\nannabel@example.com,"Annabel" Lee\n'),
        ("people.csv", "email,name\nannabel@example.com,Annabel,Lee,+33612345678\n"),
    ],
)
def test_a_redacted_error_about_a_csv_source_names_nobody(project: Project, csv_source: str, text: str) -> None:
    """Neither cells nor a header line that is none are quoted; places are."""
    project.write(f"contacts: [{{csv: {csv_source}}}]\n")
    project.write(text, "people.csv")
    result = project.run("--redact", "plan")
    assert result.code == 1
    told = result.out + result.err
    assert not any(each in told for each in ("Annabel", "annabel", "Lee", "33612345678", "Bob", "Paris"))
    assert "people.csv" in told


def test_where_nothing_can_be_guessed_nothing_is_suggested(project: Project) -> None:
    """A message ends with what is wrong."""
    project.write("contacts: [{email: ann}]\n")
    result = project.run("plan")
    assert result.code == 1
    assert 'invalid e-mail address "ann"' in result.err
    assert "did you mean" not in result.err


def test_redacted_errors_of_yaml_name_nobody(project: Project) -> None:
    """A name in the place of a key, a value, an item or an unfinished line is not printed."""
    project.write(
        "contacts:\n  - {email: ann@example.com, Ann Smith: x, locale: Zoe Miller, country: Utopia}\n"
        "  - Carla Jones\n  - Eve Brown: x\n  - {email: not-an-address, first_name: [Fay Green]}\n"
    )
    result = project.run("--redact", "validate", env={"RECONCILER_LEDGER_KEY": "0123456789abcdef"})
    assert result.code == 1
    for name in ("Smith", "Miller", "Utopia", "Carla", "Brown", "not-an-address", "Green", "ann@example.com"):
        assert name not in result.out + result.err, name
    assert "unknown key, which is not shown" in result.err
    assert result.err.count("site.yaml:3:5") == 1


def test_redacted_syntax_errors_name_nobody(project: Project) -> None:
    """The text at which the parser stopped is not quoted; names of anchors and tags are."""
    for text in (
        "contacts:\n  - email: [Ann Smith\n",
        "contacts:\n - a\n  Ann Smith\n",
        "contacts: {Ann Smith: 1, Ann Smith: 2}\n",
    ):
        project.write(text)
        result = project.run("--redact", "validate", env={"RECONCILER_LEDGER_KEY": "0123456789abcdef"})
        assert result.code == 1
        assert "Smith" not in result.out + result.err, result.err
