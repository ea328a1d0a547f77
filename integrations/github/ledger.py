"""The ledger between a private store of the user's and this runner: fetched before, stored after every apply."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

from tool import emptied, reconciler, secrets_masked
from workflow import Failed, notice, output, quoted, temp, told

FOLDER = "reconciler-ledger"
#: A store that fails is tried so many times.
ATTEMPTS = 3

NEW = (
    "`ledger-fetch` ended well and wrote nothing to $LEDGER_FILE: a new ledger would call nothing ours, and take the "
    "place of the old one. If this is the first apply ever, say `ledger-new: true` once; nothing was changed"
)
LOST = (
    "THE LEDGER IS NOT STORED: {why}. What this run made is in the account, and the "
    "ledger that the next run fetches does not know it. Repair the command and run `apply` again before anything "
    "else: it takes over what is there."
)


def fetch() -> int:
    """Run the user's command, and fill an SQLite ledger from what it brought. Outputs the ledger's URL."""
    secrets_masked()
    folder = emptied(FOLDER)
    file = folder / "ledger.json"
    if _run(told("LEDGER_COMMAND"), file):
        raise Failed("`ledger-fetch` failed, so nothing is known of what is ours; nothing was changed")
    url = f"sqlite:///{(folder / 'ledger.db').resolve()}"
    if file.is_file() and file.stat().st_size:
        os.environ["FETCHED"] = url
        code, _ = reconciler("ledger", "import", str(file), "--project", told("PROJECT"))
        if code:
            raise Failed("what `ledger-fetch` brought is no ledger of this project; nothing was changed", code=code)
    elif told("COMMAND") == "apply" and told("LEDGER_NEW") != "true":
        raise Failed(NEW, code=3, title="reconciler refused")
    else:
        notice("ledger-fetch brought no ledger: nothing is known to be ours.")
    file.unlink(missing_ok=True)
    output("ledger", url)
    return 0


def store() -> int:
    """Write the ledger to a file and run the user's command on it, whatever became of the apply."""
    secrets_masked()
    if not temp(f"{FOLDER}/ledger.db").exists():
        notice("No ledger was made, so there is none to store.")
        return 0
    file = temp(f"{FOLDER}/ledger.json").resolve()
    code, _ = reconciler("ledger", "export", "--out", str(file), "--project", told("PROJECT"))
    if code:
        raise Failed(LOST.format(why="it could not be exported"), title="The ledger is not stored")
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(float(told("RECONCILER_GITHUB_PAUSE") or 5) * attempt)
        if not _run(told("LEDGER_COMMAND"), file):
            file.unlink(missing_ok=True)
            return 0
    raise Failed(LOST.format(why=f"`ledger-store` failed {ATTEMPTS} times"), title="The ledger is not stored")


def _run(command: str, file: Path) -> int:
    """The exit code of the user's command; it starts beside the file, not in the checkout."""
    env = {
        name: value for name, value in os.environ.items() if name not in ("RECONCILER_LEDGER_KEY", "LEDGER_COMMAND")
    }
    with quoted():
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-euo", "pipefail", "-c", command],
            env={**env, "LEDGER_FILE": str(file)}, cwd=file.parent, stdin=subprocess.DEVNULL, check=False,
        )  # fmt: skip
    return done.returncode
