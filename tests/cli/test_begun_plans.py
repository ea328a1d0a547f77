"""A saved plan that a run has begun: the same command again does the rest of it, and nothing else."""

from __future__ import annotations

import pytest

from tests.cli.support import ended
from tests.support.hands import delete_tag
from tests.support.project import Project

FIRST = "tags: [Gold, Old]\ncontacts: [{email: bob@example.com, first_name: Bob}]\n"
SECOND = """\
tags: [{name: Premium, renamed_from: Gold}, New, Other]
contacts:
  - {email: bob@example.com, first_name: Robert, tags: [New]}
  - {email: ann@example.com, tags: [Premium]}
"""


@pytest.fixture
def saved(project: Project) -> Project:
    """A project with a plan of creations, an update, a rename and a deletion."""
    project.write(FIRST)
    project.apply()
    project.write(SECOND)
    ended(project.run("plan", "--out", "plan.json"), 0)
    project.account.clear()
    return project


def again(project: Project, *args: str) -> int:
    return project.run("apply", "--plan", "plan.json", "--yes", "--parallel", "1", "--allow", "deletes", *args).code


@pytest.mark.parametrize("calls", range(3, 10))
def test_the_same_command_does_the_rest(saved: Project, calls: int) -> None:
    """Stopped after any number of calls: exit 4, then 0; every write is sent once."""
    assert again(saved, "--max-calls", str(calls)) == 4
    assert again(saved) == 0
    writes = [f"{each['method']} {each['path']} {each['body']}" for each in saved.account.writes]
    assert len(writes) == len(set(writes)) == 8
    saved.assert_converged()


def test_step_by_step(saved: Project) -> None:
    """One write at a time: each run rests on all before it."""
    codes = []
    while not codes or codes[-1] == 4:
        codes.append(again(saved, "--max-calls", "4"))
        assert len(codes) < 12
    assert codes[-1] == 0
    assert len(saved.account.writes) == 8


def test_what_somebody_else_did_is_stale(saved: Project) -> None:
    """What is so without that run, or no longer so, is no part of the rest."""
    assert again(saved, "--max-calls", "5") == 4
    done = saved.account.state()["tags"]
    missing = next(name for name in ("Other", "New") if name not in done)
    saved.account.edit("POST", "/api/tags", {"name": missing})
    said = ended(saved.run("apply", "--plan", "plan.json", "--yes", "--allow", "deletes"), 3, "the plan is stale")
    assert f"tag/{missing}: was create, is now adopt" in said


def test_what_the_run_made_and_somebody_deleted(saved: Project) -> None:
    """It would be made again: that is what was planned."""
    assert again(saved, "--max-calls", "8") == 4
    name = next(name for name in ("Other", "New") if name in saved.account.state()["tags"])
    delete_tag(saved, name)
    assert again(saved) == 0
    assert name in saved.account.state()["tags"]


def test_a_finished_plan_is_stale(saved: Project) -> None:
    """What was carried out to its end is not carried out again."""
    assert again(saved) == 0
    ended(saved.run("apply", "--plan", "plan.json", "--yes"), 3, "the plan is stale")


def test_a_plan_of_another_time_is_not_helped_by_a_run(saved: Project) -> None:
    """Only runs of this very plan count."""
    assert again(saved, "--max-calls", "5") == 4
    saved.write(SECOND.replace("Other]", "Other, More]"))
    ended(saved.run("apply", "--yes", "--allow", "deletes"), 0)
    said = ended(saved.run("apply", "--plan", "plan.json", "--yes", "--allow", "deletes"), 3, "the plan is stale")
    assert "tag/More: not in the plan" in said
