"""``reconciler fmt``: files, folders, standard input; what it prints, what it writes, and how it ends."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
import yaml

from tests.support.project import Project

MESSY = "contacts:\n- first_name: 'Ann'\n  email:   ann@example.com # her\ntags: [ B,A ]\n"
TIDY = "tags: [B, A]\n\ncontacts:\n  - first_name: 'Ann'\n    email: ann@example.com # her\n"


def test_a_folder(project: Project) -> None:
    """Every file of ours below it, settings included; the names of changed ones are the answer."""
    project.write(MESSY, "people/ann.yml")
    project.write(TIDY, "tidy.yaml")
    project.write("vars: {a: 1}\nformat: 1\n", "reconciler.yaml")
    project.write("services: {}\n", "docker-compose.yml")
    project.write(MESSY, ".hidden/site.yaml")
    result = project.run("fmt")
    assert (result.code, result.out.splitlines()) == (0, ["people/ann.yml", "reconciler.yaml"])
    assert result.err == "2 files formatted, 1 file unchanged.\n"
    assert (project.folder / "people/ann.yml").read_text() == TIDY
    assert (project.folder / "reconciler.yaml").read_text() == "format: 1\nvars: {a: 1}\n"
    assert (project.folder / ".hidden/site.yaml").read_text() == MESSY
    again = project.run("fmt")
    assert (again.code, again.out) == (0, "")


def test_named_files(project: Project) -> None:
    """Those and no others, each once; one that is not ours too, since it was named."""
    project.write(MESSY, "a.yaml")
    project.write(MESSY, "b.yaml")
    project.write("other:   1\n", "c.yaml")
    result = project.run("fmt", "a.yaml", "./a.yaml", "c.yaml")
    assert result.out.split() == ["a.yaml", "c.yaml"]
    assert (project.folder / "b.yaml").read_text() == MESSY


@pytest.mark.parametrize("options", [["--check"], ["--diff"], ["--check", "--diff"]], ids=" ".join)
def test_nothing_is_written(project: Project, options: list[str]) -> None:
    """--check ends with 1 where something would change; --diff shows it and is no verdict."""
    path = project.write(MESSY)
    result = project.run("fmt", *options)
    assert result.code == ("--check" in options)
    assert path.read_text() == MESSY
    if "--diff" in options:
        assert "\n-tags: [ B,A ]\n" in result.out
        assert "\n+tags: [B, A]\n" in result.out
    else:
        assert result.out == "site.yaml\n"
    project.write(TIDY)
    result = project.run("fmt", *options)
    assert (result.code, result.out) == (0, "")


def test_a_diff_can_be_applied(project: Project) -> None:
    """What git and patch read, a missing last line break included."""
    project.write("tags:\n- A")
    lines = project.run("fmt", "--diff").out.splitlines()
    assert lines[0].startswith("--- site.yaml")
    assert lines[1].startswith("+++ site.yaml")
    assert lines[-3:] == ["-- A", "\\ No newline at end of file", "+  - A"]


def test_standard_input(project: Project) -> None:
    """For editors: text in, text out, and nothing else there."""
    result = project.process("fmt", "-", stdin=MESSY)
    assert (result.code, result.out, result.err) == (0, TIDY, "")
    result = project.process("fmt", "--check", "-", stdin=MESSY)
    assert (result.code, result.out) == (1, "stdin\n")
    result = project.process("fmt", "-", stdin="vars: {}\nformat: 1\n")
    assert result.out == "format: 1\nvars: {}\n"


def test_bad_files_stop_all(project: Project) -> None:
    """Every problem with its place, and no file is touched."""
    good = project.write(MESSY, "a.yaml")
    project.write("tags: [A\n", "b.yaml")
    project.write("tags: [A]\ntags: [B]\n", "c.yaml")
    (project.folder / "d.yaml").write_bytes(b"tags: [\xff]\n")
    project.write("tags: [A]\n---\ntags: [B]\n", "e.yaml")
    result = project.run("fmt")
    assert (result.code, result.out) == (1, "")
    for place in ("b.yaml:1:7", "c.yaml:2:1", "d.yaml:1:8", "e.yaml:2:1"):
        assert f"error: {place}: " in result.err
    assert good.read_text() == MESSY
    twice = "error: e.yaml:2:1: a second document begins here; use one document per file: remove the `---`\n"
    assert twice in result.err
    assert twice in project.run("validate").err


@pytest.mark.parametrize(
    ("args", "said"),
    [(["missing.yaml"], "no such file"), (["-", "a.yaml"], "cannot be combined"), (["--nope"], "No such option")],
    ids=["missing", "both", "option"],
)
def test_bad_calls(project: Project, args: list[str], said: str) -> None:
    """One message, exit code 1."""
    result = project.run("fmt", *args)
    assert (result.code, result.out) == (1, "")
    assert said in result.err


def test_people_stay_unnamed(project: Project) -> None:
    """A difference and a formatted file name people, so they are not for redacted runs."""
    project.write(MESSY)
    for args in (["--diff"], ["-"]):
        result = project.run("--redact", "fmt", *args)
        assert result.code == 1
        assert "ann@example.com" not in result.out + result.err
    assert project.run("--redact", "fmt", "--check").out == "site.yaml\n"
    project.write("redact: true\n", "reconciler.yaml")
    result = project.run("fmt", "--diff")
    assert (result.code, result.out) == (1, "")
    assert project.run("fmt").out == "site.yaml\n"


def test_rights_and_links_stay(project: Project, tmp_path: Path) -> None:
    """A file keeps its mode, and a link leads to the file that changed."""
    path = project.write(MESSY, "real.yaml")
    path.chmod(0o600)
    link = project.folder / "link.yaml"
    link.symlink_to("real.yaml")
    assert project.run("fmt", "link.yaml").code == 0
    assert link.is_symlink()
    assert path.read_text() == TIDY
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in project.folder.iterdir() if each.name.startswith(".")] == []


def test_what_is_left_alone_is_reported(project: Project) -> None:
    """With the reason; -q hides it."""
    project.write("tags: [A,  # the first\n  B]\n")
    assert "site.yaml: left as it is: a comment in line 1 would be lost" in project.run("fmt").err
    assert "comment" not in project.run("-q", "fmt").err


def test_a_folder_without_yaml(project: Project) -> None:
    """Nothing to do is no failure."""
    result = project.run("fmt")
    assert (result.code, result.out) == (0, "")


def test_what_the_tool_writes_and_shows_is_formatted(project: Project) -> None:
    """A new project, and every example with files of reconciler."""
    assert project.run("init", "shop").code == 0
    assert project.run("fmt", "--check", "shop").out == ""
    examples = Path(__file__).parents[2] / "examples"
    ours = [str(each) for each in examples.iterdir() if each.is_dir() and each.name != "service"]  # Kubernetes
    result = project.run("fmt", "--check", *ours)
    assert (result.code, result.out) == (0, "")


def test_two_readers_of_yaml_agree_with_the_loader(project: Project) -> None:
    """A text keeps its quotes where a reader of YAML 1.1 or 1.2 would take the bare text for something else."""
    texts = [
        "no",
        "off",
        "y",
        "null",
        "~",
        "1_000",
        "0o17",
        "1:30",
        ".inf",
        "2024-01-01",
        "=",
        "<<",
        "1e3",
        "0b1",
        "",
    ]
    fields = ", ".join(f'f{at}: "{text}"' for at, text in enumerate(texts))
    path = project.write(f"contacts:\n  - email: a@example.com\n    fields: {{{fields}}}\n")
    assert project.run("fmt").code == 0
    (contact,) = yaml.safe_load(path.read_text())["contacts"]
    assert list(contact["fields"].values()) == texts


@pytest.mark.parametrize(
    "text",
    [
        "webhooks:\n  - &base\n    url: https://h.example.com/\n    # shown\n    name: CRM\n    events: [SALE_NEW]\n",
        "contacts:\n  - email: a@example.com\n    first_name: |+\n        \n",
    ],
    ids=["comment at an anchor", "blanks alone"],
)
def test_once_is_enough(project: Project, text: str) -> None:
    """What was formatted is formatted, whatever it took."""
    project.write(text)
    assert project.run("fmt").code == 0
    assert project.run("fmt", "--check").code == 0
