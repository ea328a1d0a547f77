"""A kind with every shape and every option of a field, from its file to the account and back."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciler.kinds.field import FieldShape
from tests.kinds.account import Gadgets, serving
from tests.kinds.package.gadget import KIND
from tests.support.project import Project, Result
from tests.support.waiting import PATIENCE

ROOT = Path(__file__).parent.parent.parent
SITE = """\
tags: [VIP]
gadgets:
  - code: G-1
    title: Gadget one
    since: 2026-01-31T09:30:00Z
    plan: pro
    active: false
    seats: 12
    levels: [low, high]
    notes: {shelf: B4, old: null}
    color: red
    link: {env: GADGET_LINK}
    pin: {env: GADGET_PIN}
    tags: [VIP]
    owner: Ann Example
"""
#: What a create of it sends.
BODY = {
    "gadgetCode": "G-1",
    "label": "Gadget one",
    "startedAt": "2026-01-31T09:30:00Z",
    "plan": "pro",
    "isActive": False,
    "seatCount": 12,
    "lv": ["high", "low"],
    "noteTexts": {"shelf": "B4"},
    "paint": "red",
    "link": "https://gadgets.example.com/in?token=T0ps3cret",
    "pinCode": "4711",
    "owner": "Ann Example",
}
#: Another value in the account: its key, the value, and the field that reports name.
DRIFTED = [
    ("label", "Other", "title"),
    ("seatCount", 99, "seats"),
    ("isActive", True, "active"),
    ("lv", ["mid"], "levels"),
    ("noteTexts", {"shelf": "Z"}, "notes.shelf"),
    ("owner", "Zoe", "owner"),
]


class Commands:
    """The process that runs command lines with the made-up kind."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def run(self, args: Sequence[str], cwd: Path, env: Mapping[str, str]) -> Result:
        """One command line in a folder."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(json.dumps({"args": args, "cwd": str(cwd), "env": dict(env)}), file=self.process.stdin, flush=True)
        answer = self.process.stdout.readline()
        assert answer, "the command ended the process"
        return Result(*json.loads(answer))


@pytest.fixture(scope="module")
def commands() -> Iterator[Commands]:
    """It is started once, and ends with its standard input."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.kinds.launch"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield Commands(process)
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(PATIENCE) == 0


class GadgetProject:
    """A project whose commands know the kind, on an account that has it."""

    def __init__(self, project: Project, gadgets: Gadgets, url: str, commands: Commands) -> None:
        self.project, self.gadgets, self.commands = project, gadgets, commands
        self.env: Mapping[str, str | None] = {
            "RECONCILER_GATEWAY_URL": url,
            "GADGET_LINK": BODY["link"],  # type: ignore[dict-item]
            "GADGET_PIN": "4711",
        }

    def run(self, *args: str, env: Mapping[str, str | None] | None = None) -> Result:
        """One command."""
        result = self.commands.run(args, self.project.folder, self.project.environment({**self.env, **(env or {})}))
        assert "Traceback" not in result.err, result.err
        return result

    def ok(self, *args: str, env: Mapping[str, str | None] | None = None) -> str:
        """What a command that succeeds prints."""
        result = self.run(*args, env=env)
        assert result.code == 0, result.err + result.out
        return result.out

    def converged(self, *args: str, env: Mapping[str, str | None] | None = None) -> None:
        """The next plan is empty."""
        self.ok("plan", "--detailed-exitcode", *args, env=env)


@pytest.fixture
def site(project: Project, commands: Commands) -> Iterator[GadgetProject]:
    """The project, with the files written."""
    gadgets = Gadgets(project.server.url)
    with serving(gadgets) as url:
        project.write(SITE)
        yield GadgetProject(project, gadgets, url, commands)


def gadget_of(text: str) -> dict[str, Any]:
    """The change of the gadget in a plan document."""
    (found,) = (each for each in json.loads(text)["changes"] if each["address"].startswith("gadget/"))
    return dict(found)


def test_the_kind_has_every_shape() -> None:
    """REF is left to the shipped relations: only fields of the key can be references to one."""
    shapes = set(FieldShape) - {FieldShape.REF}
    assert {each.shape for each in KIND.fields} == shapes, "tests/kinds/package/gadget.py"
    (declared,) = yaml.safe_load(SITE)["gadgets"]
    assert declared.keys() == {each.name for each in KIND.fields}, "SITE"
    drifted = {KIND.field(name).shape for _, _, name in DRIFTED}
    assert drifted == shapes - {FieldShape.REFS, FieldShape.SECRET}, "DRIFTED; the others cannot be read"


def test_from_files_to_the_account_and_back(site: GadgetProject) -> None:
    """Created with one body, adopted without a write, changed field by field, undone and deleted."""
    plan = " ".join(site.ok("plan").split())
    for text in ('"Gadget one"', "seats 12", "high, low", '"B4"', "not shown", "false"):
        assert text in plan
    assert "T0ps3cret" not in plan
    site.ok("apply", "--yes")
    ((_, sent),) = site.gadgets.writes
    assert len(sent.pop("tagIds")) == 1
    assert sent == BODY
    site.converged()
    site.converged("--ledger", "none")
    site.ok("undo", "1", "--yes", "--allow", "deletes")
    assert site.gadgets.rows == {}


@pytest.mark.parametrize(
    ("old", "new", "body"),
    [
        ("title: Gadget one", "title: null", {"label": None}),
        ("2026-01-31T09:30:00Z", "2026-02-01", {"startedAt": "2026-02-01"}),
        ("    plan: pro\n", "", {"plan": "basic"}),
        ("active: false", "active: true", {"isActive": True}),
        ("seats: 12", "seats: 13", {"seatCount": 13}),
        ("[low, high]", "[mid]", {"lv": ["mid"]}),
        ("{shelf: B4, old: null}", "{shelf: C1, box: 7}", {"noteTexts": {"box": "7", "shelf": "C1"}}),
        ("{env: GADGET_LINK}", "https://other.example.com/", {"link": "https://other.example.com/"}),
        ("{env: GADGET_PIN}", "{env: OTHER_PIN}", {"pinCode": "0815"}),
        ("code: G-1", "code: G-2\n    renamed_from: G-1", {"gadgetCode": "G-2"}),
    ],
)
def test_a_change_of_one_field_sends_that_field(
    site: GadgetProject, old: str, new: str, body: dict[str, Any]
) -> None:
    """Under its wire name; afterwards the plan is empty."""
    site.ok("apply", "--yes")
    assert old in SITE
    site.project.write(SITE.replace(old, new))
    env = {"OTHER_PIN": "0815"}
    site.ok("apply", "--yes", env=env)
    assert site.gadgets.writes[1:] == [("PATCH", body)]
    site.converged(env=env)


@pytest.mark.parametrize(("old", "new"), [("color: red", "color: blue"), ("tags: [VIP]\n    o", "tags: [A]\n    o")])
def test_what_is_set_once_is_replaced(site: GadgetProject, old: str, new: str) -> None:
    """By a deletion and a creation, where the field cannot be written again."""
    site.ok("apply", "--yes")
    changed = SITE.replace(old, new).replace("tags: [VIP]\ng", "tags: [VIP, A]\ng")
    site.project.write(changed)
    action = gadget_of(site.ok("plan", "--json"))["action"]
    assert action == ("replace" if "blue" in new else "update")


@pytest.mark.parametrize(("key", "value", "text"), DRIFTED)
def test_drift_is_found_and_taken_into_the_files(site: GadgetProject, key: str, value: Any, text: str) -> None:
    """``drift`` names the field, ``pull --all`` writes it, and then the plan is empty."""
    site.ok("apply", "--yes")
    site.gadgets.rows[501][key] = value
    found = site.run("drift")
    assert (found.code, text in found.out) == (2, True), found.out + found.err
    site.ok("pull", ".", "--all", "--yes")
    site.converged()


@pytest.mark.parametrize("csv", [(), ("--csv",)])
def test_pull_writes_what_plans_as_nothing(site: GadgetProject, csv: tuple[str, ...]) -> None:
    """Every readable field, also as rows of a CSV file where cells can hold them."""
    site.ok("apply", "--yes")
    site.gadgets.rows[502] = {"gadgetCode": "G-2", "label": "Two", "isActive": True, "plan": "basic", "lv": ["mid"]}
    site.gadgets.rows[503] = {"gadgetCode": "G-3", "label": "Three", "isActive": True, "plan": "basic", "owner": "Bo"}
    site.gadgets.writes.clear()
    site.ok("pull", "new", *csv)
    text = (site.project.folder / "new" / "gadgets.yaml").read_text()
    blocks = {each.get("code"): each for each in yaml.safe_load(text)["gadgets"]}
    assert blocks["G-1"]["seats"] == 12
    assert blocks["G-1"]["levels"] == ["high", "low"]
    assert blocks["G-1"]["notes"] == {"shelf": "B4"}
    assert "T0ps3cret" not in text
    assert "G-2" in blocks
    assert ("G-3" in blocks) == (not csv)
    variable = blocks["G-1"]["link"]["env"]
    env = {variable: str(BODY["link"]), "RECONCILER_LEDGER": "sqlite:///new.db"}
    site.ok("apply", "new", "--yes", env=env)
    site.converged("new", env=env)
    assert site.gadgets.writes == []


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        ("code: G-1", "code: ''", "3:11"),
        ("seats: 12", "seats: many", "8:12"),
        ("active: false", "active: perhaps", "7:13"),
        ("[low, high]", "[low, top]", "9:19"),
        ("plan: pro", "plan: max", "6:11"),
        ("2026-01-31T09:30:00Z", "soon", "5:12"),
        ("{env: GADGET_PIN}", "4711", "13:10"),
        ("{shelf: B4, old: null}", "{a b: c}", "10:13"),
        ("title: Gadget one", "titel: Gadget one", "4:5"),
    ],
)
def test_a_wrong_value_is_reported_at_its_place(site: GadgetProject, old: str, new: str, where: str) -> None:
    """By file, line and column."""
    site.project.write(SITE.replace(old, new, 1))
    result = site.run("validate")
    assert (result.code, f"site.yaml:{where}: " in result.err) == (1, True), result.err


def test_a_saved_plan_is_applied_as_it_is(site: GadgetProject) -> None:
    """Every value goes through the plan file and the ledger, secrets apart."""
    env = {"RECONCILER_LEDGER_KEY": "k" * 40}
    site.ok("plan", "--out", "plan.json", env=env)
    saved = (site.project.folder / "plan.json").read_text()
    assert "4711" not in saved
    assert "T0ps3cret" not in saved
    site.ok("apply", "--plan", "plan.json", "--yes", env=env)
    assert site.gadgets.writes[0][1].items() >= BODY.items()
    site.converged(env=env)


def test_redacted_output_hides_what_is_personal(site: GadgetProject) -> None:
    """In every format, fields and entries alike; what is not personal stays."""
    for form in ("text", "json", "markdown", "html"):
        text = (
            site.ok("--redact", "plan", "--output", f"{form}=plan.out")
            + (site.project.folder / "plan.out").read_text()
        )
        assert "Ann Example" not in text
        assert "B4" not in text
        assert "Gadget one" in text


def test_csv_rows_are_gadgets(site: GadgetProject) -> None:
    """One resource for each row; the column is named."""
    site.project.write("code,label,n\nG-7,Seven,B7\n", "g.csv")
    site.project.write(
        "gadgets: [{csv: {file: g.csv, column: code, fields: {title: label, notes.shelf: n}}, seats: 3}]\n"
    )
    site.ok("apply", "--yes")
    assert site.gadgets.writes[0][1] == {
        "gadgetCode": "G-7",
        "label": "Seven",
        "noteTexts": {"shelf": "B7"},
        "seatCount": 3,
    }
    site.converged()


def test_schema_help_and_reference_describe_it(site: GadgetProject) -> None:
    """The published schema, and the reference page have every field."""
    schema = json.loads(site.ok("schema"))["definitions"]["gadget"]["properties"]
    assert schema["seats"]["type"] == "integer"
    assert schema["levels"]["items"]["enum"] == ["low", "mid", "high"]
    page = site.ok("--page").partition("## gadget\n")[2]
    for field in KIND.fields:
        assert field.name in schema
        assert f"| `{field.name}` |" in page
    assert '{"seatCount": 12}' in page
