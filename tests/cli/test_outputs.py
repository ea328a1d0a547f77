"""``--output``: one plan, one run, one drift, one set of problems, in every format and to every place at once."""

from __future__ import annotations

import json
import re
import stat
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Tree

import jsonschema
import pytest

from reconciler.output.formats import FORMATS, PLAN, PROBLEMS, names
from reconciler.output.schema import plan_schema, report_schema
from tests.cli.support import ended
from tests.support.hands import delete_tag, rename_person
from tests.support.project import Project, requests_of

SITE = """\
tags: [VIP, New]
contacts: [{email: ann@example.com, first_name: Annabel, tags: [VIP]}]
"""
SEED: dict[str, Any] = {"tags": [{"name": "VIP"}]}
#: A file for each format, as a user would name them.
FILES = {form: f"out/plan.{form}" for form in FORMATS}


@pytest.fixture
def site(make_project: Any) -> Project:
    """A project with a ledger, something to create, something to update and something to delete."""
    project: Project = make_project(SEED)
    project.write("tags: [VIP, Old]\ncontacts: [{email: ann@example.com, first_name: Ann}]\n")
    project.apply()
    project.write(SITE)
    (project.folder / "out").mkdir()
    project.account.clear()
    return project


def flags(files: dict[str, str]) -> list[str]:
    return [word for form, file in files.items() for word in ("--output", f"{form}={file}")]


def read(project: Project, form: str) -> str:
    return (project.folder / FILES[form]).read_text(encoding="utf-8")


def leftovers(project: Project) -> list[str]:
    return [str(path) for path in project.folder.rglob(".*") if path.is_file() and ".reconciler" not in path.parts]


def test_all_at_once(site: Project) -> None:
    """Every format into its file, the text on standard output as without; nobody else can read them."""
    plain = site.run("plan")
    result = site.run("plan", *flags(FILES))
    ended(result, 0, "- tag/Old")
    assert (result.out, result.err) == (plain.out, plain.err)
    for form in FORMATS:
        assert "tag/Old" in read(site, form) or form in ("gitlab", "html"), form
        assert stat.S_IMODE((site.folder / FILES[form]).stat().st_mode) == 0o600
    assert json.loads(read(site, "gitlab")) == {"create": 2, "update": 1, "delete": 1}
    assert read(site, "markdown").startswith(f"<!-- reconciler: {site.folder.name} -->\n")
    assert read(site, "text") == result.out
    assert Tree.fromstring(read(site, "junit")).attrib["tests"] == "4"
    assert json.loads(read(site, "sarif"))["runs"][0]["results"][0]["ruleId"] == "delete"
    assert "<!doctype html>" in read(site, "html")
    jsonschema.validate(json.loads(read(site, "json")), plan_schema())
    assert leftovers(site) == []


@pytest.mark.parametrize("form", [form for form in FORMATS if form != "text"])
def test_standard_output_is_the_document_alone(site: Project, form: str) -> None:
    """The same bytes as in a file, and nothing besides."""
    shown = site.run("plan", "--output", form)
    ended(shown, 0)
    ended(site.run("plan", "--output", f"{form}=out/x"), 0)
    assert (site.folder / "out/x").read_text(encoding="utf-8") == shown.out
    assert "call read this" not in shown.err


def test_json_is_json(site: Project) -> None:
    """``--json``, ``--output json`` and a file of it are the same bytes; asking twice for one is no quarrel."""
    document = site.run("plan", "--json").out
    assert site.run("plan", "--output", "json").out == document
    assert site.run("plan", "--output", "json=-").out == document
    assert site.run("plan", "--json", "--output", "json", "--output", "json=out/p.json").out == document
    assert (site.folder / "out/p.json").read_text(encoding="utf-8") == document


def test_a_saved_plan_in_every_format(site: Project) -> None:
    """``show`` writes what ``plan`` wrote."""
    ended(site.run("plan", "--out", "plan.json", *flags(FILES)), 0)
    before = {form: read(site, form) for form in FORMATS}
    ended(site.run("show", "plan.json", *flags(FILES)), 0, "- tag/Old")
    for form in FORMATS:
        assert read(site, form) == before[form], form


def test_a_run(site: Project) -> None:
    """What was done: the report in every format, the exit code as ever."""
    result = site.run("apply", "--yes", "--allow", "deletes", *flags(FILES))
    ended(result, 0, "1 created, 1 updated, 1 deleted, 1 tag assigned")
    jsonschema.validate(json.loads(read(site, "json")), report_schema())
    assert "Run 2 complete: 1 created, 1 updated, 1 deleted" in read(site, "markdown")
    assert read(site, "text").split("\n\nRun 2 complete: ")[0] == result.out.split("\nRun 2 complete: ")[0]
    assert json.loads(read(site, "gitlab")) == {"create": 2, "update": 1, "delete": 1}
    assert Tree.fromstring(read(site, "junit")).attrib["failures"] == "0"
    site.assert_converged()
    ended(site.run("apply", "--yes", *flags(FILES)), 0)
    assert "No changes." in read(site, "markdown")
    assert json.loads(read(site, "json"))["outcomes"] == []


def test_a_run_that_fails_in_part(site: Project) -> None:
    """Failed with its reason, skipped with its own, in all of them."""
    site.write("contacts: [{email: not-an-address@nowhere.invalid, tags: [Later]}]\ntags: [VIP, Old, Later]\n")
    result = site.run("apply", "--yes", *flags(FILES))
    said = ended(result, 4, "failed")
    assert re.search(r"failed +contact/\S+ +site.yaml:1\n +POST /api/contacts: email: ", said)
    for form in ("json", "markdown", "junit", "sarif", "github"):
        assert "not-an-address" in read(site, form), form
    failures = [node.attrib["message"] for node in Tree.fromstring(read(site, "junit")).iter("failure")]
    assert [each.startswith("failed: site.yaml:1:12: POST /api/contacts: email: ") for each in failures] == [True]
    assert len(list(Tree.fromstring(read(site, "junit")).iter("skipped"))) == 1
    assert read(site, "github").startswith(
        "::error file=site.yaml,line=1,col=12,title=reconciler%3A failed::contact/"
    )


def test_a_run_that_is_refused(site: Project) -> None:
    """Closed approvals and missing consent are told too: nothing was done, and why."""
    site.write("tags: [VIP]\n", "more.yaml")
    site.write("contacts: [{email: ann@example.com, first_name: Ann}]\n")
    env = {"RECONCILER_FLOOR": "1", "RECONCILER_DELETES": "5"}
    result = site.run("apply", "--yes", *flags(FILES), env=env)
    ended(result, 3, "To proceed: --allow deletes=1")
    assert site.account.writes == []
    assert "**Refused:**" in read(site, "markdown")
    assert "To proceed: `--allow deletes=1`" in read(site, "markdown")
    assert read(site, "github").startswith("::error title=") or "needs-allowance" in read(site, "github")
    document = json.loads(read(site, "json"))
    jsonschema.validate(document, report_schema())
    assert document["stopped"].startswith("refused: ")
    ended(site.run("apply", "--output", "markdown=out/c.md", "--allow", "deletes", env=env), 3, "without a terminal")
    text = (site.folder / "out/c.md").read_text(encoding="utf-8")
    assert "**Refused:** Cannot ask for confirmation without a terminal" in text
    assert "Approval required" not in text, "what is allowed needs nothing"


def test_a_claimed_standard_output_of_a_run(site: Project) -> None:
    """The document alone; the rest is talk."""
    result = site.run("apply", "--yes", "--allow", "deletes", "--output", "junit", "--output", "markdown=out/c.md")
    ended(result, 0)
    assert Tree.fromstring(result.out).attrib["tests"] == "4"
    assert "Run 2 complete: 1 created, 1 updated, 1 deleted" in result.err


def test_undo_and_destroy(site: Project) -> None:
    """They report like any other run."""
    ended(site.run("destroy", "--yes", "--allow", "deletes", "--output", "json=out/d.json"), 0)
    assert json.loads((site.folder / "out/d.json").read_text(encoding="utf-8"))["summary"]["delete"] == 1
    ended(site.run("undo", "2", "--yes", "--output", "json=out/u.json", "--output", "markdown"), 0)
    assert json.loads((site.folder / "out/u.json").read_text(encoding="utf-8"))["undoes"] == 2


def test_drift(site: Project) -> None:
    """What the account changed, for the issue that a job opens; what tells of plans only is refused."""
    files = {form: FILES[form] for form in names("drift")}
    ended(site.run("drift", *flags(files)), 0, "No drift.")
    assert Tree.fromstring(read(site, "junit")).attrib["failures"] == "0"
    rename_person(site, "ann@example.com", first_name="Anna")
    delete_tag(site, "Old")
    ended(site.run("drift", *flags(files)), 2, "Drift: 2 of 3 resources changed")
    for form in files:
        assert "tag/Old" in read(site, form), form
        assert "ann@example.com" in read(site, form), form
    assert '| `"Ann" → "Anna"` |' in read(site, "markdown")
    assert Tree.fromstring(read(site, "junit")).attrib["failures"] == "2"
    plain = site.run("drift", "--json")
    assert read(site, "json") == plain.out
    assert site.run("drift", "--output", "json").out == plain.out
    said = ended(site.run("drift", "--output", "html=out/x"), 1, "html supports plans only")
    assert "use one of text, json, markdown, junit, sarif, github" in said


WRONG = "tags: [VIP]\ncontact: []\nwebhooks: [{name: W}]\n"


def test_files_that_are_wrong(site: Project) -> None:
    """``validate`` tells its problems at their lines in every format that can."""
    site.write(WRONG)
    files = {form: FILES[form] for form in names(PROBLEMS)}
    said = ended(site.run("validate", *flags(files)), 1, "site.yaml:2:1")
    places = re.findall(r"site\.yaml:(\d+):(\d+)", said)
    assert re.findall(r"file=site\.yaml,line=(\d+),col=(\d+)", read(site, "github")) == places
    results = json.loads(read(site, "sarif"))["runs"][0]["results"]
    regions = [each["locations"][0]["physicalLocation"]["region"] for each in results]
    assert [(str(each["startLine"]), str(each["startColumn"])) for each in regions] == places
    assert Tree.fromstring(read(site, "junit")).attrib["failures"] == str(len(places))
    assert json.loads(read(site, "json"))["valid"] is False
    assert read(site, "json") == site.run("validate", "--json").out
    assert "`site.yaml:2:1`" in read(site, "markdown")
    shown = site.run("validate", "--output", "github")
    assert (shown.code, shown.out, shown.err) == (1, read(site, "github"), "")


@pytest.mark.parametrize("command", [["plan"], ["apply", "--yes"], ["drift"]], ids=" ".join)
def test_a_plan_of_files_that_are_wrong(site: Project, command: list[str]) -> None:
    """The outputs that were asked for hold the problems; no call was made."""
    site.write(WRONG)
    ended(site.run(*command, "--output", "sarif=out/s", "--output", "junit=out/j"), 1, "site.yaml:2:1")
    assert "unknown" in (site.folder / "out/s").read_text(encoding="utf-8")
    assert site.account.requests == []
    if command != ["drift"]:
        said = ended(site.run(*command, "--output", "html=out/h"), 1, "Not written, because there is no plan: html.")
        assert "site.yaml:2:1" in said
        assert not (site.folder / "out/h").exists()


@pytest.mark.parametrize("command", [["plan"], ["apply", "--yes"]], ids=" ".join)
def test_files_that_do_not_fit_the_account(site: Project, command: list[str]) -> None:
    """What only the account can tell is told at its line, too."""
    site.write("enrollments: [{course: Nowhere, access: full_access, contacts: [ann@example.com]}]\n")
    ended(site.run(*command, "--output", "github=out/g"), 1, "site.yaml:1:")
    text = (site.folder / "out/g").read_text(encoding="utf-8")
    assert text.startswith("::error file=site.yaml,line=1,")
    assert "Nowhere" in text


def test_files_that_are_right(site: Project) -> None:
    """One case that passes, no annotation, no result; the counts on standard output."""
    files = {form: FILES[form] for form in names(PROBLEMS)}
    assert ended(site.run("validate", *flags(files)), 0).startswith("Valid: ")
    assert read(site, "github") == ""
    assert json.loads(read(site, "sarif"))["runs"][0]["results"] == []
    assert Tree.fromstring(read(site, "junit")).attrib["failures"] == "0"
    assert read(site, "json") == site.run("validate", "--json").out


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--output", "json", "--output", "markdown"], "cannot share standard output"),
        (["--json", "--output", "html"], "html and json cannot share standard output"),
        (["--output", "json=out/x", "--output", "markdown=./out/../out/x"], "have the same file"),
        (["--output", "json=out"], "this is a folder"),
        (["--output", "json=out/"], "this is a folder"),
        (["--output", "json=nowhere/x"], "does not exist; create it first"),
        (["--output", "json=site.yaml/x"], "does not exist; create it first"),
        (["--output", "json=plan.yaml"], "would be read as a file of the project"),
        (["--output", "json=/dev/null"], "not a regular file"),
        (["--output", "json="], "add a file after the ="),
        (["--output", "yaml"], "unknown format 'yaml'; use one of text, json, markdown"),
        (["--output", "=x"], "unknown format"),
    ],
)
@pytest.mark.parametrize("command", [["plan"], ["apply", "--yes"]], ids=["plan", "apply"])
def test_what_cannot_be_had(site: Project, command: list[str], args: list[str], said: str) -> None:
    """One message before the account is read, and no file anywhere."""
    before = sorted(site.folder.rglob("*"))
    ended(site.run(*command, *args), 1, said)
    assert site.account.requests == []
    assert sorted(site.folder.rglob("*")) == before


def test_a_plan_file_is_no_output(site: Project) -> None:
    """The plan that is saved and one that is shown are two files."""
    ended(
        site.run("plan", "--out", "out/x", "--output", "markdown=out/x"),
        1,
        "--out and --output markdown have the same file",
    )
    assert site.account.requests == []


def test_a_place_that_takes_no_file(site: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Found out by trying, before anything is read."""

    def refuse(*args: Any, **more: Any) -> Any:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("reconciler.config.storage.create_beside", refuse)
    ended(site.run("plan", "--output", "json=out/x"), 1, "cannot be written: Read-only file system")
    assert site.account.requests == []


def test_a_place_that_breaks_after_a_run(site: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was done is done: it is reported, the message comes after it, and the old file is whole."""
    (site.folder / "out/x").write_text("old", encoding="utf-8")

    def refuse(*args: Any) -> Any:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("reconciler.config.storage.write", refuse)
    result = site.run("apply", "--yes", "--allow", "deletes", "--output", "json=out/x")
    ended(result, 1, "Run 2 complete", "x cannot be written: No space left on device")
    assert (site.folder / "out/x").read_text(encoding="utf-8") == "old"
    site.assert_converged()


def test_a_file_that_is_there(site: Project) -> None:
    """It is replaced whole; a link too, and what it leads to stays; a read-only one is left alone."""
    target = site.folder / "out/real.json"
    target.write_text("x" * 100_000, encoding="utf-8")
    (site.folder / "out/link.json").symlink_to(target)
    ended(site.run("plan", "--output", "json=out/link.json"), 0)
    assert not (site.folder / "out/link.json").is_symlink()
    assert json.loads((site.folder / "out/link.json").read_text(encoding="utf-8"))["changes"]
    assert target.read_text(encoding="utf-8") == "x" * 100_000


def test_relative_to_the_folder_of_the_command(site: Project) -> None:
    """``-C`` moves the outputs along; positions are named as the repository around it does."""
    (site.folder / ".git").mkdir()
    inner = site.folder / "sites/a"
    inner.mkdir(parents=True)
    (site.folder / "site.yaml").rename(inner / "site.yaml")
    (inner / "site.yaml").write_text("tags: [{nam: x}]\n", encoding="utf-8")
    ended(site.run("-C", "sites/a", "validate", "--output", "github=g.txt", "--output", "sarif=s.json"), 1)
    assert "file=sites/a/site.yaml,line=1," in (inner / "g.txt").read_text(encoding="utf-8")
    assert '"sites/a/site.yaml"' in (inner / "s.json").read_text(encoding="utf-8")


def test_nobody_is_named(site: Project) -> None:
    """With ``--redact`` no artefact of any command holds an address or a name, and others may read them."""
    people = ("ann@example.com", "Annabel", "Ann", "nowhere.invalid")

    def check(*args: str, subject: str = PLAN) -> None:
        files = {form: FILES[form] for form in names(subject)}
        for path in (site.folder / "out").iterdir():
            path.unlink()
        result = site.run("--redact", *args, *flags(files))
        for form in files:
            path = site.folder / FILES[form]
            if path.exists():
                text = path.read_text(encoding="utf-8")
                assert not [name for name in people if re.search(rf"\b{re.escape(name)}\b", text)], (args, form)
                assert stat.S_IMODE(path.stat().st_mode) == 0o644
        assert not [name for name in people if re.search(rf"\b{re.escape(name)}\b", result.out + result.err)]
        if subject == PLAN:
            assert re.search(r"c:[0-9a-f]{8}", read(site, "markdown"))

    rename_person(site, "ann@example.com", first_name="Ann")
    check("plan")
    for form in FORMATS:
        text = site.run("--redact", "plan", "--output", form).out
        assert not [name for name in people if re.search(rf"\b{re.escape(name)}\b", text)], form
    rename_person(site, "ann@example.com", first_name="Annabel")
    check("drift", subject="drift")
    check("apply", "--yes", "--allow", "deletes")
    site.write("contacts: [{email: ann@example.com, first_name: Ann}, {email: bea@nowhere.invalid}]\n")
    check("apply", "--yes", "--allow", "deletes")
    site.write("contacts: [{email: ann@example.com, frist_name: Annabel}]\n")
    check("validate", subject=PROBLEMS)


def test_somebody_who_is_called_like_markup(site: Project) -> None:
    """A person named Table breaks no page: values are marked, not the text around them."""
    site.write("tags: [VIP, Old]\ncontacts: [{email: ann@example.com, first_name: table, last_name: warning}]\n")
    page = site.run("--redact", "plan", "--output", "html").out
    assert "<table" in page or "table" not in site.run("plan", "--output", "html").out
    text = site.run("--redact", "plan", "--output", "junit").out
    assert Tree.fromstring(text).tag == "testsuites"
    assert "table" not in site.run("--redact", "plan", "--output", "markdown").out


def test_no_secret_is_told(site: Project) -> None:
    """Keys, secrets and addresses that came from the environment are in no artefact."""
    secrets = {"HOOK": "https://hooks.example.com/canary-1", "SECRET": "canary-2"}
    site.env |= secrets
    hook = "webhooks: [{name: W, url: {env: HOOK}, secret: {env: SECRET}, events: [SALE_NEW]}]\n"
    site.write(hook, "hook.yaml")
    for command in (["plan"], ["apply", "--yes", "--allow", "deletes"]):
        said = ended(site.run(*command, *flags(FILES)), 0, "webhook/W")
        for text in (said, *(read(site, form) for form in FORMATS)):
            assert "canary" not in text
            assert site.env["MATON_API_KEY"] not in text


def test_beside_a_stream_of_events(site: Project) -> None:
    """Files as ever; standard output belongs to the stream, whose last event is the document."""
    args = ["apply", "--yes", "--allow", "deletes", "--json-events"]
    ended(site.run(*args, "--output", "html"), 1, "cannot share standard output")
    result = site.run(*args, "--output", "json=out/r.json", "--output", "markdown=out/c.md")
    ended(result, 0)
    last = json.loads(result.out.splitlines()[-1])
    document = json.loads((site.folder / "out/r.json").read_text(encoding="utf-8"))
    assert {key: last[key] for key in document} == document


def test_thousands_of_changes(project: Project) -> None:
    """A comment shows equal ones once, and stays within what GitHub takes; the page and the document have all."""
    project.write("tags:\n" + "".join(f"- Tag number {index}\n" for index in range(5_000)))
    ended(project.run("plan", "--output", "markdown=c.md", "--output", "json=p.json", "--output", "github"), 0)
    text = (project.folder / "c.md").read_text(encoding="utf-8")
    assert len(text) < 5_000
    assert "5,000 to create" in text and "and 4,980 more" in text
    assert len(json.loads((project.folder / "p.json").read_text(encoding="utf-8"))["changes"]) == 5_000


def test_a_process(site: Project) -> None:
    """As a user runs it."""
    done = site.process("plan", "--output", "gitlab", "--output", "markdown=out/c.md", "--output", "html=out/p.html")
    assert (done.code, json.loads(done.out)) == (0, {"create": 2, "update": 1, "delete": 1})
    assert Path(site.folder / "out/p.html").stat().st_size > 1_000
    assert requests_of(site.account, writes=True) == []
