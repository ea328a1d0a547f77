"""``python -m tests.bench``: run the scenarios, print one table, write it as JSON too; 1 for a call too many."""

from __future__ import annotations

import argparse
import json
import math
import platform
import sys
import tempfile
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

from reconciler import __version__
from tests.bench.measure import emulator, environment
from tests.bench.scenarios import (
    Bench,
    Row,
    bootstrap,
    csv_sources,
    drift,
    files_alone,
    octodns,
    per_object,
    renames,
    small_file,
    startup,
    steady,
)
from tests.bench.shapes import SIZES

LATENCIES = (0, 20)
#: What --quick measures.
QUICK = frozenset(("S1", "S2", "S8", "S11", "S12"))
HEAD = (
    "scenario",
    "calls",
    "fewest",
    "ratio",
    "wall s",
    "bound s",
    "wall/bound",
    "cpu s",
    "µs/object",
    "floor µs",
    "MiB over bare",
)


def main() -> int:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(prog="make bench BENCH=…", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="the most telling scenarios of 10k, once")
    parser.add_argument("--sizes", default="1k,10k", help="of the steady state and the drift (1k,10k,100k)")
    parser.add_argument("--only", default="", help="scenarios to run, e.g. S1,S5 (default: all)")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--json", type=Path, default=Path("bench.json"), help="where to write the figures")
    given = parser.parse_args()
    sizes, only = given.sizes.split(","), frozenset(filter(None, given.only.split(",")))
    if given.quick:
        sizes, only, given.repeats = ["10k"], only or QUICK, 1
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, emulator() as server:
        bench = Bench(server, Path(folder), environment(server.url), given.repeats, given.seed)
        server.ask("PUT", "", b"{}")
        starts = startup(bench, 3 if given.quick else 15) if not only or "S8" in only else []
        print_starts(starts)
        print_row(HEAD)
        for row in measured(bench, sizes, only):
            rows.append(row)
            print_row(cells(row))
    summary = summed(rows, sizes)
    print("\n" + "\n".join(f"{name}: {value}" for name, value in summary.items()) + "\n")
    found = goals(rows)
    for goal in found:
        print(f"{goal['figure']:<46}{goal['measured']:>10.2f}  wanted {goal['wanted']:g}")
    if "S12" in (only or {"S12"}) and not any(row.name.startswith("S12") for row in rows):
        print("octoDNS is not installed, so nothing is compared with it (pip install octodns)")
    faults = [f"{row.name}: {fault}" for row in rows for fault in row.faults]
    faults += [f"{start['command']} ended with {start['codes']}" for start in starts if start["codes"] != [0]]
    print("\n" + ("\n".join(f"FAULT {fault}" for fault in faults) or "Every scenario made the fewest calls."))
    machine = {"python": platform.python_version(), "system": platform.platform(), "reconciler": __version__}
    figures = {
        "machine": machine,
        "seed": given.seed,
        "repeats": given.repeats,
        "rows": [r.plain() for r in rows],
        "startup": starts,
        "summary": summary,
        "goals": found,
        "faults": faults,
    }
    given.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    return 1 if faults else 0


def measured(bench: Bench, sizes: list[str], only: frozenset[str]) -> Iterable[Row]:
    """All rows, as they come; ``only`` names the scenarios that are wanted, where not all are."""
    by_size = ("S1", steady), ("S4", drift)
    scenarios: list[tuple[str, Callable[[], Iterable[Row]]]] = [
        ("S2", lambda: bootstrap(bench, LATENCIES)),
        ("S3", lambda: renames(bench, LATENCIES)),
        *((key, partial(each, bench, size, LATENCIES)) for size in sizes for key, each in by_size),
        ("S5", lambda: small_file(bench, sizes[-1], LATENCIES)),
        ("S10", lambda: csv_sources(bench)),
        ("S11", lambda: files_alone(bench, sizes[-1])),
        ("S12", lambda: octodns(bench, "10k")),
    ]
    for key, rows in scenarios:
        if not only or key in only:
            yield from rows()


def cells(row: Row) -> tuple[str, ...]:
    """One row as text."""
    cost, least = per_object(row.cpu, row.objects), per_object(row.floor_cpu, row.objects)
    return (
        row.name,
        str(row.calls),
        str(row.fewest),
        f"{row.calls_ratio:.2f}",
        f"{row.wall:.3f}",
        f"{row.bound:.2f}" if row.bound else "–",
        f"{row.wall / row.bound:.2f}" if row.bound else "–",
        f"{row.cpu:.3f}",
        f"{cost:.0f}" if cost else "–",
        f"{least:.0f}" if least else "–",
        f"{row.peak:.0f}",
    )


def print_row(texts: Iterable[str]) -> None:
    """The first column to the left, the others to the right."""
    first, *others = texts
    print(f"{first:<34}" + "".join(f"{text:>14}" if len(text) > 10 else f"{text:>11}" for text in others), flush=True)


def print_starts(starts: list[dict[str, Any]]) -> None:
    """Start-up, in milliseconds."""
    print(f"{'start-up':<34}{'wall ms':>11}{'bare ms':>11}{'over ms':>11}{'ratio':>11}")
    for each in starts:
        figures = (
            f"{each['wall_ms']:>11.0f}{each['bare_ms']:>11.0f}{each['over_bare_ms']:>11.0f}{each['ratio']:>11.2f}"
        )
        print(f"S8 {each['command']:<31}{figures}", flush=True)
    print()


#: Figure, row, what is wanted at most, and how it follows from the row.
GOALS: tuple[tuple[str, str, float, Callable[[Row], float]], ...] = (
    ("steady plan, 10k: CPU against the floor", "S1 steady 10k, 0 ms", 2.5, lambda row: row.cpu / row.floor_cpu),
    ("steady plan, 100k: CPU against the floor", "S1 steady 100k, 0 ms", 1.8, lambda row: row.cpu / row.floor_cpu),
    ("steady plan, 100k: MiB over bare", "S1 steady 100k, 0 ms", 180, lambda row: row.peak),
    ("steady plan, 10k at 20 ms: wall against bound", "S1 steady 10k, 20 ms", 1.25, lambda row: row.wall / row.bound),
    (
        "steady plan, 100k at 20 ms: wall against bound",
        "S1 steady 100k, 20 ms",
        1.1,
        lambda row: row.wall / row.bound,
    ),
    ("first plan, 100k: MiB over bare", "S1 first plan 100k", 300, lambda row: row.peak),
    ("first plan, 100k: CPU s", "S1 first plan 100k", 20, lambda row: row.cpu),
    ("first apply, 100k: MiB over bare", "S1 first apply 100k", 450, lambda row: row.peak),
    ("first apply, 100k: CPU s", "S1 first apply 100k", 40, lambda row: row.cpu),
    (
        "apply of 1,000: CPU ms per write",
        "S2 bootstrap of 1,000, 0 ms",
        1.5,
        lambda row: row.cpu * 1000 / row.objects,
    ),
    ("validate, 10k: wall s", "S11 validate 10k", 0.6, lambda row: row.wall),
)


def goals(rows: list[Row]) -> list[dict[str, Any]]:
    """The figures that are wanted to stay below a limit, as far as they were measured."""
    by_name = {row.name: row for row in rows}
    found = [
        {"figure": figure, "measured": measure(by_name[name]), "wanted": wanted}
        for figure, name, wanted, measure in GOALS
        if name in by_name
    ]
    ours, other = by_name.get("S1 steady 10k, 0 ms"), by_name.get("S12 octoDNS, 10k")
    if ours and other:
        found.append(
            {"figure": "steady plan, 10k: CPU against octoDNS", "measured": ours.cpu / other.cpu, "wanted": 0.3}
        )
    return found


def summed(rows: list[Row], sizes: list[str]) -> dict[str, str]:
    """Figures of more than one row: memory per 100,000 objects, growth."""
    by_name = {row.name: row for row in rows}
    found: dict[str, str] = {}
    large = by_name.get(f"S1 steady {sizes[-1]}, 0 ms")
    if large:
        per = large.peak * 100_000 / large.objects
        found["peak RSS per 100,000 live objects (extrapolated)"] = f"{per:.0f} MiB"
        resources = SIZES[sizes[-1]].resources
        found["CPU per live object, per resource"] = (
            f"{large.cpu / large.objects * 1e6:.0f} µs, {large.cpu / resources * 1e6:.0f} µs"
        )
        found["CPU against the floor"] = f"{large.cpu / large.floor_cpu:.2f}"
        found["wall against the floor"] = f"{large.wall / large.floor_wall:.2f}"
    small = by_name.get(f"S1 steady {sizes[0]}, 0 ms")
    if large and small and large is not small:
        growth = math.log(SIZES[sizes[-1]].objects / SIZES[sizes[0]].objects)
        ratios = ("wall", large.wall / small.wall), ("CPU", large.cpu / small.cpu), ("peak", large.peak / small.peak)
        for name, ratio in ratios:
            found[f"growth exponent of {name}, {sizes[0]} → {sizes[-1]}"] = f"{math.log(ratio) / growth:.2f}"
    return found


if __name__ == "__main__":
    sys.exit(main())
