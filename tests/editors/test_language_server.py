"""The YAML language server that editors run, on the schemas that the tool publishes; offline."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.commands.init import FILES_SCHEMA, SETTINGS_SCHEMA, write_first_files
from reconciler.commands.project import Invocation
from reconciler.kinds import SECTIONS
from reconciler.kinds.enrollment import ACCESS
from reconciler.kinds.webhook import EVENTS
from tests.docs.conftest import ROOT
from tests.support.language_server import LanguageServer, program
from tests.support.project import Project
from tests.support.workspace import opened

MODELINE = f"# yaml-language-server: $schema={FILES_SCHEMA}\n"
HOOK = "webhooks:\n  - name: a\n    url: https://example.com\n"
EXAMPLES = sorted(path for path in (ROOT / "examples").rglob("*.yaml") if path.read_text().startswith("# yaml-lang"))

#: What the loader takes without quotes, and what other readers take for numbers, truth values and dates.
ACCEPTED = """\
tags: [on, 2024-01-01, 12:30, 0x1F, {name: 1e3}]
contact_fields:
  - {slug: 2024, name: 01234}
contacts:
  - email: ann@example.com
    first_name: yes
    last_name: 007
    phone_number: +33612345678
    country: NO
    locale: no
    fields: {"2024": 2024-01-01, company: .5}
    tags: [on, 0x1F]
    courses: [12, {id: 12}]
    lifecycle: {ignore: [locale], prevent_destroy: true}
enrollments:
  - {course: 101, access: full_access, contacts: [ann@example.com], authoritative: true}
webhooks:
  - {name: 42, url: "https://${var.host}/", secret: {env: A}, events: [SALE_NEW], active: false}
"""


@pytest.fixture(scope="module")
def editor() -> Iterator[LanguageServer]:
    """One server for all of them, as an editor has one."""
    command = program()
    if command is None:
        pytest.skip("yaml-language-server is not installed (npm install --prefix .venv/node yaml-language-server)")
    with LanguageServer(command) as running:
        yield running
    assert running.fetched == []


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of a project as ``init`` begins one."""
    folder = tmp_path_factory.mktemp("site")
    write_first_files(folder)
    return folder / "account.yaml"


def test_a_new_project_is_fine(editor: LanguageServer, site: Path) -> None:
    """What init wrote finds its schema beside it, and a mistake in it is told."""
    settings = site.with_name("reconciler.yaml")
    assert editor.diagnostics(site) == []
    assert editor.diagnostics(settings) == []
    text = settings.read_text() + "prune: {tag: craeted}\n"
    ((line, message),) = editor.diagnostics(settings, text)
    assert text.splitlines()[line].startswith("prune:")
    assert '"created"' in message
    assert "pulled" not in message


def test_a_pulled_project_is_fine(editor: LanguageServer, project: Project) -> None:
    """The modeline that pull writes leads to the schema that it writes."""
    project.account.seed({"tags": ["VIP"], "contacts": [{"email": "ann@example.com", "tags": ["VIP"]}]})
    assert project.run("pull").code == 0
    path = project.folder / "contacts.yaml"
    assert editor.diagnostics(path) == []
    assert editor.diagnostics(path, path.read_text().replace("tags:", "tgas:")) != []


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_examples_are_fine(editor: LanguageServer, path: Path) -> None:
    """Nothing in them is underlined, and they do have their schema."""
    assert editor.diagnostics(path) == []
    broken = path.read_text() + "\nnonsense: 1\n"
    assert [message for _, message in editor.diagnostics(path, broken)] == ["Property nonsense is not allowed."]


def test_what_the_loader_takes_is_not_underlined(editor: LanguageServer, site: Path, tmp_path: Path) -> None:
    """Text that looks like something else needs quotes for neither of them."""
    (tmp_path / "accepted.yaml").write_text(MODELINE + ACCEPTED)
    (tmp_path / "reconciler.yaml").write_text("vars: {host: example.com}\n")
    place = Invocation(tmp_path, {"A": "secret", "RECONCILER_ENV_ALLOW": "A"}, {})
    assert len(opened(Path("accepted.yaml"), place).state.resources) == 13
    assert editor.diagnostics(site, MODELINE + ACCEPTED) == []


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("tags:\n  - nmae: VIP\n", 2, "nmae"),
        ("tags: []\ncontcats: []\n", 2, "contcats"),
        ("contacts:\n  - email: a@example.com\n    frist_name: A\n", 3, "frist_name"),
        ("contacts:\n  - email: a@example.com\n    locale: xx\n", 3, "Valid values"),
        (HOOK + "    secret: {env: A}\n    events: [SALE]\n", 5, "Valid"),
        (HOOK + "    secret: abc\n    events: [SALE_NEW]\n", 4, "Secret"),
        ("enrollments:\n  - course: A\n    access: partial_access\n    contacts: [a@example.com]\n", 2, "modules"),
        ("contacts:\n  - first_name: A\n", 2, "email"),
    ],
)
def test_a_mistake_is_underlined_where_it_is(
    editor: LanguageServer, site: Path, text: str, line: int, said: str
) -> None:
    """The line and the word; the loader says the same place."""
    found = editor.diagnostics(site, MODELINE + text)
    assert [(at, said in message) for at, message in found if said in message] == [(line, True)], found


def test_sections_are_offered(editor: LanguageServer, site: Path) -> None:
    """All of them, in the order in which fmt puts them, with what they are."""
    offered = editor.complete(site, MODELINE + "|\n")
    assert set(offered) >= set(SECTIONS)
    assert SECTIONS["webhooks"].doc in str(offered["webhooks"]["documentation"])


def test_keys_of_an_item_are_offered(editor: LanguageServer, site: Path) -> None:
    """Those that are not there yet."""
    offered = editor.complete(site, MODELINE + "contacts:\n  - email: a@example.com\n    |\n")
    assert {"first_name", "locale", "fields", "tags", "courses", "lifecycle"} <= offered.keys()
    assert "email" not in offered
    assert "url" not in offered


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("webhooks:\n  - name: a\n    events:\n      - |\n", EVENTS),
        ("webhooks:\n  - name: a\n    events: [|]\n", EVENTS),
        ("enrollments:\n  - course: a\n    access: |\n", ACCESS),
    ],
    ids=["in a list", "in brackets", "at a key"],
)
def test_values_are_offered(editor: LanguageServer, site: Path, text: str, values: dict[str, str]) -> None:
    """All that may be chosen, each with what it means; events may be mappings with a version, too."""
    offered = editor.complete(site, MODELINE + text)
    assert values.items() <= {name: item["documentation"] for name, item in offered.items()}.items()


def test_settings_are_offered(editor: LanguageServer, site: Path) -> None:
    """The keys of reconciler.yaml, and what may be pruned how."""
    path, line = site.with_name("reconciler.yaml"), f"# yaml-language-server: $schema={SETTINGS_SCHEMA}\n"
    assert {"format", "connection", "prune", "environments"} <= editor.complete(path, line + "|\n").keys()
    assert {"none", "created", "owned", "all"} <= editor.complete(path, line + "prune:\n  tag: |\n").keys()


@pytest.mark.parametrize(
    ("text", "at", "said"),
    [
        ("contacts:\n  - email: a@example.com\n    locale: en\n", "locale", "Language of e"),
        ("webhooks:\n  - secret: {env: A}\n", "secret", "`{env: NAME}`, `{file: PATH}` or"),
        ("webhooks:\n  - events: [SALE_NEW]\n", "SALE_NEW", EVENTS["SALE_NEW"].rstrip(".")),
        ("tags:\n  - name: A\n    renamed_from: B\n", "renamed_from", "The previous key"),
        ("memberships: []\n", "memberships", "A contact in a community"),
    ],
)
def test_words_are_explained(editor: LanguageServer, site: Path, text: str, at: str, said: str) -> None:
    """Over a key, what it is for; over a value, what it means; Markdown as Markdown."""
    assert said in editor.hover(site, MODELINE + text, at)


def test_a_schema_of_somebody_else_is_nothing_to_the_loader(project: Project) -> None:
    """Any modeline is a comment, whatever editor it is for and wherever it leads."""
    for line in ("# yaml-language-server: $schema=https://example.com/none.json", "# $schema: ../nowhere.json"):
        project.write(f"{line}\ntags: [VIP]\n")
        assert project.run("validate").code == 0
        assert project.run("fmt", "--check").code == 0
    project.write('"$schema": reconciler.schema.json\ntags: [VIP]\n')
    assert "$schema" in project.run("validate").err
