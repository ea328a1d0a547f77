"""One scenario carried out: what was applied before, a plan, its apply, the next plan, and the acts that follow."""

from __future__ import annotations

import itertools
import json
import re
import time
from collections.abc import Callable, Mapping
from typing import Any

from tests.scenarios.coherent import check_plan
from tests.scenarios.names import named, numbered
from tests.scenarios.recorded import approvals, has_changes, ledger_lines, ledger_of, plan_lines, totals
from tests.support.project import Project, Result

PLAN_ONLY = ("--calls",)
APPLY_ONLY = ("--allow", "--confirm", "--max-calls")
#: Sections of the account that the API lists in one answer.
UNPAGED = {"contact_fields", "webhooks"}
#: Text for people on standard output, and the same as a document.
REPORTS = ("--output", "text", "--output", "json=../report.json")
#: What an act of ``later`` may say.
ACT = frozenset(
    {"files", "settings", "meanwhile", "env", "flags", "race", "faults", "kill", "undo", "command", "days_later"}
)


class Run:
    """One scenario on its own account; ``found`` is what happened, in the shape of what is expected."""

    def __init__(self, case: dict[str, Any], project: Project) -> None:
        self.case, self.project, self.account = case, project, project.account
        self.found: dict[str, Any] = {}
        self.ids: dict[str, dict[str, Any]] = {}
        self.ledger: dict[str, Any] = {}
        self.parallel = str(case.get("parallel", 1))

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
        self._edit(self.case.get("meanwhile"))
        self._write(self.case["files"])
        self._remember()
        self.ledger = ledger_of(self.project, self.case.get("env"))

    def plan(self) -> bool:
        """Whether there is a plan to apply."""
        before, flags = self._state(), _for(self.case, APPLY_ONLY)
        self.account.clear()
        result = self._run("plan", "--detailed-exitcode", "--json", *flags)
        self.found["reads"] = self._reads()
        if result.code == 1:
            self.found |= {"error": result.err, "exit": 1}
        else:
            assert (result.code, result.err) == (2 if has_changes(result.document) else 0, "")
            self.found |= _planned(result) | {"totals": totals(result.document)}
            self._check_origins(result.document["changes"])
        assert self._state() == before, "a plan changes nothing"
        if "text" in self.case:
            self.found["text"] = _without_serial(self._run("plan", *flags).out)
        return result.code != 1

    def _check_origins(self, changes: list[dict[str, Any]]) -> None:
        """What the files ask for says where: at something that stands there."""
        for each in changes:
            if each["action"] in ("create", "adopt", "update", "replace") and each["cause"] != "released":
                origin = each["origin"]
                lines = (self.project.folder / origin["file"]).read_text(encoding="utf-8").splitlines()
                assert lines[origin["line"] - 1][origin["column"] - 1].strip(), each["address"]

    def apply(self) -> None:
        """Carry it out, with what is done to the account between plan and first write."""
        before = self._state()
        self.account.clear()
        self.account.set_faults(self.case.get("faults") or [])
        flags = [*REPORTS, "--parallel", self.parallel, *_for(self.case, PLAN_ONLY)]
        result = self._run("apply", "--yes", *flags, on_output=lambda: self._edit(self.case.get("race")))
        self.account.set_faults([])
        self._remember()
        if result.code:
            self.found["exit"] = result.code
        if result.code == 3:
            self.found["error"] = result.err
        report = self._report()
        self.found["failed"] = [_step(each) for each in report.get("outcomes", ()) if _is_remarkable(each)]
        self.found |= self._happened(before, report)

    def again(self) -> None:
        """The next plan is empty, with no more reads than needed, and the next apply writes nothing."""
        before = self._state()
        self.account.clear()
        result = self._run("plan", "--detailed-exitcode", "--json", *_for(self.case, APPLY_ONLY))
        self._reads()
        assert not result.err
        self.found["then"] = plan_lines(result.document)
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

    def act(self, act: dict[str, Any]) -> dict[str, Any]:
        """One act of ``later``: what is planned, what it does, and what the plan after it would do."""
        unknown = set(act) - ACT
        assert not unknown, f"unknown {unknown} in `later`"
        env = {**(self.case.get("env") or {}), **(act.get("env") or {})}
        self._change(act)
        before = self._state()
        found: dict[str, Any] = {}
        if not {"undo", "command"} & set(act):
            planned = self.project.run("plan", "--json", *_for(act, APPLY_ONLY), env=env)
            found = _planned(planned)
            assert self._state() == before, "a plan changes nothing"
            if planned.code:
                return found
        self.account.clear()
        self.account.set_faults(act.get("faults") or [])
        code = self._killed(act, env) if "kill" in act else self._acted(act, env)
        self.account.set_faults([])
        self._remember()
        report = self._report()
        if "undo" in act:
            found = {"plan": plan_lines(report), "approvals": approvals(report)} if report else {}
        found |= {"exit": code} | self._happened(before, report)
        found["failed"] = [
            f"{each['status']} {each['address']}" for each in report.get("outcomes", ()) if each["status"] != "done"
        ]
        if not code and not {"undo", "command"} & set(act):
            found["then"] = _planned(self.project.run("plan", "--json", *_for(act, APPLY_ONLY), env=env)).get("plan")
        return {key: value for key, value in found.items() if value}

    def _change(self, act: Mapping[str, Any]) -> None:
        """Other files, and what somebody else does."""
        if "settings" in act:
            self.project.write(act["settings"], "reconciler.yaml")
        if "files" in act:
            self._write(act["files"])
        self._edit(act.get("meanwhile"))
        self._remember()

    def _acted(self, act: Mapping[str, Any], env: Mapping[str, Any]) -> int:
        flags = _for(act, PLAN_ONLY)
        args = ["apply", "--yes", *REPORTS, "--parallel", self.parallel, *flags]
        if "undo" in act:
            args = ["undo", str(act["undo"]), "--yes", *REPORTS, "--parallel", self.parallel, *flags]
        if "command" in act:
            args = list(act["command"])
        return self.project.run(*args, env=env, on_output=lambda: self._edit(act.get("race"))).code

    def _killed(self, act: Mapping[str, Any], env: Mapping[str, Any]) -> int:
        """A process of its own that is killed while the write that matches ``kill`` is on its way or carried out."""
        kill = dict(act["kill"])
        done = bool(kill.pop("done", True))
        self.account.set_faults([{"kind": "timeout", "match": kill, "commit": done, "seconds": 60}])
        args = ["apply", "--yes", "--parallel", self.parallel, *_for(act, PLAN_ONLY)]
        process = self.project.started(*args, env=env)
        try:
            while process.poll() is None and not any(each["fault"] for each in self.account.requests):
                time.sleep(0.002)
            assert process.poll() is None, f"it ended without the write {kill}"
        finally:
            process.kill()
            process.wait()
        return int(process.returncode)

    def _happened(self, before: dict[str, Any], report: dict[str, Any]) -> dict[str, Any]:
        """Writes, the account and the ledger after a command."""
        after, writes = self._state(), self.account.writes
        requests = [self._shown(each) for each in writes]
        if self.parallel != "1":
            self._check_order(writes, requests)
            requests.sort(key=str)
        ledger = ledger_of(self.project, self.case.get("env"))
        lines = ledger_lines(report.get("changes", ()), self.ledger, ledger)
        self.ledger = ledger
        return {
            "requests": requests,
            "account_after": {name: rows for name, rows in after.items() if rows != before[name]},
            "ledger": lines,
        }

    def _check_order(self, writes: list[Any], requests: list[Any]) -> None:
        """No two writes to one contact side by side, and every chain of ``order`` one after the other."""
        lines = [next(iter(each)) if isinstance(each, dict) else each for each in requests]
        sent = {each["seq"]: line for each, line in zip(writes, lines, strict=True)}
        for each in writes:
            owner = re.match(r"/api/contacts/\w+", each["path"])
            beside = [sent[seq] for seq in each["beside"] if seq in sent]
            others = [w["path"] for w in writes if w["seq"] in each["beside"]]
            assert not (owner and any(path.startswith((f"{owner[0]}/", owner[0])) for path in others)), beside
        for chain in self.case.get("order") or []:
            places = [[seq for seq, line in sent.items() if f"{line}$".startswith(part)] for part in chain]
            assert all(places), f"not all of {chain} were sent"
            for earlier, later in itertools.pairwise(places):
                assert max(earlier) < min(later), f"{chain}: {lines}"
                running = {seq for each in writes if each["seq"] in later for seq in each["beside"]}
                assert not running & set(earlier), f"{chain}: side by side"

    def _report(self) -> dict[str, Any]:
        """The document of the last command, once."""
        path = self.project.folder.parent / "report.json"
        if not path.exists():
            return {}
        document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        path.unlink()
        return document

    def _state(self) -> dict[str, Any]:
        """The account; how often a pending membership still has to be looked for, and when something ended, is no
        part of it."""
        return {
            section: [_timeless(row) if isinstance(row, dict) else row for row in rows]
            for section, rows in self.account.state().items()
        }

    def _run(self, *args: str, on_output: Callable[[], None] | None = None) -> Result:
        return self.project.run(*args, env=self.case.get("env"), on_output=on_output)

    def _write(self, files: Any) -> None:
        for old in self.project.folder.glob("*.yaml"):
            if old.name != "reconciler.yaml":
                old.unlink()
        for name, text in files.items() if isinstance(files, dict) else [("site.yaml", files)]:
            self.project.write(text, name)

    def _edit(self, requests: list[Any] | None) -> None:
        for method, path, *body in requests or []:
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
            section = each["path"].rpartition("/")[2]
            if section in state and not set(each["query"]) - {"limit", "startingAfter"}:
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
    return re.sub(
        r"ledger serial \d+", "ledger serial N", re.sub(r"connection account-\d+", "connection account-N", text)
    )


def _is_remarkable(outcome: dict[str, Any]) -> bool:
    return bool(outcome["status"] != "done" or outcome["differs"])


def _step(outcome: dict[str, Any]) -> Any:
    """``failed tag/Old: why``; of one that is done, what the server made of a value."""
    line = f"{outcome['status']} {outcome['address']}"
    line += f": {outcome['message']}" if outcome["status"] != "done" else ""
    sides = {name: [each["sent"], each["is"]] for name, each in outcome["differs"].items()}
    return {line: sides} if sides else line


def _planned(result: Result) -> dict[str, Any]:
    """A plan as JSON in short; of one that is refused the exit code."""
    if result.code == 1:
        return {"exit": 1}
    check_plan(result.document)
    return {"plan": plan_lines(result.document), "approvals": approvals(result.document)}
