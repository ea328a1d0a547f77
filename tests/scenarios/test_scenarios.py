"""Every file in ``cases``: plan, apply, then plan again (empty) and apply again (nothing sent).

``GOLDEN=write`` writes the expectations anew; what changed is then for a person to read, line by line.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reconciler.app import applying, arrivals
from reconciler.emulator import Account, Emulator
from tests.scenarios import case as cases
from tests.scenarios.names import named, numbered
from tests.support.project import Project, Result

FOLDER = Path(__file__).parent / "cases"
PLAN_ONLY = ("--calls",)
APPLY_ONLY = ("--allow", "--confirm", "--max-calls")
#: Native path → section of the emulated account, for the count of calls that a walk takes.
COLLECTIONS = {
    "/api/contacts": "contacts", "/api/tags": "tags", "/api/contact_fields": "contact_fields",
    "/api/webhooks": "webhooks", "/api/school/courses": "courses", "/api/school/enrollments": "enrollments",
    "/api/community/communities": "communities", "/api/community/memberships": "memberships",
}  # fmt: skip
UNPAGED = {"contact_fields", "webhooks"}


class Run:
    """One scenario on its own account; ``found`` is what happened, in the shape of what is expected."""

    def __init__(self, case: dict[str, Any], project: Project) -> None:
        self.case, self.project, self.account = case, project, project.account
        self.found: dict[str, Any] = {}
        self.ids: dict[str, dict[str, Any]] = {}
        self.armed = False

    def prepare(self) -> None:
        """What was applied before, and what the account did since."""
        if settings := self.case.get("settings"):
            self.project.write(settings, "reconciler.yaml")
        if earlier := self.case.get("earlier"):
            self._write(earlier)
            flags = self.case.get("earlier_flags") or []
            done = self.project.run("apply", "--yes", "--parallel", "1", *flags, env=self.case.get("earlier_env"))
            assert done.code == 0, done.err + done.out
        self._remember()
        self._edit("meanwhile")
        self._write(self.case["files"])
        self._remember()
        self.armed = True

    def plan(self) -> bool:
        """Whether there is a plan to apply."""
        before, flags = self._state(), _for(self.case, APPLY_ONLY)
        self.account.clear()
        result = self._run("plan", "--detailed-exitcode", *flags)
        self.found["reads"] = self._reads()
        if result.code == 1:
            self.found |= {"error": result.err, "exit": 1}
            assert not result.out
        else:
            self.found["plan"] = _without_serial(result.out)
            assert not result.err
        assert self._state() == before, "a plan changes nothing"
        assert result.code == (2 if re.search(r"\d to \w+", result.out) else result.code)
        return result.code != 1

    def apply(self) -> None:
        before = self._state()
        self.account.clear()
        self.account.set_faults(self.case.get("faults") or [])
        result = self._run("apply", "--yes", "--parallel", "1", *_for(self.case, PLAN_ONLY))
        self.account.set_faults([])
        self._remember()
        after = self._state()
        if result.code:
            self.found["exit"] = result.code
        if result.code == 3:
            self.found["error"] = result.err
        self.found["says"] = [line for line in map(str.strip, result.out.splitlines()) if _is_remark(line)]
        self.found["requests"] = [self._shown(each) for each in self.account.writes]
        self.found["account_after"] = {name: rows for name, rows in after.items() if rows != before[name]}

    def again(self) -> None:
        """The next plan is empty, with no more reads than needed, and the next apply writes nothing."""
        before = self._state()
        self.account.clear()
        result = self._run("plan", "--detailed-exitcode", *_for(self.case, APPLY_ONLY))
        self._reads()
        if "No changes." not in result.out or len(result.out.strip().splitlines()) > 1:
            self.found["then"] = _without_serial(result.out + result.err)
        if self.found.get("exit"):
            assert result.code == 2, "what failed is still to be done"
            return
        assert result.code == 0, result.out + result.err
        self.account.clear()
        result = self._run("apply", "--yes", *_for(self.case, PLAN_ONLY))
        assert result.code == 0, result.out + result.err
        assert not self.account.writes
        assert self._state() == before

    def unchanged(self) -> None:
        """What cannot be planned is not applied either."""
        before = self._state()
        self.account.clear()
        result = self._run("apply", "--yes", *_for(self.case, PLAN_ONLY))
        assert (result.code, result.err) == (1, self.found["error"])
        assert not self.account.writes
        assert self._state() == before

    def race(self) -> None:
        """What is done to the account between plan and first write, once."""
        if self.armed:
            self.armed = False
            self._edit("race")

    def _state(self) -> dict[str, Any]:
        """The account; how often a pending membership still has to be looked for, and when something ended, is no
        part of it."""
        return {
            section: [_timeless(row) if isinstance(row, dict) else row for row in rows]
            for section, rows in self.account.state().items()
        }

    def _run(self, *args: str) -> Result:
        return self.project.run(*args, env=self.case.get("env"))

    def _write(self, files: Any) -> None:
        for old in self.project.folder.glob("*.yaml"):
            if old.name != "reconciler.yaml":
                old.unlink()
        for name, text in files.items() if isinstance(files, dict) else [("site.yaml", files)]:
            self.project.write(text, name)

    def _edit(self, key: str) -> None:
        for method, path, *body in self.case.get(key) or []:
            path, content = numbered(path, body[0] if body else None, self.account.ids())
            self.account.edit(method, path, content)

    def _remember(self) -> None:
        """Names of ids, the first one kept: a renamed tag is spoken of by its old name."""
        for section, numbers in self.account.ids().items():
            known = self.ids.setdefault(section, {})
            for name, number in numbers.items():
                if number not in known.values():
                    known[f"{name}#{number}" if name in known else name] = number

    def _shown(self, request: Any) -> Any:
        path, body = named(request["path"], request["body"], self.ids)
        line = f"{request['method']} {path}"
        return line if body is None else {line: body}

    def _reads(self) -> list[str]:
        """Collections and looks; every collection took max(1, n/100) calls and not one more."""
        log = [each for each in self.account.requests if each["path"] != "/connections"]
        assert all(each["method"] == "GET" for each in log)
        state = self._state()
        walks: dict[str, int] = {}
        looks = []
        for each in log:
            section = COLLECTIONS.get(each["path"])
            if section and not set(each["query"]) - {"limit", "startingAfter"}:
                walks[section] = walks.get(section, 0) + 1
            else:
                looks.append(f"GET {named(each['path'], None, self.ids)[0]}")
        for section, calls in walks.items():
            rows = 1 if section in UNPAGED else len(state[section])
            assert calls == max(1, -(-rows // 100)), f"{section}: {calls} calls for {rows} rows"
        return sorted(walks) + sorted(looks)


def _timeless(row: dict[str, Any]) -> dict[str, Any]:
    return {key: True if key in ("pending", "cancelled_at") else value for key, value in row.items()}


def _for(case: dict[str, Any], others: tuple[str, ...]) -> list[str]:
    """The flags of one command: not those that only the other one has."""
    flags = case.get("flags") or []
    return [flag for flag in flags if not flag.startswith(others)]


def _without_serial(text: str) -> str:
    return re.sub(r"ledger serial \d+", "ledger serial N", text)


def _is_remark(line: str) -> bool:
    return line.startswith(("failed:", "skipped:", "note:", "Stopped:"))


@pytest.fixture
def make_run(
    server: Emulator, make_account: Callable[..., Account], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[dict[str, Any]], Run]:
    """Makes runs in a folder ``site``; waiting for memberships takes no time, and the race is run once."""

    def make(case: dict[str, Any]) -> Run:
        folder = tmp_path / "site"
        folder.mkdir()
        seed = dict(case.get("account") or {})
        project = Project(folder, server, make_account(seed))
        project.env["RECONCILER_DIALECT"] = (seed.get("options") or {}).get("dialect", "vendor")
        run = Run(case, project)
        monkeypatch.setattr(arrivals, "INTERVALS", (0.0, 0.0, 0.0, 0.0))
        monkeypatch.setattr(applying, "carry_out", _after(run.race, applying.carry_out) if "race" in case else
                            applying.carry_out)  # fmt: skip
        return run

    return make


def _after(first: Callable[[], None], then: Callable[..., Any]) -> Callable[..., Any]:
    def both(*args: Any) -> Any:
        first()
        return then(*args)

    return both


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.yaml")), ids=lambda path: path.stem)
def test_scenario(path: Path, make_run: Callable[[dict[str, Any]], Run], monkeypatch: pytest.MonkeyPatch) -> None:
    """Plan, requests, account and exit code are as written; then nothing is left to do."""
    case = cases.load(path)
    run = make_run(case)
    run.prepare()
    if days := case.get("days_later"):
        now = time.time
        monkeypatch.setattr(time, "time", lambda: now() + days * 86_400)
    if run.plan():
        run.apply()
        if run.found.get("exit") != 3:
            run.again()
    else:
        run.unchanged()
    found = {key: value for key, value in run.found.items() if value}
    if os.environ.get("GOLDEN") == "write":
        cases.save(path, found)
        case = cases.load(path)
    assert found == cases.expected(case)
