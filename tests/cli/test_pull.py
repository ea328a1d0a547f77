"""``pull`` into a folder without YAML: the account as files, and what is refused without a trace."""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.support import ended, ledger_of
from tests.support.project import Project, requests_of

SEED = {
    "tags": ["VIP", "no", "a: b", "q\"uo'te", "${var.x}", "line 😀"],
    "contact_fields": [{"slug": "company", "name": "Company: x"}],
    "contacts": [
        {
            "email": "ann@example.com",
            "locale": "no",
            "tags": ["VIP", "${var.x}"],
            "fields": {
                "first_name": "Ann\nB",
                "surname": " lead ",
                "phone_number": "+33612345678",
                "company": "null",
            },
        },
        {"email": "bob@example.com", "locale": "en", "fields": {"company": "Acme"}},
    ],
    "courses": [{"name": "Yoga", "path": "y1"}, {"name": "Yoga", "path": "y2"}, {"name": "Zen", "modules": ["N"]}],
    "communities": [{"name": "Club"}],
    "enrollments": [
        {"contact": "ann@example.com", "course": "Zen", "access": "full_access"},
        {"contact": "bob@example.com", "course": "Zen", "access": "partial_access", "modules": ["N"]},
    ],
    "memberships": [{"contact": "ann@example.com", "community": "Club"}],
    "webhooks": [{"name": "CRM sync", "url": "https://crm.example.com/", "secret": "s", "events": ["SALE_NEW"]}],
}


@pytest.fixture
def full(make_project: Callable[..., Project]) -> Project:
    """A project without files, whose account holds one of everything."""
    project = make_project(SEED)
    project.env["WEBHOOK_CRM_SYNC_SECRET"] = "a secret"
    return project


def files_of(folder: Path) -> dict[str, str]:
    """Every file of a folder by its name."""
    return {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir() if path.is_file()}


def test_the_account_as_files(full: Project) -> None:
    """A file a kind, sorted, with names in the place of ids; secrets and what cannot be read are told at the end."""
    said = ended(
        full.run("pull"), 0, "WEBHOOK_CRM_SYNC_SECRET", "webhook/CRM sync", "modules of these cannot be read"
    )
    assert "+ tags.yaml" in said
    files = files_of(full.folder)
    assert set(files) == {
        "tags.yaml",
        "contact_fields.yaml",
        "contacts.yaml",
        "enrollments.yaml",
        "memberships.yaml",
        "webhooks.yaml",
        "reconciler.schema.json",
        "reconciler.yaml",
        "settings.schema.json",
    }
    assert all(text.startswith("# yaml-language-server: $schema=") for name, text in files.items() if "yaml" in name)
    assert files["contacts.yaml"].partition("\n")[2] == (
        'contacts:\n  - email: ann@example.com\n    first_name: "Ann\\nB"\n    last_name: " lead "\n'
        '    phone_number: "+33612345678"\n    locale: "no"\n    fields: {company: "null"}\n'
        '    tags: ["$${var.x}", VIP]\n'
        "  - email: bob@example.com\n    locale: en\n    fields: {company: Acme}\n"
    )
    assert "first_name" not in files["contact_fields.yaml"]
    assert '  #   modules: ["…"]' in files["enrollments.yaml"]
    assert all(line.startswith("GET ") for line in requests_of(full.account))
    document = full.plan()
    assert (document["calls"]["writes"], {each["action"] for each in document["changes"]}) == (0, {"adopt"})


def test_own(full: Project) -> None:
    """Everything is recorded as made by us, without a write and without the secrets at hand; the plan is quiet."""
    ended(full.run("pull", "--own", env={"WEBHOOK_CRM_SYNC_SECRET": None}), 0, "are recorded as created")
    assert full.account.writes == []
    assert ledger_of(full)
    assert all("CREATED" in entry for entry in ledger_of(full))
    full.assert_converged()
    assert full.account.writes == []


def test_csv_sources(full: Project) -> None:
    """Whom a row can hold stands in the CSV; the others stand in the YAML."""
    ended(full.run("pull", "--csv", "people"), 0)
    files = files_of(full.folder / "people")
    assert files["contacts.csv"] == "email,locale,fields.company\nbob@example.com,en,Acme\n"
    assert "ann@example.com" in files["contacts.yaml"]
    assert full.plan("people")["calls"]["writes"] == 0


@pytest.mark.parametrize(
    ("flags", "people"),
    [
        (["--tag", "VIP"], {"ann@example.com"}),
        (["--course", "Zen"], {"ann@example.com", "bob@example.com"}),
        (["--tag", "VIP", "--tag", "no"], set()),
        (["--registered-after", "2000-01-01"], None),
        (["--registered-before", "2000-01-01"], set()),
    ],
)
def test_filters(full: Project, flags: list[str], people: set[str] | None) -> None:
    """People who fit every filter, and nobody else's relations."""
    ended(full.run("pull", *flags), 0)
    text = "".join(files_of(full.folder).values())
    everybody = {"ann@example.com", "bob@example.com"}
    said = {email for email in everybody if f"email: {email}" in text}
    assert said == (everybody if people is None else people)


def test_a_tag_costs_its_own_pages(make_project: Callable[..., Project]) -> None:
    """Who has a tag is asked for, not looked for among everybody; a name that two tags have cannot be asked for."""
    people = [{"email": f"p{n}@example.com", "tags": ["Few", "Two"] if n < 3 else []} for n in range(250)]
    project = make_project({"tags": ["Few", "Two", "Two"], "contacts": people})
    for name, pages in (("Few", 1), ("Two", 3)):
        project.account.clear()
        ended(project.run("pull", "--kind", "contact", "--tag", name, name), 0)
        assert sum(line.startswith("GET /api/contacts?") for line in requests_of(project.account)) == pages
        assert files_of(project.folder / name)["contacts.yaml"].count("email:") == 3


def test_what_was_pulled_as_json(full: Project) -> None:
    """Files, counts, the variables of secrets, and what was left out, as one document."""
    document = json.loads(full.run("pull", "--own", "--json").out)
    assert "tags.yaml" in document["written"]
    assert document["owned"] > 10
    assert document["secrets"] == [{"variable": "WEBHOOK_CRM_SYNC_SECRET", "address": "webhook/CRM sync"}]
    assert document["calls"]["writes"] == 0


def test_a_patch_as_json(full: Project) -> None:
    """What drifted is offered; what was chosen is a difference, and where it was written."""
    ended(full.run("pull", "--own"), 0)
    number = full.account.ids()["contacts"]["bob@example.com"]
    full.account.edit("PATCH", f"/api/contacts/{number}", {"locale": "fr"})
    document = json.loads(full.run("pull", "--json").out)
    assert [row["address"] for row in document["offered"]] == ["contact/bob@example.com"]
    assert (document["written"], document["difference"]) == ([], [])
    document = json.loads(full.run("pull", "--all", "--yes", "--json").out)
    assert document["written"] == ["contacts.yaml"]
    assert any(line.startswith("+") and "fr" in line for line in document["difference"])


def test_kinds(full: Project) -> None:
    """Only what was asked for; an unknown kind is a mistake with a proposal."""
    ended(full.run("pull", "--kind", "tag"), 0)
    assert set(files_of(full.folder)) == {
        "tags.yaml",
        "reconciler.schema.json",
        "reconciler.yaml",
        "settings.schema.json",
    }
    ended(full.run("pull", "x", "--kind", "tga"), 1, "did you mean")
    assert not (full.folder / "x").exists()


def test_an_empty_account(project: Project) -> None:
    """Nothing there, nothing written, not even the folder."""
    ended(project.run("pull", "site"), 0, "Nothing to write")
    assert list(project.folder.iterdir()) == []


def test_two_courses_of_one_name(make_project: Callable[..., Project]) -> None:
    """They are told apart by their paths; a third one, whose name is its own, goes by that."""
    courses = [{"name": "Yoga", "path": "y1"}, {"name": "Yoga", "path": "y2"}, {"name": "Zen", "path": "z"}]
    places = [{"contact": "ann@example.com", "course": each["path"], "access": "full_access"} for each in courses]
    project = make_project({"courses": courses, "contacts": [{"email": "ann@example.com"}], "enrollments": places})
    ended(project.run("pull"), 0)
    text = files_of(project.folder)["enrollments.yaml"]
    assert ("course: {path: y1}" in text, "course: {path: y2}" in text, "course: Zen" in text) == (True, True, True)
    assert project.plan()["calls"]["writes"] == 0


def test_two_tags_of_one_name(make_project: Callable[..., Project]) -> None:
    """Of those that only a normal form tells apart one is bound by its id; people keep both."""
    twins = ["\u00e9", "e\u0301"]
    project = make_project({"tags": [*twins, "VIP"], "contacts": [{"email": "ann@example.com", "tags": twins}]})
    ended(project.run("pull"), 0, 'skipped: duplicate of tag "')
    files, ids = files_of(project.folder), project.account.ids()["tags"]
    assert files["tags.yaml"].endswith(f'tags:\n  - VIP\n  - name: é\n    id: "{ids[twins[0]]}"\n')
    assert f'tags: [é, {{id: "{ids[twins[1]]}"}}]' in files["contacts.yaml"]
    assert project.plan()["calls"]["writes"] == 0


def test_two_tags_are_merged(make_project: Callable[..., Project]) -> None:
    """As docs/guides/adopting-an-account.md describes it: renamed, assigned, deleted."""
    people = [{"email": "a@example.com", "tags": ["Kunde"]}, {"email": "b@example.com", "tags": ["Kunde "]}]
    project = make_project({"tags": ["Kunde", "Kunde "], "contacts": people})
    first, second = (project.account.ids()["tags"][name] for name in ("Kunde", "Kunde "))
    ended(project.run("pull"), 0, f'skipped: duplicate of tag "Kunde" (id {first})', "Next: reconciler plan")
    files = files_of(project.folder)
    assert f'tags: [{{id: "{second}"}}]' in files["contacts.yaml"]
    project.write(files["tags.yaml"] + f'  - {{name: Kunde old, id: "{second}"}}\n', "tags.yaml")
    both = files["contacts.yaml"].replace(f'{{id: "{second}"}}', "Kunde, Kunde old")
    project.write(both, "contacts.yaml")
    ended(project.run("fmt", "--check"), 0)
    project.apply()
    project.write(files["tags.yaml"], "tags.yaml")
    project.write(both.replace(", Kunde old", ""), "contacts.yaml")
    project.write(files["reconciler.yaml"] + "prune: {tag: owned}\n", "reconciler.yaml")
    ended(project.run("apply", "--yes", "--allow", "deletes"), 0)
    assert project.account.state()["tags"] == ["Kunde"]
    assert [each["tags"] for each in project.account.state()["contacts"]] == [["Kunde"], ["Kunde"]]


def test_what_files_cannot_say(make_project: Callable[..., Project]) -> None:
    """Values that the schema refuses are left alone and told; the rest is written down."""
    person = {"email": "ann@example.com", "fields": {"country": "France", "first_name": "Ann"}}
    project = make_project({"contacts": [person]})
    ended(project.run("pull"), 0, "contact/ann@example.com", "its country cannot be written in a file")
    assert "first_name: Ann" in files_of(project.folder)["contacts.yaml"]
    assert project.plan()["calls"]["writes"] == 0


def test_the_other_dialect(make_project: Callable[..., Project]) -> None:
    """The same account, read in the other spelling."""
    project = make_project(SEED, dialect="skill")
    project.env["WEBHOOK_CRM_SYNC_SECRET"] = "a secret"
    ended(project.run("pull"), 0)
    assert project.plan()["calls"]["writes"] == 0


def test_nothing_is_overwritten(full: Project) -> None:
    """A file of a name that is needed: refused, and nothing else is written."""
    (full.folder / "contacts.csv").write_text("mine")
    ended(full.run("pull", "--csv"), 3, "contacts.csv", "nothing is overwritten", "move it away")
    assert files_of(full.folder) == {"contacts.csv": "mine"}


def test_a_folder_that_takes_no_file(full: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line, and no trace."""
    (full.folder / "file").write_text("mine")
    ended(full.run("pull", "file/site"), 1, "cannot create", "nothing was written")

    def refuse(*args: object, **more: object) -> None:
        raise PermissionError(13, "Permission denied", str(full.folder / "x"))

    monkeypatch.setattr("reconciler.config.storage.create_beside", refuse)
    ended(full.run("pull", "site"), 1, "cannot be written: permission denied", "nothing was written")
    assert [path.name for path in full.folder.iterdir()] == ["file"]


def test_a_disk_that_fills_up(full: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """The third file does not fit: the first two are gone again."""
    real, calls = os.link, []

    def link(*args: object, **more: object) -> None:
        calls.append(args)
        if len(calls) > 2:
            raise FileExistsError(17, "File exists", str(args[1]))
        real(*args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "link", link)
    ended(full.run("pull"), 1, "nothing was written")
    assert files_of(full.folder) == {}


def test_flags_of_the_other_half(full: Project) -> None:
    """--accept needs files, and --own needs a folder without any."""
    ended(full.run("pull", "--all"), 1, "--all")
    full.write("tags: [VIP]\n")
    ended(full.run("pull", "--own"), 1, "--own")
    ended(full.run("pull", "--kind", "tag"), 1, "--kind")


def test_own_needs_a_ledger(full: Project) -> None:
    """Without one nothing is read."""
    ended(full.run("pull", "--own", "--ledger", "none"), 1, "--own needs a ledger")
    assert full.account.requests == []


@pytest.mark.parametrize("url", ["https://h.example.com/in?token=t0k3n", "https://user:t0k3n@h.example.com/"])
def test_an_address_that_may_hold_a_secret(make_project: Callable[..., Project], url: str) -> None:
    """It comes from a variable that is named; its value is in no file and no output; the plan is empty with it."""
    hook = {"name": "CRM", "url": url, "secret": "s", "events": ["SALE_NEW"]}
    project = make_project({"webhooks": [hook]})
    said = ended(project.run("pull", "--own"), 0, "WEBHOOK_CRM_URL")
    text = (project.folder / "webhooks.yaml").read_text()
    assert "url: {env: WEBHOOK_CRM_URL}" in text
    assert "t0k3n" not in said + text
    project.env |= {"WEBHOOK_CRM_URL": url, "WEBHOOK_CRM_SECRET": "s"}
    project.assert_converged()


def test_such_an_address_is_not_patched_into_a_file(make_project: Callable[..., Project]) -> None:
    """What somebody put behind a plain address stays in the account."""
    hook = {"name": "CRM", "url": "https://h.example.com/", "secret": "s", "events": ["SALE_NEW"]}
    project = make_project({"webhooks": [hook]}, dialect="skill")
    ended(project.run("pull", "--own"), 0)
    project.env["WEBHOOK_CRM_SECRET"] = "s"
    number = project.account.ids()["webhooks"]["CRM"]
    project.account.edit(
        "PATCH",
        f"/api/webhooks/{number}",
        {"name": "CRM", "secret": "s", "url": "https://h.example.com/?token=t0k3n"},
    )
    said = ended(project.run("pull", "--all"), 0, "may hold a secret")
    assert "t0k3n" not in said + (project.folder / "webhooks.yaml").read_text()


def test_a_csv_source_runs_nothing_in_a_spreadsheet(make_project: Callable[..., Project]) -> None:
    """Anybody can subscribe under such a name; the file is for its owner alone, and plans empty."""
    names = ["=cmd|/C calc!A0", "+1+1", "@SUM(1)", "-1", "'=1", "it's", "Ann"]
    people = [
        {"email": f"p{number}@example.com", "fields": {"first_name": name, "phone_number": "+33612345678"}}
        for number, name in enumerate(names)
    ]
    project = make_project({"contacts": [*people, {"email": "=1+1@example.com"}]})
    ended(project.run("pull", "--csv"), 0)
    text = (project.folder / "contacts.csv").read_text(encoding="utf-8")
    for cell in ("'=cmd|/C calc!A0", "'+1+1", "'@SUM(1)", "'-1", "''=1", "it's", "Ann", "'+33612345678", "'=1+1@"):
        assert re.search(rf"(^|,){re.escape(cell)}", text, re.MULTILINE), text
    assert not re.search(r"(^|,)[=+@-]", text, re.MULTILINE)
    assert {stat.S_IMODE(path.stat().st_mode) for path in project.folder.glob("contacts*")} == {0o600}
    assert project.plan()["calls"]["writes"] == 0


def test_a_csv_source_without_guards(project: Project) -> None:
    """A phone number is taken as it is written."""
    project.write("email,phone\nann@example.com,+33612345678\n", "people.csv")
    project.write("contacts: [{csv: {file: people.csv, fields: {phone_number: phone}}}]\n")
    assert "+33612345678" in ended(project.run("plan"), 0)
