"""Any two states, edits by hand between them, an undo of any run: what was there before us is never deleted."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from reconciler.emulator import Account, Emulator
from tests.properties import hand
from tests.properties.worlds import HAND, World, desired, seeds
from tests.support.project import Project

ALLOWED = [flag for name in ("deletes", "updates", "contacts", "recreate", "emails") for flag in ("--allow", name)]
#: What nothing but a deletion ends. Taggings and access may be taken back; a webhook with another url is replaced.
KEPT = ("tags", "contacts", "contact_fields")


def started(server: Emulator, account: Account, folder: Path, seed: World) -> Project:
    """A folder without a past, on an account that holds the seed, every enrollment of it twice."""
    account.replace({**seed, "enrollments": [*seed["enrollments"], *seed["enrollments"]]}, {})
    project = Project(folder, server, account)
    project.env |= {"S1": "first secret", "S2": "second secret", "RECONCILER_LEDGER": "sqlite:///ledger.db"}
    for old in folder.glob("ledger.db*"):
        old.unlink()
    return project


def deleted(account: Account) -> set[str]:
    """The paths of what was deleted since the log was emptied, relations excepted."""
    return {each["path"] for each in account.writes if each["method"] == "DELETE" and each["path"].count("/") == 3}


@given(data=st.data(), seed=seeds(), edits=HAND, run=st.integers(1, 2))
def test_what_was_there_is_never_deleted(
    server: Emulator,
    make_account: Callable[..., Account],
    tmp_path: Path,
    data: Any,
    seed: World,
    edits: list[tuple[str, int, int]],
    run: int,
) -> None:
    """Apply, edits by hand, another apply, an undo, the same apply again; each run may be refused, none fails."""
    project = started(server, make_account(), tmp_path, seed)
    ids = project.account.ids()
    there = {f"/api/{section}/{number}" for section in KEPT for number in ids.get(section, {}).values()}
    first = data.draw(desired(seed), "first")
    second = data.draw(desired(seed, first), "second")
    project.account.clear()
    for step, world in enumerate((first, second)):
        project.write(json.dumps(world, ensure_ascii=False))
        done = project.run("apply", "--yes", *ALLOWED)
        assert done.code in (0, 1, 3, 4), done.err
        assert "unexpected" not in done.err + done.out
        if step == 0:
            hand.do(project.account, edits)
    undone = project.run("undo", str(run), "--yes", *ALLOWED)
    assert undone.code in (0, 1, 3, 4), undone.err
    again = project.run("apply", "--yes", *ALLOWED)
    assert again.code in (0, 1, 3, 4), again.err
    assert not deleted(project.account) & there


@given(data=st.data(), seed=seeds(), change=st.sampled_from(["connection", "ledger", "files"]))
def test_a_plan_file_belongs_to_its_account_and_ledger(
    server: Emulator, make_account: Callable[..., Account], tmp_path: Path, data: Any, seed: World, change: str
) -> None:
    """Taken to another connection or ledger it is refused and nothing is written; other files make no difference."""
    project = started(server, make_account(), tmp_path, seed)
    project.write(json.dumps(data.draw(desired(seed)), ensure_ascii=False))
    project.run("apply", "--yes", *ALLOWED)
    project.write(json.dumps(data.draw(desired(seed)), ensure_ascii=False))
    if project.run("plan", "--out", "plan.json").code:
        return
    env, other = {}, make_account(seed)
    if change == "connection":
        env = {"RECONCILER_CONNECTION": other.connection, "RECONCILER_LEDGER": "sqlite:///other.db"}
    elif change == "ledger":
        env = {"RECONCILER_LEDGER": "sqlite:///other.db"}
    project.account.clear()
    done = project.run("apply", "--plan", "plan.json", "--yes", *ALLOWED, env=env)
    assert not other.writes
    if change != "files":
        assert done.code in (1, 3), done.out
        assert not project.account.writes
    for old in tmp_path.glob("other.db*"):
        old.unlink()
