"""``python -m tests.kinds.launch …``: the command line, with the kinds of ``package`` too."""

from __future__ import annotations

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


def main() -> int:
    """Runs a command, or prints the page of the kinds with ``--page``."""
    register()
    if sys.argv[1:] == ["--page"]:
        from docs.generate.kinds import page

        print(page())
        return 0
    from reconciler.cli.main import run

    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
