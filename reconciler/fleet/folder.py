"""The folder of a fleet run: plan and log of each account, and the results with which ``--continue`` resumes it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from reconciler.commands import plan_document
from reconciler.config import storage
from reconciler.errors import ConfigurationError
from reconciler.fleet.account import PLAN_FILE, AccountOutput
from reconciler.model.fleet import AccountResult, AccountState, NeededApproval
from reconciler.model.policy import Allow

#: Name of the file with one line for each account that ended, below that of the run itself.
RESULTS, RUN = "results.jsonl", "run.json"
FORMAT_VERSION = "1.0"


class RunFolder:
    """Writes the results of a run as they arrive. Raises ConfigurationError if the folder cannot be used."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def begin(self, command: str, names: Iterable[str]) -> None:
        """Remove what an earlier run left, if reconciler created the folder, and start again."""
        try:
            if self.path.exists() and any(self.path.iterdir()):
                if not (self.path / RUN).is_file():
                    raise ConfigurationError(
                        f"{self.path} is not the folder of a fleet run; name another one (--out)"
                    )
                for each in self.path.iterdir():
                    shutil.rmtree(each) if each.is_dir() and not each.is_symlink() else each.unlink()
            storage.make_private_folder(self.path)
            document = {"format_version": FORMAT_VERSION, "command": command, "accounts": list(names)}
            storage.write(self.path / RUN, _line(document))
            storage.write(self.path / RESULTS, b"")
        except OSError as error:
            raise self._unusable(error) from error

    def resume(self, command: str) -> tuple[list[str], dict[str, AccountResult]]:
        """The accounts of the interrupted run, and the results of those that are finished."""
        names, results = self._read(command, "there is no run to continue", "leave --continue out")
        done = {name: result for name, result in results.items() if is_done(result, command)}
        try:
            storage.write(self.path / RESULTS, b"".join(_line(_document(result)) for result in results.values()))
        except OSError as error:
            raise self._unusable(error) from error
        return names, done

    def saved_plans(self) -> tuple[list[str], dict[str, AccountResult]]:
        """The accounts that ``fleet plan --out`` planned, and their results."""
        return self._read("plan", "there are no saved plans", "create them with `reconciler fleet plan --out DIR`")

    def saved_plan(self, name: str) -> str | None:
        """The content of the plan file of one account, if there is one."""
        path = self.path / name / PLAN_FILE
        try:
            return storage.read(path, plan_document.MAX_PLAN_BYTES).decode()
        except FileNotFoundError:
            return None
        except (OSError, UnicodeError) as error:
            raise ConfigurationError(f"cannot read the plan file {path}: {error}") from error

    def _read(self, command: str, missing: str, hint: str) -> tuple[list[str], dict[str, AccountResult]]:
        """The accounts of a run, and the last result of each."""
        try:
            run = json.loads((self.path / RUN).read_text("utf-8"))
            lines = (self.path / RESULTS).read_text("utf-8").splitlines(keepends=True)
            whole = [line for line in lines if line.endswith("\n")]  # the last one may have been cut
            results = [_result(json.loads(line)) for line in whole]
            names, begun = [str(name) for name in run["accounts"]], str(run["command"])
        except OSError as error:
            raise ConfigurationError(f"{missing} in {self.path}: {error.strerror}; {hint}") from error
        except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError):
            raise ConfigurationError(f"{self.path / RUN} is damaged; {hint}") from None
        if begun != command:
            raise ConfigurationError(f"{self.path} holds a run of `fleet {begun}`, not of `fleet {command}`")
        return names, {result.name: result for result in results}

    def add(self, output: AccountOutput) -> None:
        """Write the files of one account, and its result when they are there."""
        folder = self.path / output.result.name
        try:
            if output.files:
                folder.mkdir(mode=0o700, exist_ok=True)
            for name, text in output.files.items():
                storage.write(folder / name, text.encode("utf-8", "backslashreplace"))
            if output.result.state is not AccountState.NOT_RUN:
                with (self.path / RESULTS).open("ab") as stream:
                    stream.write(_line(_document(output.result)))
        except OSError as error:
            raise self._unusable(error) from error

    def write(self, name: str, text: str) -> None:
        """One file of the whole run."""
        try:
            storage.write(self.path / name, text.encode("utf-8", "backslashreplace"))
        except OSError as error:
            raise self._unusable(error) from error

    def _unusable(self, error: OSError) -> ConfigurationError:
        return ConfigurationError(f"cannot write to {self.path}: {error.strerror}; name another folder (--out)")


def is_done(result: AccountResult, command: str) -> bool:
    """Whether an account needs no second run; one that was planned only is not applied."""
    if command == "apply":
        return result.state is AccountState.APPLIED or (
            result.state is AccountState.UNCHANGED and not result.writes_ledger
        )
    return result.state.is_good


def _line(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=True).encode() + b"\n"


def _document(result: AccountResult) -> dict[str, Any]:
    return {**asdict(result), "state": result.state.value, "counts": dict(result.counts)}


def _result(document: Mapping[str, Any]) -> AccountResult:
    needs = [(Allow(allow).value, int(number), str(reason)) for allow, number, reason in document["needs"]]
    return AccountResult(
        name=str(document["name"]),
        state=AccountState(document["state"]),
        exit_code=int(document["exit_code"]),
        counts={str(name): int(number) for name, number in document["counts"].items()},
        reads=int(document["reads"]),
        writes=int(document["writes"]),
        people=int(document["people"]),
        seconds=float(document["seconds"]),
        error=str(document["error"]),
        needs=tuple(NeededApproval(*each) for each in needs),
        protected=str(document["protected"]),
        writes_ledger=bool(document["writes_ledger"]),
        key=str(document["key"]),
        wave=int(document["wave"]),
    )
