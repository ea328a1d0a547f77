"""Any two states with edits, an undo, open intents or lying answers in between: only what is ours is deleted."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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


def paths_of(account: Account) -> set[str]:
    """The paths of what the account holds and nothing but a deletion ends."""
    ids = account.ids()
    return {f"/api/{section}/{number}" for section in KEPT for number in ids.get(section, {}).values()}


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
    """Apply, edits by hand, another apply, an undo, the same apply again; each run may be refused, none fails.

    What somebody made by hand in between, in place of one of ours, is theirs as well.
    """
    project = started(server, make_account(), tmp_path, seed)
    there = paths_of(project.account)
    first = data.draw(desired(seed), "first")
    second = data.draw(desired(seed, first), "second")
    project.account.clear()
    for step, world in enumerate((first, second)):
        project.write(json.dumps(world, ensure_ascii=False))
        done = project.run("apply", "--yes", *ALLOWED)
        assert done.code in (0, 1, 3, 4), done.err
        assert "unexpected" not in done.err + done.out
        if step == 0:
            ours = paths_of(project.account)
            hand.do(project.account, edits)
            there |= paths_of(project.account) - ours  # under a name of ours, but with another id
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


LOST = st.sampled_from(["drop_before", "drop_after"])


@given(data=st.data(), seed=seeds(), lost=LOST, nth=st.integers(1, 4))
def test_target_keeps_open_intents(
    server: Emulator,
    make_account: Callable[..., Account],
    tmp_path: Path,
    data: Any,
    seed: World,
    lost: str,
    nth: int,
) -> None:
    """A create without an answer and without a look; a run for one address only; then files that may not name it.

    What we made by then is ours to remove, what was there stays.
    """
    project = started(server, make_account(), tmp_path, seed)
    there = paths_of(project.account)
    first, second = (data.draw(desired(seed), name) for name in ("first", "second"))
    project.account.clear()
    project.write(json.dumps(first, ensure_ascii=False))
    rules: list[dict[str, Any]] = [
        {"kind": lost, "match": {"method": "POST", "nth": nth, "times": None}},
        {"kind": "status", "status": 403, "match": {"method": "GET", "times": None}},
    ]
    project.run("apply", "--yes", *ALLOWED, on_output=lambda: project.account.set_faults(rules))
    project.account.set_faults([])
    target = data.draw(st.sampled_from(["tag/*", "contact/*", "webhook/*"]), "target")
    done = project.run("apply", "--yes", *ALLOWED, "--target", target)
    assert done.code in (0, 1, 3, 4), done.err
    project.write(json.dumps(second, ensure_ascii=False))
    done = project.run("apply", "--yes", *ALLOWED)
    assert done.code in (0, 1, 3, 4), done.err
    assert not deleted(project.account) & there
    if done.code == 0:
        named = {tag if isinstance(tag, str) else tag["name"] for tag in second.get("tags", ())}
        assert set(project.account.state()["tags"]) == {*seed["tags"], *named}


@given(data=st.data(), seed=seeds(), lie=st.sampled_from(["filters", "page"]), nth=st.integers(1, 6))
def test_answers_that_lie(
    server: Emulator,
    make_account: Callable[..., Account],
    tmp_path: Path,
    data: Any,
    seed: World,
    lie: str,
    nth: int,
) -> None:
    """Lists show others than were asked for while an answer is lost, or a proxy answers with a 404 page of its own.

    The next apply brings about what the files say, once, and takes nothing away that was there.
    """
    project = started(server, make_account(), tmp_path, {**seed, "enrollments": []})
    there, account = paths_of(project.account), project.account
    project.write(json.dumps(data.draw(desired(seed)), ensure_ascii=False))
    account.clear()
    page = {"kind": "status", "status": 404, "body": "<html><title>Not here</title></html>"}
    rules = {
        "filters": {"kind": "drop_before", "match": {"method": "POST", "nth": nth}},
        "page": {**page, "match": {"method": "POST", "nth": nth}},
    }
    with unfiltered(account, lie == "filters"):
        project.run("apply", "--yes", *ALLOWED, on_output=lambda: account.set_faults([rules[lie]]))
    account.set_faults([])
    done = project.run("apply", "--yes", *ALLOWED)
    assert done.code in (0, 1, 3, 4), done.err
    assert not deleted(account) & there
    rows = account.state()["enrollments"]
    assert all(count == 1 for count in Counter((row["contact"], row["course"]) for row in rows).values())
    if done.code == 0:
        project.assert_converged()


@contextmanager
def unfiltered(account: Account, ignores: bool) -> Iterator[None]:
    """Lists ignore what they are filtered by, if ``ignores``."""
    answer = account.answer

    def lying(method: str, path: str, query: dict[str, str], *rest: Any) -> Any:
        kept = {name: value for name, value in query.items() if name in ("limit", "startingAfter")}
        return answer(method, path, kept if method == "GET" and ignores else query, *rest)

    account.answer = lying  # type: ignore[method-assign]
    try:
        yield
    finally:
        account.answer = answer  # type: ignore[method-assign]
