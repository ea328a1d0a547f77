"""The tool at work, on an account that exists on this machine only: an emulator over real HTTP, on a free port."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parent
TOOL = [sys.executable, "-m", "reconciler"]
KEY = "emulator-key"


def main() -> int:
    """Walk through one project; non-zero as soon as anything is not as it should be."""
    with tempfile.TemporaryDirectory(prefix="reconciler-") as folder, emulator() as url:
        project = Path(folder) / "quickstart"
        shutil.copytree(EXAMPLES / "quickstart", project)
        step = Walk(project, environment(url))
        step("Check the files, offline", "validate", shows="Valid: ")
        step("Read the account, show what would change", "plan", "--detailed-exitcode", code=2, shows="to create")
        step("Make exactly these changes", "apply", "--yes", shows=" complete")
        step("Once more: nothing is left to do", "plan", "--detailed-exitcode", shows="No changes.")
        edit(project / "people.yaml", "first_name: Bo", "first_name: Bob")
        step("A name was edited in the file: one call, not more", "plan", "--calls", shows='"Bo" → "Bob"')
        step("And it is done", "apply", "--yes", shows=" complete")
        step("Nothing is left to do", "plan", "--detailed-exitcode", shows="No changes.")
    print("\nThat is all. The files were examples/quickstart, the account examples/accounts/quickstart.yaml.")
    return 0


class Walk:
    """Runs one command after the other in a project and shows what it printed."""

    def __init__(self, project: Path, env: dict[str, str]) -> None:
        self.project, self.env, self.number = project, env, 0

    def __call__(self, title: str, *args: str, code: int = 0, shows: str) -> None:
        """One step: ends the demo when the exit code or the output is not what it should be."""
        self.number += 1
        print(f"\n━━ {self.number}. {title}\n$ reconciler {' '.join(args)}\n", flush=True)
        done = subprocess.run(
            [*TOOL, *args], cwd=self.project, env=self.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, encoding="utf-8", timeout=60, check=False,
        )  # fmt: skip
        print(done.stdout, end="", flush=True)
        if done.returncode != code or shows not in done.stdout:
            sys.exit(f"\nThis went wrong: exit code {done.returncode}, expected {code} and {shows!r} in the output.")


def environment(url: str) -> dict[str, str]:
    """This environment without settings of the tool, and with those of the demo."""
    own = ("RECONCILER_", "MATON_", "CI")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(own)}
    return clean | {
        "MATON_API_KEY": KEY, "RECONCILER_GATEWAY_URL": url, "RECONCILER_RATE_LIMIT": "0",
        "CRM_WEBHOOK_SECRET": "a secret of the demo", "PYTHONIOENCODING": "utf-8",
    }  # fmt: skip


def edit(path: Path, old: str, new: str) -> None:
    """Replace one text in one file."""
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")


@contextmanager
def emulator() -> Iterator[str]:
    """The URL of an emulator with the seeded account."""
    seed = str(EXAMPLES / "accounts" / "quickstart.yaml")
    command = [*TOOL, "emulator", "--port", "0", "--key", KEY, "--seed", seed]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout
            words = server.stdout.readline().split()
            if words[:2] != ["listening", "on"]:
                sys.exit("The emulator did not start.")
            print(f"An emulated account with four contacts listens on {words[2]}.")
            yield words[2]
        finally:
            server.terminate()


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    sys.exit(main())
