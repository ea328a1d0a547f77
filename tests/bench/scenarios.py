"""The scenarios: each prepares an account, measures one command, and holds it against what the API allows.

S1 first plan, first apply, steady state · S2 bootstrap · S3 renames · S4 drift · S5 small file, large account ·
S8 start-up · S10 CSV · S11 reading files alone · S12 octoDNS beside the steady state

Latency is in milliseconds an answer; rate limit 0.
"""

from __future__ import annotations

import math
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from statistics import median

from tests.bench.measure import CONNECTION, KEY, MIB, Run, Server, bare_memory, middle, run
from tests.bench.shapes import PAGE, SIZES, Size

TOOL = [sys.executable, "-m", "reconciler"]
FLOOR = [sys.executable, str(Path(__file__).with_name("floor.py"))]
WORKERS = 8


@dataclass
class Row:
    """One line of the table. ``bound`` is seconds that no client can beat at this latency."""

    name: str
    calls: int = 0
    fewest: int = 0
    wall: float = 0.0
    cpu: float = 0.0
    peak: float = 0.0
    floor_wall: float = 0.0
    floor_cpu: float = 0.0
    bound: float = 0.0
    objects: int = 0
    faults: list[str] = field(default_factory=list)

    @property
    def calls_ratio(self) -> float:
        """1.00, or a call too many."""
        return self.calls / self.fewest if self.fewest else 1.0

    def plain(self) -> dict[str, object]:
        """For JSON."""
        extra = {"calls_ratio": self.calls_ratio, "cpu_us_per_object": per_object(self.cpu, self.objects)}
        return {**asdict(self), **extra}


def per_object(seconds: float, objects: int) -> float | None:
    """Microseconds."""
    return seconds / objects * 1e6 if objects else None


class Bench:
    """Everything that the scenarios share: the server, a folder, the environment, how often to repeat."""

    def __init__(self, server: Server, folder: Path, env: dict[str, str], repeats: int, seed: int) -> None:
        self.server, self.folder, self.env, self.repeats, self.seed = server, folder, env, repeats, seed
        self.bare = bare_memory(folder, env)

    def project(self, name: str) -> Path:
        """The folder of a size, written by a process of its own."""
        folder = self.folder / name
        if not folder.exists():
            maker = str(Path(__file__).with_name("shapes.py"))
            command = [sys.executable, maker, str(folder), name, "--seed", str(self.seed)]
            subprocess.run(command, check=True, env=self.env)
        return folder

    def tool(self, folder: Path, *args: str, code: int = 0) -> Run:
        """One command of the tool; raises RuntimeError when it does not end as expected."""
        done = run([*TOOL, *args], folder, self.env)
        if done.code != code:
            raise RuntimeError(
                f"{' '.join(args)} ended with {done.code}, expected {code}:\n{done.out}{done.err}"[:3000]
            )
        return done

    def floor(self, folder: Path) -> Run:
        """The lean script on the same files and account."""
        done = run([*FLOOR, "site.yaml", self.server.url, KEY, CONNECTION], folder, self.env)
        if done.code:
            raise RuntimeError(done.err)
        self.server.calls()
        return done

    def settle(self, folder: Path, seed: Path | None = None) -> None:
        """The account as the files say, and a ledger that knows it."""
        shutil.rmtree(folder / ".reconciler", ignore_errors=True)
        self.server.start_over(seed or folder / "seed.json")
        self.tool(folder, "-q", "apply", "--yes")
        self.server.calls()

    def measured(self, name: str, folder: Path, size: Size, latency: int, code: int = 0) -> Row:
        """``plan``, alternating with the floor; medians. The calls are those of the last run."""
        self.server.latency(latency)
        runs: list[Run] = []
        floors: list[Run] = []
        calls = (0, 0)
        for _ in range(self.repeats):
            floors.append(self.floor(folder))
            runs.append(self.tool(folder, "plan", "--detailed-exitcode", code=code))
            calls = self.server.calls()
        row = self.row(f"{name}, {latency} ms", middle(runs), calls, size.reads, size)
        base = middle(floors)
        row.floor_wall, row.floor_cpu = base.wall, base.cpu
        row.bound = size.chain * latency / 1000
        if calls[1]:
            row.faults.append(f"a plan wrote {calls[1]} times")
        return row

    def row(self, name: str, done: Run, calls: tuple[int, int], fewest: int, size: Size) -> Row:
        """One command as a row; a call too many is a fault."""
        peak = (done.peak - self.bare) / MIB
        row = Row(name, sum(calls), fewest, done.wall, done.cpu, peak, objects=size.objects)
        if row.calls != row.fewest:
            row.faults.append(f"{row.calls} calls where {row.fewest} are enough")
        return row

    def alone(self, name: str, folder: Path, command: str, objects: int, fewest: int, code: int) -> Row:
        """One command without a floor; medians."""
        flags = ("--detailed-exitcode",) if command == "plan" else ()
        self.server.latency(0)
        self.server.calls()
        runs, calls = [], (0, 0)
        for _ in range(self.repeats):
            runs.append(self.tool(folder, "-q", command, *flags, code=code))
            calls = self.server.calls()
        done = middle(runs)
        peak = (done.peak - self.bare) / MIB
        row = Row(name, sum(calls), fewest, done.wall, done.cpu, peak, objects=objects)
        if row.calls != fewest:
            row.faults.append(f"{row.calls} calls where {fewest} are enough")
        return row

    def applied(self, name: str, folder: Path, size: Size, latency: int, chain: int, reads: int, writes: int) -> Row:
        """``apply``, once; then a plan, which has to be empty. ``chain`` is the longest walk, in calls."""
        self.server.latency(latency)
        self.server.calls()
        done = self.tool(folder, "-q", "apply", "--yes", "--allow", "updates", "--allow", "deletes")
        calls = self.server.calls()
        row = self.row(f"{name}, {latency} ms", done, calls, reads + writes, size)
        row.objects = writes
        row.bound = (chain + math.ceil(writes / WORKERS)) * latency / 1000
        if calls[1] != writes:
            row.faults.append(f"{calls[1]} writes where {writes} are enough")
        self.server.latency(0)
        again = self.tool(folder, "plan", "--detailed-exitcode")
        if "No changes." not in again.out:
            row.faults.append("the plan after it is not empty")
        self.server.calls()
        return row


def steady(bench: Bench, name: str, latencies: tuple[int, ...]) -> Iterator[Row]:
    """S1: an account with everything and no ledger is planned and adopted, once; then nothing has changed."""
    folder, size = bench.project(name), SIZES[name]
    shutil.rmtree(folder / ".reconciler", ignore_errors=True)
    bench.server.latency(0)
    bench.server.start_over(folder / "seed.json")
    for command, flags, writes in (("plan", (), 0), ("apply", ("--yes",), size.webhooks)):  # secrets are sent again
        done = bench.tool(folder, "-q", command, *flags)
        calls = bench.server.calls()
        yield bench.row(f"S1 first {command} {name}", done, calls, size.reads + writes, size)
    for latency in latencies:
        yield bench.measured(f"S1 steady {name}", folder, SIZES[name], latency)
    bench.server.latency(0)


def drift(bench: Bench, name: str, latencies: tuple[int, ...]) -> Iterator[Row]:
    """S4: somebody changed one in a hundred by hand; seen by a plan, put back by one write each."""
    folder, size = bench.project(name), SIZES[name]
    bench.server.start_over(folder / "drifted.json")
    for latency in latencies:
        yield bench.measured(f"S4 drift 1 % of {name}, plan", folder, size, latency, code=2)
    changed = size.contacts // 100
    yield bench.applied(f"S4 drift 1 % of {name}, apply", folder, size, 0, size.chain, size.reads, changed)


def bootstrap(bench: Bench, latencies: tuple[int, ...]) -> Iterator[Row]:
    """S2: a thousand objects into an empty account, which has nothing but its courses."""
    folder, size = bench.project("bootstrap"), SIZES["bootstrap"]
    for latency in latencies:
        shutil.rmtree(folder / ".reconciler", ignore_errors=True)
        bench.server.start_over(folder / "empty.json")
        yield bench.applied("S2 bootstrap of 1,000", folder, size, latency, 1, 6, size.resources)


def renames(bench: Bench, latencies: tuple[int, ...]) -> Iterator[Row]:
    """S3: a hundred tags, which ten contacts have each, under new names."""
    folder, size = bench.project("rename"), SIZES["rename"]
    old = (folder / "site.yaml").read_text(encoding="utf-8")
    for latency in latencies:
        (folder / "site.yaml").write_text(old, encoding="utf-8")
        bench.settle(folder)
        shutil.copy(folder / "renamed.yaml.txt", folder / "site.yaml")
        yield bench.applied("S3 rename 100 tags", folder, size, latency, size.chain, size.reads, size.tags)


def small_file(bench: Bench, name: str, latencies: tuple[int, ...]) -> Iterator[Row]:
    """S5: one in two hundred contacts is declared; asking for each by address beats walking them all."""
    folder, size = bench.folder / "few", SIZES[name]
    folder.mkdir()
    shutil.copy(bench.project(name) / "few.yaml.txt", folder / "site.yaml")
    bench.settle(folder, bench.project(name) / "seed.json")
    asked = size.contacts // 200
    few = replace(size, contacts=asked * PAGE, enrollments=0, courses=0)  # a call each, not one for a hundred
    for latency in latencies:
        row = bench.measured(f"S5 {asked} declared of {name}", folder, few, latency)
        row.objects, row.bound = 0, math.ceil(asked / WORKERS) * latency / 1000
        yield row
    bench.server.latency(0)


def csv_sources(bench: Bench, rows: int = 100_000) -> Iterator[Row]:
    """S10: one block of contacts with a CSV source of so many rows: validated, then planned for an empty account."""
    folder = bench.folder / "csv"
    folder.mkdir()
    people = "".join(f"person.{number}@example.com,Name {number % 1000}\n" for number in range(rows))
    (folder / "people.csv").write_text("email,first\n" + people, encoding="utf-8")
    block = "contacts:\n  - csv: {file: people.csv, fields: {first_name: first}}\n"
    (folder / "site.yaml").write_text(block, encoding="utf-8")
    bench.server.start_over(bench.project("rename") / "empty.json")
    for command, fewest, code in (("validate", 0, 0), ("plan", 1, 2)):
        yield bench.alone(f"S10 CSV source of {rows:,}, {command}", folder, command, rows, fewest, code)


def files_alone(bench: Bench, name: str) -> Iterator[Row]:
    """S11: reading, checking and understanding the files of a size; nobody is asked."""
    yield bench.alone(f"S11 validate {name}", bench.project(name), "validate", SIZES[name].objects, 0, 0)


SMALL = """\
tags:
  - VIP
  - name: Premium
contact_fields:
  - slug: company
    name: Company
contacts:
  - email: ann@example.com
    first_name: Ann
    locale: en
    fields:
      company: Acme
    tags: [VIP]
  - email: bob@example.com
    first_name: Bob
    tags:
      - VIP
      - Premium
  - email: cy@example.com
    country: FR
"""


def octodns(bench: Bench, name: str) -> Iterator[Row]:
    """S12: octoDNS plans as many unchanged records as the size has contacts; no row if it is not installed."""
    program = Path(sys.executable).with_name("octodns-sync")
    command = str(program) if program.exists() else shutil.which("octodns-sync")
    if command is None:
        return
    folder = bench.folder / "octodns"
    records = "".join(
        f"host-{n:06}:\n  ttl: 300\n  type: A\n  value: 192.0.2.{n % 250}\n" for n in range(SIZES[name].contacts)
    )
    for side in ("desired", "live"):
        (folder / side).mkdir(parents=True)
        (folder / side / "example.com.yaml").write_text(records, encoding="utf-8")
    (folder / "octodns.yaml").write_text(OCTODNS, encoding="utf-8")
    plans = [run([command, "--config-file", "octodns.yaml"], folder, bench.env) for _ in range(bench.repeats)]
    done = middle(plans)
    if done.code or "No changes" not in done.out + done.err:
        raise RuntimeError(done.out + done.err)
    yield Row(f"S12 octoDNS, {name}", 0, 0, done.wall, done.cpu, (done.peak - bench.bare) / MIB)


OCTODNS = """\
providers:
  desired: {class: octodns.provider.yaml.YamlProvider, directory: desired}
  live: {class: octodns.provider.yaml.YamlProvider, directory: live}
zones:
  example.com.: {sources: [desired], targets: [live]}
"""


def startup(bench: Bench, repeats: int = 15) -> list[dict[str, object]]:
    """S8: short commands against an interpreter that does nothing, in turn; medians of the pairs."""
    folder = bench.folder / "small"
    folder.mkdir()
    (folder / "site.yaml").write_text(SMALL, encoding="utf-8")
    nothing = [sys.executable, "-c", "pass"]
    script = str(Path(sys.executable).with_name("reconciler"))
    found: list[dict[str, object]] = []
    for args in (["--version"], ["--help"], ["plan", "--help"], ["validate"]):
        pairs = [(run(nothing, folder, bench.env), run([script, *args], folder, bench.env)) for _ in range(repeats)]
        found.append(
            {
                "command": " ".join(args),
                "bare_ms": median(a.wall for a, _ in pairs) * 1000,
                "wall_ms": median(b.wall for _, b in pairs) * 1000,
                "cpu_ms": median(b.cpu for _, b in pairs) * 1000,
                "over_bare_ms": median(b.wall - a.wall for a, b in pairs) * 1000,
                "ratio": median(b.wall / a.wall for a, b in pairs),
                "codes": sorted({b.code for _, b in pairs}),
            }
        )
    return found
