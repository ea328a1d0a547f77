"""Names the modules that get faults, and the black-box tests that have to notice them."""

from __future__ import annotations

from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent

_BY_PACKAGE = {
    "planner": (
        *("approvals", "authoritative_lists", "diff", "identity", "impact", "inverse", "matched_state", "matching"),
        *("narrow", "order", "other_ledgers", "planner", "prune", "references", "rename_detection", "requests"),
        "staleness",
        "targeting",
    ),
    "apply": ("executor", "ledger_entry", "precondition", "step"),
    "commands": ("apply", "plan", "plan_file", "undo"),
    "refresh": ("read_strategy",),
    "kinds": ("email",),
    "config": ("csv_source", "secrets", "variables"),
    "gateway": ("client", "responses", "retry"),
    "ledger": ("lock", "lock_holder", "store"),
    "output": ("redact",),
}
MODULES = tuple(f"reconciler.{package}.{name}" for package, names in _BY_PACKAGE.items() for name in names)

#: Of tests/cli; the others are about formats and help, or wait for time to pass.
_CLI = (
    *(
        "approvals",
        "authoritative_lists",
        "bad_account",
        "bad_files",
        "begun_plans",
        "clone",
        "connections",
        "csv_sources",
        "damaged_ledger",
    ),
    *(
        "destroy",
        "drift",
        "entries",
        "environment_of_a_run",
        "explain",
        "failed_calls",
        "history",
        "ledger_commands",
    ),
    *("links", "locks", "names", "patch", "people", "plan_files", "provenance", "prune_all", "pseudonyms", "pull"),
    *("races", "redacted_plans", "redaction", "repeated_rows", "reviewed_deletions", "secret_commands", "selecting"),
    *("signals", "subscriptions", "undo", "unresolved", "usage", "variables"),
)
#: From the outside: the command line, and for the properties what commands call.
TESTS = (
    *("tests/scenarios", "tests/properties", "tests/calls", "tests/fleet/test_other_ledgers.py"),
    *(f"tests/cli/test_{name}.py" for name in _CLI),
)


def path_of(module: str) -> Path:
    """The source of a module."""
    return ROOT / (module.replace(".", "/") + ".py")


@cache
def source_of(module: str) -> str:
    """The text of a module as it was when it was first asked for: it may be edited while the faults are tried."""
    return path_of(module).read_text(encoding="utf-8")
