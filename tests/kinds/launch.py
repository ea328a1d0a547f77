"""``python -m tests.kinds.launch``: command lines as JSON on standard input, run with the kinds of ``package`` too.

One process serves all commands of a test run, since most of a short command is its start.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
from importlib.util import find_spec, module_from_spec
from pathlib import Path

PACKAGE = Path(__file__).parent / "package"


def register() -> None:
    """Kinds are found in the files of their package: this lets it have one folder more."""
    spec = find_spec("reconciler.kinds")
    assert spec is not None
    assert spec.loader is not None
    assert spec.submodule_search_locations is not None
    spec.submodule_search_locations.append(str(PACKAGE))
    package = module_from_spec(spec)
    sys.modules["reconciler.kinds"] = package
    spec.loader.exec_module(package)


def run(args: list[str]) -> int:
    """Runs a command, or prints the page of the kinds with ``--page``."""
    if args == ["--page"]:
        from docs.generate.kinds import page

        print(page())
        return 0
    from reconciler.cli.main import run as command

    return command(args)


def main() -> None:
    """Answers each line ``{args, cwd, env}`` with a line ``[exit code, standard output, standard error]``."""
    register()
    answers = sys.stdout
    for line in sys.stdin:
        asked = json.loads(line)
        os.environ.clear()
        os.environ.update(asked["env"])
        out, err = io.StringIO(), io.StringIO()
        with contextlib.chdir(asked["cwd"]), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = run(asked["args"])
        print(json.dumps([code, out.getvalue(), err.getvalue()]), file=answers, flush=True)


if __name__ == "__main__":
    main()
