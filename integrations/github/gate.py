"""What is asked for → whether to go on, and the names under which this plan is kept and told."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from workflow import Failed, event, notice, output, summary, told

COMMANDS = ("plan", "apply", "drift")
WAYS = ("auto", "skip", "fail")

THROWN_AWAY = (
    "the ledger is a file of this runner and is gone with it: nothing would ever be pruned or recovered. "
    "Give `ledger` a PostgreSQL URL, or `ledger-fetch` and `ledger-store` commands in its place; nothing was changed"
)


def gate() -> int:
    """Check the inputs; say what is to be done under which name. Without a key, skip or fail."""
    command = told("COMMAND")
    if command not in COMMANDS:
        raise Failed(f"command is {command!r}; write one of {', '.join(COMMANDS)}")
    if told("MISSING_KEY") not in WAYS:
        raise Failed(f"missing-key is {told('MISSING_KEY')!r}; write one of {', '.join(WAYS)}")
    _check_ledger(command)
    stem = f"reconciler-plan-{name()}"
    output("name", name())
    output("stem", stem)
    output("artifact", f"{stem}-{commit()}")
    output("run", "true" if _has_key(command) else "false")
    return 0


def name() -> str:
    """What tells this project from others of the repository: its folder and environment, as signs that fit anywhere.

    ``.`` without an environment is ``default``.
    """
    path = PurePosixPath(told("PROJECT").replace("\\", "/"))
    parts = [part for part in (*path.parts, told("ENVIRONMENT")) if part not in ("", ".", "/")]
    return re.sub(r"[^A-Za-z0-9_.]+", "-", "-".join(parts)).strip("-") or "default"


def commit() -> str:
    """The commit that is planned: the head of the pull request, not its merge commit."""
    head = event().get("pull_request", {}).get("head", {})
    return str(head.get("sha") or told("GITHUB_SHA"))


def is_outside() -> bool:
    """Whether this is a pull request that gets no secrets: of a fork, or of Dependabot."""
    request = event().get("pull_request")
    if not request:
        return False
    repository = (request.get("head", {}).get("repo") or {}).get("full_name")
    return repository != told("GITHUB_REPOSITORY") or told("GITHUB_ACTOR") == "dependabot[bot]"


def _check_ledger(command: str) -> None:
    fetch, store = told("LEDGER_FETCH") == "true", told("LEDGER_STORE") == "true"
    if fetch and told("LEDGER_GIVEN") == "true":
        raise Failed("`ledger` and `ledger-fetch` are two ways to the same thing; give one of them")
    if fetch != store and (command == "apply" or store):
        raise Failed("`ledger-fetch` and `ledger-store` belong together; give both")
    lasting = told("RUNNER_ENVIRONMENT") == "self-hosted"
    if command != "plan" and told("LEDGER_IS_FILE") == "true" and not lasting:
        raise Failed(THROWN_AWAY, code=3, title="reconciler refused")


def _has_key(command: str) -> bool:
    if told("HAS_KEY") == "true":
        return True
    skip = told("MISSING_KEY") == "skip" or (told("MISSING_KEY") == "auto" and is_outside())
    if not skip:
        raise Failed("`maton-api-key` is empty: set the secret, or say `missing-key: skip`")
    why = "Pull requests of forks and of Dependabot get no secrets" if is_outside() else "There is no key"
    text = f"{why}, so the account was not looked at and there is no {command}."
    notice(text)
    summary(f"### No {command}\n\n{text} Somebody who may push can plan it from a branch of this repository.\n")
    return False
