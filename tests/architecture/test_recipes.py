"""The recipes of docs/development.md: what a kind, a shape, an approval, a format or a command must not leave out."""

from __future__ import annotations

import re

import pytest
import yaml

from reconciler.cli.main import COMMANDS
from reconciler.emulator.operations import OPERATIONS
from reconciler.emulator.options import Options
from reconciler.emulator.seeding import SECTIONS as SEEDS
from reconciler.emulator.showing import ids, shown
from reconciler.emulator.state import State
from reconciler.kinds import KINDS
from reconciler.kinds.base import Embedded, Kind
from reconciler.model.policy import UNCOUNTED, Allow
from reconciler.output.formats import FORMATS
from tests.architecture.source import ROOT
from tests.contract.test_client import FIRST, SECOND
from tests.emulator.test_admin import SEED
from tests.unit.output.test_artefacts import APPROVED

TESTS = ROOT.parent / "tests"
#: Kinds that an account holds as rows of their own; a tagging stands in its contact, a module in its course.
KEPT = [kind for kind in KINDS.values() if not isinstance(kind.source, Embedded)]
#: Keys of a seed that a state does not show: ids, moments, and the rest of a price plan.
UNSHOWN = {"id", "created_at", "registered_at", "completed_at", "cancelled_at"}
UNSHOWN |= {"currency", "interval", "interval_count", "trial_days", "payments"}


def calls(kind: Kind) -> set[tuple[str, str]]:
    """Method and path of everything that the kind asks the account."""
    found = {(each.method, each.path) for each in (kind.create, kind.update, kind.delete, kind.show) if each}
    found |= {("GET", getattr(kind.source, "path", ""))} - {("GET", "")}
    return found | ({("GET", kind.lookup.path)} if kind.lookup else set())


def nameless(path: str) -> str:
    return re.sub(r"{\w+}", "{}", path)


def section(kind: Kind) -> str:
    """How seeds and states call its rows: the last word of its path."""
    return str(getattr(kind.source, "path", "")).rpartition("/")[2]


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_the_emulator_answers_every_call_of_a_kind(kind: Kind) -> None:
    """`OPERATIONS` of emulator/operations.py has each of them."""
    known = {(method, nameless(path)) for method, path in OPERATIONS}
    assert {(method, nameless(path)) for method, path in calls(kind)} <= known, "emulator/operations.py: OPERATIONS"


@pytest.mark.parametrize("kind", KEPT, ids=lambda kind: kind.name)
def test_the_emulator_keeps_a_kind(kind: Kind) -> None:
    """A seed can hold it, a state shows it, and tests can name its ids."""
    state = State(Options())
    assert section(kind) in SEEDS, "emulator/seeding.py: SECTIONS"
    assert section(kind) in shown(state), "emulator/showing.py: shown"
    assert kind.remote_id != "id" or section(kind) in ids(state), "emulator/showing.py: ids"


@pytest.mark.parametrize("name", SEEDS)
def test_a_seed_of_every_key_is_shown(name: str) -> None:
    """Tests of the emulator compare a state with its seed: that needs a value of each key."""
    given = {key for row in SEED[name] for key in (row if isinstance(row, dict) else ("name",))}
    assert SEEDS[name][0] - given <= UNSHOWN, f"tests/emulator/test_admin.py: SEED lacks a key of {name}"


@pytest.mark.parametrize(
    "kind", [kind for kind in KINDS.values() if kind.writable and kind.section], ids=lambda kind: kind.name
)
def test_a_kind_is_tested_from_the_outside(kind: Kind) -> None:
    """A scenario creates one; the life of tests/contract makes one with every field, and changes one."""
    assert kind.create is not None
    cases = [path.read_text(encoding="utf-8") for path in (TESTS / "scenarios" / "cases").glob("*.yaml")]
    expected = re.compile(rf"^ +- create {kind.name}/", re.MULTILINE)
    assert [text for text in cases if expected.search(text)], f"tests/scenarios/cases: nothing creates a {kind.name}"
    names = {f"{kind.section}:"} | ({f"{kind.sugar.key}:"} if kind.sugar else set())
    for text in (FIRST, SECOND):
        assert [name for name in names if name in text], "tests/contract/test_client.py: FIRST, SECOND"
    rows = [row for row in yaml.safe_load(FIRST).get(kind.section, ()) if isinstance(row, dict)]
    fields = {each.name for each in kind.fields} - {*kind.key} if rows else set()
    assert fields <= {key for row in rows for key in row}, f"tests/contract/test_client.py: FIRST, {kind.section}"


def test_an_approval_has_a_place() -> None:
    """Each but those without a number is shown at the first change that needs it."""
    assert {allow for allow, _ in APPROVED} | UNCOUNTED == set(Allow), "tests/unit/output/test_artefacts.py: APPROVED"


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_is_tested(command: str) -> None:
    """Some test outside of tests/unit calls it."""
    called = re.compile(rf'"{command}"|reconciler {command}\b')
    texts = (path.read_text(encoding="utf-8") for path in TESTS.glob("[!u]*/test_*.py"))
    assert any(called.search(text) for text in texts), "tests/cli: no test calls it"


@pytest.mark.parametrize("form", FORMATS)
def test_a_format_is_documented(form: str) -> None:
    """The reference names it, and its renderer exists."""
    text = (ROOT.parent / "docs" / "reference" / "outputs.md").read_text(encoding="utf-8")
    assert f"`{form}`" in text, "make docs"


def test_what_the_page_names_exists() -> None:
    """Paths of the repository, and names that some module has."""
    page = (ROOT.parent / "docs" / "development.md").read_text(encoding="utf-8")
    words = set(re.findall(r"`([\w./]+)`", page))
    assert {word for word in words if "/" in word and not (ROOT.parent / word).exists()} == set()
    texts = [path.read_text(encoding="utf-8") for top in (ROOT, TESTS) for path in top.rglob("*.py")]
    known = set(re.findall(r"\w+", " ".join(texts)))
    assert {word for word in words if re.fullmatch(r"_?[A-Z]\w+", word)} - known == set()
