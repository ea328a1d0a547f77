"""Plans, questions and progress as they are seen on a terminal: of any width, without colour, without UTF-8."""

from __future__ import annotations

import re

import pytest

from tests.cli.support import ended
from tests.support.project import Project
from tests.terminal.conftest import On

MANY = "tags: [" + ", ".join(f"Tag {n}" for n in range(40)) + "]\n"
PEOPLE = """
tags: [VIP, 日本語のタグ, "party 🎉", plain]
contacts: [{email: somebody.with.a.long.name@example.com, first_name: Zoé, tags: [VIP]}]
"""
COLOUR = re.compile(rb"\x1b\[[0-9;]*m")


@pytest.mark.parametrize("columns", [20, 33, 80, 200])
def test_any_width(project: Project, on: On, columns: int) -> None:
    """Nothing is lost and nothing is wider than the terminal: what does not fit goes on further in."""
    project.write(PEOPLE)
    plain = project.run("plan").out
    seen = on("plan", columns=columns, rows=100)
    assert seen.end() == 0
    assert "".join(plain.split()) in seen.flowing
    assert b"\r\n" + b"s" not in seen.raw  # nothing that the terminal itself had to break stands at its edge
    if columns == 20:
        assert "      " in seen.text


def test_wide_signs_stand_in_line(project: Project, on: On) -> None:
    """Signs of two columns count as two."""
    project.write(PEOPLE)
    seen = on("plan", columns=120)
    assert seen.end() == 0
    starts = set()
    for row in range(60):
        cells = [seen.screen.buffer[row][column].data for column in range(120)]
        if "tag/" in "".join(cells):
            starts.add("".join(cell or "\0" for cell in cells).index("site.yaml"))
    assert len(starts) == 1


def test_a_wide_terminal_has_room(project: Project, on: On) -> None:
    """Where there is room, positions are set at the right edge, with long names as with short ones."""
    project.write(f"tags: [{'x' * 60}]\ncontacts: [{{email: a@example.com}}]\n")
    seen = on("plan", columns=200)
    assert seen.end() == 0
    assert {len(line.rstrip()) for line in seen.lines if "site.yaml" in line} == {118}


@pytest.mark.parametrize("env", [{"LC_ALL": "C"}, {"LANG": "C"}, {"PYTHONIOENCODING": "ascii"}], ids=str)
def test_without_utf_8(project: Project, on: On, env: dict[str, str]) -> None:
    """Arrows and dots have a like in ASCII, and what has none is spelled out; nothing fails."""
    project.write("tags: [A]\n")
    project.apply()
    project.write("tags: [{name: Zoé, renamed_from: A}]\n")
    seen = on("plan", **env)
    assert seen.end() == 0
    assert "tag/A -> Zo\\u00e9" in seen.text
    assert seen.raw.isascii()
    assert project.process("plan", "--json", env=env).document["changes"][0]["address"] == "tag/Zoé"


@pytest.mark.parametrize(
    ("env", "coloured", "animated"),
    [
        ({}, True, True),
        ({"NO_COLOR": "1"}, False, True),
        ({"TERM": "dumb"}, False, False),
        ({"TERM": "dumb", "FORCE_COLOR": "1"}, True, False),
    ],
    ids=str,
)
def test_colour(project: Project, on: On, env: dict[str, str], coloured: bool, animated: bool) -> None:
    """NO_COLOR, FORCE_COLOR and a dumb terminal are obeyed, by the plan and by what moves."""
    project.write("tags: [A]\n")
    seen = on("apply", "--yes", **env)
    assert seen.end() == 0
    assert any(code not in (b"\x1b[0m",) for code in COLOUR.findall(seen.raw)) is coloured, seen.raw
    assert (b"\x1b[?25l" in seen.raw) is animated
    assert seen.raw.count(b"\x1b[?25l") == seen.raw.count(b"\x1b[?25h")  # the cursor is back


def test_quiet(project: Project, on: On) -> None:
    """Nothing moves, and there is no talk: the plan without its fields, and the result."""
    project.write(PEOPLE)
    seen = on("-q", "apply", "--yes")
    assert seen.end() == 0
    assert b"\x1b[?25l" not in seen.raw
    assert "reading" not in seen.text
    assert "first_name" not in seen.text


@pytest.mark.parametrize(
    ("keys", "code"),
    [("yes\n", 0), ("no\n", 3), ("y\n", 3), ("yes please\n", 3), ("\x04", 3), ("yes\x04\x04", 3), ("\x03", 130)],
)
def test_the_question(project: Project, on: On, keys: str, code: int) -> None:
    """It repeats what would happen where, and to how many people; only yes in full is yes, the end of input is no."""
    project.write(PEOPLE)
    seen = on("apply")
    asked = " ".join(seen.until("to continue").split())
    assert re.search(r"Apply 5 creations, 1 tag assignment to connection account-\d+ \(project-\d+\)\?", asked)
    assert '1 person is affected, up to 1 may receive e-mail. Type "yes" to continue:' in asked
    seen.type(keys)
    assert seen.end() == code
    assert "Traceback" not in seen.text
    assert len(project.account.writes) == (6 if code == 0 else 0)
    if code:
        assert ("No changes were made." in seen.text) or code == 130


def test_what_was_typed_before_is_no_answer(project: Project, on: On) -> None:
    """A yes that was typed while the plan was made is thrown away."""
    project.write("tags: [A]\n")
    project.account.fault("latency", method="GET", times=None, seconds=0.3)
    seen = on("apply")
    seen.type("yes\n")
    seen.until("to continue")
    seen.type("no\n")
    assert seen.end() == 3
    assert project.account.writes == []


def test_the_question_names_what_is_lost(project: Project, on: On) -> None:
    """Deletes, people, and what cannot be taken back."""
    project.write("prune: {contact: created}\n", "reconciler.yaml")
    project.write("contacts: [{email: a@example.com}, {email: b@example.com}]\n")
    project.apply()
    project.write("contacts: [{email: a@example.com}]\n")
    seen = on("apply", "--allow", "contacts=1", "--allow", "deletes")
    asked = " ".join(seen.until("to continue").split())
    assert "Apply 1 deletion to connection" in asked
    assert "1 person is deleted permanently. 1 change cannot be reverted." in asked
    seen.type("\x03")
    assert seen.end() == 130
    assert len(project.account.state()["contacts"]) == 2


def test_a_ledger_asks_in_the_same_way(project: Project, on: On) -> None:
    """No default, and only yes."""
    project.write("tags: [A]\n")
    project.apply()
    seen = on("ledger", "forget", "tag/A")
    seen.until("to continue")
    seen.type("\n")
    assert seen.end() == 3
    assert "nothing was forgotten" in seen.text


def test_reading_is_seen(project: Project, on: On) -> None:
    """While pages come each collection has a line, with what the ledger remembers of its size; then they are gone."""
    for number in range(4):
        project.write(
            f"tags: [{', '.join(f'T{n}' for n in range(60 * number, 60 * number + 60))}]\n", f"{number}.yaml"
        )
    project.apply("--parallel", "16")
    project.write("tags: [One more]\n", "more.yaml")
    project.apply()
    project.account.fault("latency", method="GET", times=None, seconds=0.4)
    seen = on("plan", "--refresh", "full")
    moving = seen.until("tags", "of about 240", "calls,", "per second")
    assert re.search(r"(100|200) of about 240", moving)
    assert seen.end() == 0
    assert "of about" not in seen.text
    assert seen.text.startswith("No changes.")


def test_writing_is_seen_and_stopped(project: Project, on: On) -> None:
    """A bar for each kind, their sum, rate and time left; Ctrl-C ends it in order, the bar goes, the report stays."""
    project.write(MANY + "contacts: [{email: a@example.com}]\n")
    project.account.fault("latency", method="POST", times=None, seconds=0.15)
    seen = on("apply", "--yes", "--parallel", "2")
    seen.until("of 40", "of 1", "of 41 done", "per second", "left")
    seen.until("━")
    seen.type("\x03")
    seen.until("Stopping: requests in flight")
    assert seen.end() == 130
    assert "per second" not in seen.text
    assert re.search(r"Run 1 incomplete: \d+ of 41 done", " ".join(seen.text.split()))
    assert "Stopped: interrupted." in seen.text
    assert "Traceback" not in seen.text
    made = len(project.account.state()["tags"])
    assert 0 < made < 40
    project.account.set_faults([])
    ended(project.run("apply", "--yes"), 0)
    project.assert_converged()


def test_failures_stand_above_the_bar(project: Project, on: On) -> None:
    """What fails is said at once, and stays."""
    project.write(MANY)
    project.account.fault(
        "status", method="POST", path="/api/tags", times=1, status=422, body={"detail": "no such thing"}
    )
    project.account.fault("latency", method="POST", times=None, seconds=0.1)
    seen = on("apply", "--yes", "--parallel", "1")
    seen.until("failed", "done")
    assert seen.end() in (1, 4)
    assert "failed" in seen.text


@pytest.mark.parametrize("columns", [30, 150])
def test_another_size_in_the_middle(project: Project, on: On, columns: int) -> None:
    """A terminal that is made narrower or wider disturbs nothing."""
    project.write(MANY)
    project.account.fault("latency", method="POST", times=None, seconds=0.1)
    seen = on("apply", "--yes", "--parallel", "4")
    seen.until("of 40 done")
    seen.resize(columns)
    assert seen.end() == 0
    assert "40 created" in " ".join(seen.text.split())
    assert len(project.account.state()["tags"]) == 40
