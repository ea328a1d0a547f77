"""Puts faults into the modules that decide about people, money and ownership; black-box tests have to notice them.

    python -m tests.mutation [--minutes 12] [--seed 1] [--jobs 2] [--module prune] [--least 85] [--lines FILE]

First the tests run as they are, to learn which of them execute which line; ``--lines`` keeps what was learned for the
next run, and what differs by then is learned again. Then faults are drawn (``--seed``), and for each one the tests
that execute its line run until one fails. The end is a score for each module and the list of survivors; exit code 1
below ``--least`` percent. A survivor is either a missing scenario or a fault that changes nothing.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TypedDict

import pytest

from tests.mutation.faults import Fault, faults_of
from tests.mutation.modules import MODULES, ROOT, TESTS, source_of
from tests.mutation.session import BROKEN, Session, in_forks, learn, try_fault

#: Tests of one fork of the first run.
CHUNK = 12
#: Tests that take so many times as long as before, and so many seconds more, hang: that is noticed.
FACTOR, MORE = 8, 30
LEARNING = 600
#: Names of tests that are printed.
MOST = 20
ARGUMENTS = ["-q", "-s", "-n", "0", "-p", "no:cacheprovider", "--no-header", "-o", "tmp_path_retention_policy=none"]


class Learned(TypedDict):
    """What is known of one test: its seconds of processor time, and the lines that it executes by module."""

    seconds: float
    lines: dict[str, list[int]]


class Known:
    """Which tests execute which line, and how long they take."""

    def __init__(self, path: Path | None) -> None:
        sources = sorted((ROOT / "reconciler").rglob("*.py"))
        self.path = path
        self.digest = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()
        self.tests: dict[str, Learned] = {}
        self.by_line: dict[tuple[str, int], list[str]] = {}
        self.noticed: dict[str, Counter[str]] = {module: Counter() for module in MODULES}
        if path is not None and path.exists():
            document = json.loads(path.read_text(encoding="utf-8"))
            self.tests = document["tests"] if document["digest"] == self.digest else {}

    def learn(self, session: Session, jobs: int) -> None:
        """Run the tests of which nothing is known yet."""
        wanted = [test for test in session.items if test not in self.tests]
        with tempfile.TemporaryDirectory() as folder:
            outs = [Path(folder) / f"{at}.json" for at in range(0, len(wanted), CHUNK)]
            chunks = zip(outs, (wanted[at : at + CHUNK] for at in range(0, len(wanted), CHUNK)), strict=True)
            forks = ((out, session.start(partial(learn, session, tests, out), LEARNING)) for out, tests in chunks)
            for out, code in in_forks(forks, jobs):
                if code == BROKEN:
                    sys.exit("nothing could be learned of some tests")
                if out.exists():
                    self.tests |= json.loads(out.read_text(encoding="utf-8"))
                    self._keep()
        if left := session.items.keys() - self.tests.keys():
            print(len(left), "tests are left out, because they fail or are skipped without a fault:")
            print(*sorted(left)[:MOST], sep="\n", flush=True)
        for test in session.items.keys() & self.tests.keys():
            for module, lines in self.tests[test]["lines"].items():
                for line in lines:
                    self.by_line.setdefault((module, line), []).append(test)

    def _keep(self) -> None:
        if self.path is not None:
            self.path.write_text(json.dumps({"digest": self.digest, "tests": self.tests}), encoding="utf-8")

    def of(self, fault: Fault) -> list[str]:
        """The tests that execute its line: first those that noticed most faults of its module, then different ones.

        Tests of one file that execute the same lines of the module are much alike: they take turns.
        """
        before = self.noticed[fault.module]
        alike: Counter[tuple[str, tuple[int, ...]]] = Counter()
        of_file: Counter[str] = Counter()
        turns = {}
        for test in sorted(self.by_line.get((fault.module, fault.line), []), key=self._seconds):
            group = test.partition("::")[0], tuple(self.tests[test]["lines"][fault.module])
            turns[test] = alike[group]
            alike[group] += 1
        for test in sorted(turns, key=lambda test: turns[test]):
            file = test.partition("::")[0]
            turns[test] = of_file[file]
            of_file[file] += 1
        return sorted(turns, key=lambda test: (-before[test], turns[test], self._seconds(test)))

    def _seconds(self, test: str) -> float:
        return self.tests[test]["seconds"]

    def limit(self, test: str) -> int:
        """Seconds after which this test hangs."""
        return MORE + int(FACTOR * self._seconds(test))


def draw(seed: int, only: str | None) -> list[Fault]:
    """All faults in an order that goes round the modules, so that however many are tried, each has its share."""
    chance = random.Random(seed)
    piles = []
    for module in MODULES:
        if only is None or module.split(".", 1)[1] in only.split(","):
            pile = faults_of(module, source_of(module))
            chance.shuffle(pile)
            piles.append(pile)
    return [pile[turn] for turn in range(max(map(len, piles), default=0)) for pile in piles if turn < len(pile)]


def tried(
    session: Session, faults: list[Fault], known: Known, given: argparse.Namespace
) -> Iterator[tuple[Fault, bool]]:
    """Each fault with whether it was noticed, as long as there is time."""
    until = time.monotonic() + given.minutes * 60

    def forks() -> Iterator[tuple[tuple[Fault, Path], int]]:
        for number, fault in enumerate(faults):
            if time.monotonic() > until:
                return
            tests, out = known.of(fault), Path(folder) / str(number)
            limits = {test: known.limit(test) for test in tests}
            job = partial(try_fault, session, fault, limits, out) if tests else lambda: 0
            yield (fault, out), session.start(job)

    with tempfile.TemporaryDirectory() as folder:
        for (fault, out), code in in_forks(forks(), given.jobs):
            if out.exists():
                known.noticed[fault.module][out.read_text(encoding="utf-8")] += 1
            if code == BROKEN:
                sys.exit(f"this fault could not be tried: {fault}")
            yield fault, code != 0


def report(found: list[tuple[Fault, bool]]) -> float:
    """Prints the score of each module; returns the score of all in percent."""
    for module in MODULES:
        noticed = [each for fault, each in found if fault.module == module]
        if noticed:
            print(f"{_percent(noticed):4.0f} %  {sum(noticed):4} of {len(noticed):4}  {module}")
    everything = [noticed for _, noticed in found]
    print(f"tried {len(found)}, killed {sum(everything)}, score {_percent(everything):.1f} %")
    return _percent(everything)


def _percent(noticed: list[bool]) -> float:
    return 100 * sum(noticed) / max(1, len(noticed))


def main() -> int:
    """Prints score and survivors; 1 when the score is too low."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation")
    parser.add_argument("--minutes", type=float, default=12.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--module", help="names such as planner.prune, separated by commas")
    parser.add_argument("--least", type=float, default=0.0)
    parser.add_argument("--lines", type=Path)
    given = parser.parse_args()
    found: list[tuple[Fault, bool]] = []

    def work(session: Session) -> None:
        known, faults = Known(given.lines), draw(given.seed, given.module)
        known.learn(session, given.jobs)
        if not known.tests:
            sys.exit("no test passes without a fault")
        print(f"{len(known.tests)} tests, {len(faults)} faults", flush=True)
        for fault, noticed in tried(session, faults, known, given):
            found.append((fault, noticed))
            if not noticed:
                print(f"survived  {fault}" + ("" if known.of(fault) else "  (no test executes it)"), flush=True)

    os.environ["HYPOTHESIS_PROFILE"] = "unshrunk"  # an example that fails is enough
    with tempfile.TemporaryDirectory() as folder:
        pytest.main([*ARGUMENTS, f"--basetemp={folder}/tests", *TESTS], plugins=[Session(work)])
    if not found:
        return 1
    return int(report(found) < given.least)


if __name__ == "__main__":
    sys.exit(main())
