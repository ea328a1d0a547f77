"""One step of the action: ``act.py gate | fetch | find | run | store | tell``.

action.yml starts this with ``python -I``: nothing of the working directory, of PYTHONPATH or of the user's own
site-packages can be imported; the folder of this file is added by hand. What a step is told stands in its
environment, what it tells goes to the files that the runner names.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.dont_write_bytecode = True

from workflow import Failed, error, summary  # noqa: E402

#: Step → (module, function).
STEPS = {
    "gate": ("gate", "gate"),
    "fetch": ("ledger", "fetch"),
    "find": ("saved", "find"),
    "run": ("run", "run"),
    "store": ("ledger", "store"),
    "tell": ("tell", "tell"),
}


def main(step: str) -> int:
    """Run one step; what goes wrong is said as an annotation and in the summary of the job."""
    module, function = STEPS[step]
    try:
        return int(getattr(import_module(module), function)())
    except Failed as failed:
        error(str(failed))
        summary(f"### {failed.title}\n\n{failed}\n")
        return failed.code
    except OSError as fault:
        error(f"{fault.strerror or fault}: {fault.filename or step}")
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
