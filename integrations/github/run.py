"""The step of the GitHub action that runs reconciler and writes annotations, the job summary and the comment.

action.yml starts it with ``python -I``, so nothing in the checkout can be imported or run.
"""

from __future__ import annotations

import os
import re
import secrets
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote

NO_LEDGER = (
    "The ledger {} does not exist, and a new one would be lost with this runner. Use the URL of a PostgreSQL "
    "database, or download the file in a step before and store it in a step after. For the first run ever, create it "
    "empty (touch)."
)
#: Exit code → how the run ended.
ENDS = {1: "failed", 3: "refused", 4: "stopped before the end", 130: "interrupted"}
#: Exit code of an apply → how to continue.
HINTS = {
    3: "The plan is never recalculated automatically. To continue, run this workflow by hand with `plan`, review "
    "that plan, then run it by hand with `apply`, and with the approvals (--allow) that are missing.",
    4: "The completed changes are recorded. Run this job again for the rest.",
}


def run() -> int:
    """Run ``plan``, ``apply`` or ``drift``, of one account or of a fleet, and set the outputs of the step."""
    command, fleet, kept, own = env("COMMAND"), env("FLEET"), emptied("reconciler-plan"), emptied("reconciler-out")
    files = {"markdown": own / "report.md"} | ({} if fleet else {"github": own / "annotations"})
    flags = []
    if command == "plan":
        if fleet:  # the folder of the run, with the plan of each account
            files |= {"json": kept / "fleet-report.json"}
        else:
            files |= {"html": kept / "plan.html", "json": kept / "plan.report.json", "sarif": kept / "plan.sarif"}
        flags = ["--out", str(kept if fleet else kept / "plan.json"), "--detailed-exitcode"]
    elif command == "apply":
        saved = temp("reconciler-saved")
        flags = ["--plans", str(saved)] if fleet else ["--plan", str(saved / "plan.json")]
        flags += ["--yes", *(["--confirm", env("ENVIRONMENT")] if env("ENVIRONMENT") else [])]
    flags += [part for form, file in files.items() for part in ("--output", f"{form}={file}")]
    words = ["fleet", command, fleet] if fleet else [command, env("PROJECT")]
    code, printed = reconciler([*words, *flags, *shlex.split(env("ARGUMENTS"))])
    for line in text(own / "annotations").splitlines():
        if line.startswith(("::notice ", "::warning ", "::error ")):
            print(line, flush=True)
    is_good = code == 0 or (code == 2 and command != "apply")
    output("exit-code", str(code))
    output("changes", str(code in ((0, 4) if command == "apply" else (2,))).lower())
    keeps = command == "plan" and (is_good or (kept / "run.json").exists())  # one account does not stop a fleet
    if keeps:
        output("plan", str(kept))
    if (kept / "plan.sarif").exists():
        output("sarif", str(kept / "plan.sarif"))
    report = re.sub(r"\A<!--.*?-->\n", "", text(files["markdown"]))  # the next step adds its own
    show(command, code, report or fenced(printed), is_good=is_good, keeps=keeps)
    return 0 if is_good else code


def show(command: str, code: int, shown: str, *, is_good: bool, keeps: bool) -> None:
    """Write the job summary and, for the next step, the comment or issue."""
    if not is_good:
        ended = f"{command} {ENDS.get(code, f'ended with exit code {code}')}"
        hint = HINTS.get(code, "") if command == "apply" else ""
        annotate(f"{ended} (exit code {code}). {hint}".strip())
        shown = f"### reconciler: {ended}\n\n{hint}\n\n{shown}"
    elif command == "plan":
        shown += approval_hint(shown)
    page = f"{env('GITHUB_SERVER_URL')}/{env('GITHUB_REPOSITORY')}/actions/runs/{env('GITHUB_RUN_ID')}"
    kept = f" · kept as artifact `{env('ARTIFACT')}`" if keeps else ""
    people = "" if env("PSEUDONYMS") == "false" else " · people as pseudonyms"
    shown = f"{shown.rstrip()}\n\n---\nCommit {env('COMMIT')[:7]} · [job]({page}){kept}{people}\n"
    with Path(env("GITHUB_STEP_SUMMARY")).open("a", encoding="utf-8") as summary:
        summary.write(shown)
    if command == "plan" or (command == "drift" and is_good):
        body = temp("reconciler-out/body.md")
        body.write_text(f"<!-- reconciler: {command} {env('NAME')} -->\n{shown}", encoding="utf-8")
        output("body", str(body))


def approval_hint(report: str) -> str:
    """How to give the approvals that a plan lists, as a sentence to add to it; empty without any."""
    flags = re.findall(r"^- `(--allow [^`]+)`", report, re.MULTILINE)
    if not flags:
        return ""
    how = "run this workflow by hand on the default branch: first `plan`, then `apply` with the arguments"
    return f"\n\nThe apply after the merge will be refused. To give the approvals, {how}\n`{' '.join(flags)}`."


def reconciler(args: list[str]) -> tuple[int, str]:
    """Run one command in the checkout; its output cannot contain workflow commands.

    Signals are passed on, so that a cancelled apply records what it did.
    """
    options = [] if env("PSEUDONYMS") == "false" else ["--redact"]
    options += ["-e", env("ENVIRONMENT")] if env("ENVIRONMENT") else []
    word = secrets.token_hex(16)
    print(f"::stop-commands::{word}", flush=True)
    printed = []
    words = [str(temp("reconciler-tool/bin/python")), "-I", "-m", "reconciler", *options, *args]
    with subprocess.Popen(
        words,
        cwd=env("GITHUB_WORKSPACE"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
    ) as process:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda received, _: process.send_signal(received))
        for line in process.stdout or ():
            printed.append(line)
            print(line, end="", flush=True)
    print(f"\n::{word}::", flush=True)
    code = process.returncode
    return (code if code >= 0 else 128 - code), "".join(printed)


def check_ledger() -> None:
    """Refuse a ledger in a file that would be lost; hide the password of one in a database."""
    url = env("RECONCILER_LEDGER")
    scheme, _, path = url.partition(":///")
    if scheme == "sqlite" and not Path(path).exists() and env("RUNNER_ENVIRONMENT") != "self-hosted":
        annotate(NO_LEDGER.format(path))
        sys.exit(3)
    password = url.partition("://")[2].rpartition("@")[0].partition(":")[2]
    for secret in (env("MATON_API_KEY"), env("RECONCILER_LEDGER_KEY"), url, password, unquote(password)):
        if len(secret) > 3:
            print(f"::add-mask::{escaped(secret)}", flush=True)


def env(name: str) -> str:
    """A variable of the step; empty when it is not set."""
    return os.environ.get(name, "").strip()


def temp(name: str) -> Path:
    """A path that exists until the end of the job."""
    return Path(env("RUNNER_TEMP")) / name


def emptied(name: str) -> Path:
    """An empty folder of this job that only its user can read."""
    folder = temp(name)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    return folder


def text(file: Path) -> str:
    """The content of the file; empty if there is none."""
    return file.read_text(encoding="utf-8") if file.is_file() else ""


def fenced(printed: str) -> str:
    """The end of the output as a code block, with a fence longer than any run of backticks in it."""
    shown = printed.strip()[-20_000:]
    fence = "`" * (max((len(run) for run in re.findall("`{3,}", shown)), default=2) + 1)
    return f"{fence}text\n{shown}\n{fence}"


def output(name: str, value: str) -> None:
    """Set an output of the step; each is one line."""
    with Path(env("GITHUB_OUTPUT")).open("a", encoding="utf-8") as file:
        file.write(f"{name}={value}\n")


def annotate(message: str) -> None:
    """Write an error of the job."""
    print(f"::error title=reconciler::{escaped(message)}", flush=True)


def escaped(message: str) -> str:
    """The text as one line of a workflow command."""
    return message.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


if __name__ == "__main__":
    check_ledger()
    sys.exit(run())
