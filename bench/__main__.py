"""`make bench`: speed and memory as ratios in one run, with the machine named.

Each group runs its commands in turns and compares medians, because a noisy machine is noisy to all of them. The bars are
printed beside the ratios; a missed one is said, and ends the bench with exit code 1.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from statistics import median

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from bench import tpch
from bench.checksum import checksum, checksum_of_directory
from bench.measure import Command, Measurement, interleaved, measure
from bench.worker import Bench
from polarpod.contract.resources import GIB, MIB, Resources

# what a run may cost over the bare thing
NOOP_WALL, QUERY_WALL, QUERY_MEMORY = 1.3, 1.05, 1.1
SMALL = 1536 * MIB
ROOMY = 8 * GIB

console = Console(width=None if sys.stdout.isatty() else 140, highlight=False)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--scale", type=float, default=10, help="TPC-H scale factor; the bars are for 10")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of the query")
    parser.add_argument("--noop-rounds", type=int, default=15, help="rounds of the no-op")
    parser.add_argument("--without-spark", action="store_true", help="leave out the slowest")
    arguments = parser.parse_args()
    console.print(machine())
    root = Path(tempfile.mkdtemp(prefix="polarpod-bench-"))
    try:
        missed = [*noop(root, arguments.noop_rounds), *query(root, arguments)]
    finally:
        shutil.rmtree(root, ignore_errors=True)
    for bar in missed:
        console.print(f"MISSED: {bar}")
    return 1 if missed else 0


def machine() -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / GIB
    return (
        f"machine: {os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()} {platform.release()} "
        f"{platform.machine()}, Python {platform.python_version()}, load {os.getloadavg()[0]:.1f}"
    )


def noop(root: Path, rounds: int) -> list[str]:
    """The whole of a run around no work, next to importing Polars."""
    bench = Bench(root / "noop", {"out": str(root / "noop-out")})
    bare = Command(name="import polars", argv=[sys.executable, "-c", "import polars"])
    found = interleaved([bare, bench.command("noop", name="no-op worker")], repeats=rounds)
    # no memory: the sampler looks past a fork that is as young as this whole run
    show("No-op", found, bare.name, memory=False)
    return over("no-op worker, wall", ratio(found, "no-op worker", bare.name, "wall_seconds"), NOOP_WALL)


def query(root: Path, arguments: argparse.Namespace) -> list[str]:
    """The same query bare, as a run, in DuckDB and in PySpark; then the run in a box that is too small for the others."""
    data = tpch.ensure(arguments.scale)
    tpch.warm(data)
    bench = Bench(root / "query", {"out": str(root / "run"), "tpch": str(data)})
    outputs = {name: root / name for name in ("bare", "duckdb", "spark")}
    module = [sys.executable, "-m"]

    def emptied(name: str) -> None:
        shutil.rmtree(outputs[name], ignore_errors=True)

    def script(name: str, title: str, limit: int | None = None) -> Command:
        program = {"bare": "bench.bare_polars", "duckdb": "bench.duckdb_etl", "spark": "bench.pyspark_etl"}[name]
        argv = [*module, program, str(data), str(outputs[name])]
        return Command(name=title, argv=argv, memory_bytes=limit, prepare=lambda: emptied(name))

    roomy = Resources(cpu=os.cpu_count() or 1, memory_bytes=ROOMY)
    bare = script("bare", "bare Polars")
    run = bench.command("tpch_revenue", name="polarpod", resources=roomy)
    found = interleaved([bare, run, script("duckdb", "DuckDB")], repeats=arguments.rounds)
    if not arguments.without_spark:
        found["PySpark"] = [measure(script("spark", "PySpark"))]
    show(f"TPC-H SF{arguments.scale:g}: filter, join, aggregate, partitioned write", found, bare.name)
    missed = over("polarpod over bare Polars, wall", ratio(found, "polarpod", bare.name, "wall_seconds"), QUERY_WALL)
    missed += over("polarpod over bare Polars, peak", ratio(found, "polarpod", bare.name, "peak_rss_bytes"), QUERY_MEMORY)

    sums = {name: checksum_of_directory(path) for name, path in outputs.items() if path.is_dir()}
    sums["polarpod"] = checksum(bench.published_files(str(root / "run" / "revenue")))
    if len(set(sums.values())) != 1:
        missed.append(f"the same rows from each: {sums}")

    small = Resources(cpu=os.cpu_count() or 1, memory_bytes=SMALL)
    # told what a pod would be told, which Polars reads from cgroup v2 only
    told = {"POLARS_OVERRIDE_TOTAL_MEMORY_MB": str(SMALL // 10**6)}
    boxed = bench.command("tpch_revenue", name="polarpod, 1.5 GiB", resources=small, limit=SMALL)
    try:
        limited = interleaved([replace(script("bare", "bare Polars, 1.5 GiB", SMALL), env=told), boxed], repeats=1)
    except OSError as error:
        console.print(f"the 1.5 GiB limit could not be set: {error}")
        return missed
    show("The same in a cgroup of 1.5 GiB", limited, "bare Polars, 1.5 GiB")
    if any(run.exit_status for run in limited["polarpod, 1.5 GiB"]):
        missed.append(f"polarpod finishes in 1.5 GiB: {limited['polarpod, 1.5 GiB'][0].output[-500:]}")
    return missed


def ratio(found: dict[str, list[Measurement]], name: str, base: str, field: str) -> float:
    return median(getattr(m, field) for m in found[name]) / median(getattr(m, field) for m in found[base])


def over(what: str, value: float, bar: float) -> list[str]:
    console.print(f"{what}: {value:.2f} (bar {bar})")
    return [f"{what}: {value:.2f} over {bar}"] if value > bar else []


def show(title: str, found: dict[str, list[Measurement]], base: str, *, memory: bool = True) -> None:
    rows = Table(title=title, title_justify="left", box=SIMPLE_HEAD)
    rows.add_column("")
    for header in ("wall s", "over bare", "cpu s", "peak MiB", "over bare", "exit"):
        rows.add_column(header, justify="right")
    for name, runs in found.items():
        rows.add_row(
            name,
            f"{median(m.wall_seconds for m in runs):.2f}",
            f"{ratio(found, name, base, 'wall_seconds'):.2f}",
            f"{median(m.cpu_seconds for m in runs):.2f}",
            f"{median(m.peak_rss_bytes for m in runs) / MIB:.0f}" if memory else "-",
            f"{ratio(found, name, base, 'peak_rss_bytes'):.2f}" if memory else "-",
            ", ".join(str(status) for status in sorted({m.exit_status for m in runs})),
        )
        if any(m.exit_status for m in runs):
            console.print(f"{name}: {runs[-1].output[-400:].strip()}", markup=False)
    console.print(rows)


if __name__ == "__main__":
    sys.exit(main())
