"""Puts faults into the modules that decide about people, money and ownership; black-box tests have to notice them.

    python -m tests.mutation [--minutes 15] [--seed 1] [--jobs 2] [--module pruning] [--least 85]

The tests run once as they are, to learn which of them execute which line. Then faults are drawn (``--seed``), and for
each one the tests that execute its line run until one fails. The end is a score and the list of survivors; exit
code 1 below ``--least`` percent. A survivor is either a missing scenario or a fault that changes nothing.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.mutation.faults import Fault, faults_of

ROOT = Path(__file__).parent.parent.parent
MODULES = (
    *(
        f"reconciler.planner.{name}"
        for name in (
            "calls",
            "diff",
            "exact",
            "graph",
            "guard",
            "identify",
            "inverse",
            "names",
            "pick",
            "planner",
            "pruning",
            "record",
            "recovery",
            "resume",
            "routes",
            "select",
        )
    ),
    *(f"reconciler.commands.{name}" for name in ("applying", "carrier", "executor", "freshness", "saved", "undoing")),
    *(f"reconciler.gateway.{name}" for name in ("answers", "retry")),
    "reconciler.config.csv_source",
    "reconciler.ledger.lock",
    "reconciler.ledger.store",
)
CLI = (
    "begun_plans",
    "exact",
    "plan_files",
    "provenance",
    "prune_all",
    "redacted_plans",
    "repeated_rows",
    "csv_sources",
    "selecting",
    "subscriptions",
    "undo",
)
#: Each is one process of the first run; nothing in them may know the inside.
TESTS = (
    ["tests/scenarios"],
    [*(f"tests/cli/test_{name}.py" for name in CLI), "tests/properties/test_later_runs.py"],
)
#: A test that takes that many times as long as before, and so many seconds more, waits for ever: that is noticed.
PATIENCE, MORE = 5, 60.0


def path_of(module: str) -> Path:
    """The source of a module."""
    return ROOT / (module.replace(".", "/") + ".py")


def run(job: dict[str, Any], timeout: float | None = None) -> int | None:
    """The exit code of pytest, None when it took too long."""
    with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as file:
        json.dump(job, file)
        file.flush()
        args = [sys.executable, "-m", "tests.mutation.worker", file.name]
        try:
            return subprocess.run(args, cwd=ROOT, capture_output=True, timeout=timeout, check=False).returncode
        except subprocess.TimeoutExpired:
            return None


class Known:
    """Which tests execute which line, fastest first, learned once."""

    def __init__(self, jobs: int) -> None:
        self.seconds: dict[str, float] = {}
        self.tests: dict[tuple[str, int], list[str]] = {}
        with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(jobs) as pool:
            outs = [Path(folder) / f"{number}.json" for number in range(len(TESTS))]
            list(pool.map(lambda pair: run({"lines": str(pair[0]), "tests": pair[1]}), zip(outs, TESTS, strict=True)))
            if not all(out.exists() for out in outs):
                sys.exit("the tests could not be run without a fault")
            for out in outs:
                self._learn(json.loads(out.read_text(encoding="utf-8")))

    def _learn(self, document: dict[str, Any]) -> None:
        bad = set(document["bad"])
        if bad:
            print("fail or are skipped without any fault, so they are left out:", *sorted(bad), sep="\n  ")
        self.seconds |= document["seconds"]
        for path, lines in document["lines"].items():
            for line, tests in lines.items():
                known = self.tests.setdefault((path, int(line)), [])
                known += [test for test in tests if test and test not in bad]

    def of(self, fault: Fault) -> list[str]:
        """Those that execute the line of a fault."""
        return sorted(self.tests.get((str(path_of(fault.module)), fault.line), ()), key=lambda t: self.seconds[t])

    def noticed(self, fault: Fault) -> bool:
        """Whether one of them fails."""
        tests = self.of(fault)
        if not tests:
            return False
        timeout = PATIENCE * sum(self.seconds[test] for test in tests) + MORE
        job = {"module": fault.module, "node": fault.node, "variant": fault.variant, "tests": tests}
        return run(job, timeout) != 0


def draw(seed: int, only: str | None) -> list[Fault]:
    """All faults in an order that goes round the modules, so that however many are tried, each has its share."""
    chance = random.Random(seed)
    piles = []
    for module in MODULES:
        if only is None or module.endswith(only):
            pile = faults_of(module, path_of(module).read_text(encoding="utf-8"))
            chance.shuffle(pile)
            piles.append(pile)
    return [pile[turn] for turn in range(max(map(len, piles))) for pile in piles if turn < len(pile)]


def tried(faults: list[Fault], known: Known, until: float, jobs: int) -> Iterator[tuple[Fault, bool]]:
    """Each fault with whether it was noticed, as long as there is time."""

    def one(fault: Fault) -> tuple[Fault, bool] | None:
        return (fault, known.noticed(fault)) if time.monotonic() < until else None

    with ThreadPoolExecutor(jobs) as pool:
        yield from (each for each in pool.map(one, faults) if each is not None)


def main() -> int:
    """Prints score and survivors; 1 when the score is too low."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation")
    parser.add_argument("--minutes", type=float, default=15.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--module")
    parser.add_argument("--least", type=float, default=0.0)
    given = parser.parse_args()
    until = time.monotonic() + given.minutes * 60
    known, faults = Known(given.jobs), draw(given.seed, given.module)
    print(f"{len(known.seconds)} tests, {len(faults)} faults")
    score: Counter[bool] = Counter()
    for fault, noticed in tried(faults, known, until, given.jobs):
        score[noticed] += 1
        if not noticed:
            print(f"survived  {fault}" + ("" if known.of(fault) else "  (no test executes it)"), flush=True)
    percent = 100 * score[True] / max(1, score.total())
    print(f"{score[True]} of {score.total()} faults noticed: {percent:.0f} %")
    return int(percent < given.least)


if __name__ == "__main__":
    sys.exit(main())
