"""How many requests each command makes of a state store of 100 to 100,000 runs, counted by a real S3 server's access log.

`python -m bench.runs --runs 100 1000` for less. It is flat where no command asks for more of many runs than of few.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import NamedTuple

import msgspec
import polars as pl
import yaml
from click.testing import CliRunner
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from bench.many_runs import fail, run_key, seed
from bench.worker import JOBS
from polarpod.cli.main import cli
from polarpod.contract.dataset import Delta
from polarpod.launch.plan import make_plan
from polarpod.launch.planes.process.config import ProcessPlane
from polarpod.launch.specs import from_jobs
from polarpod.launch.state import State
from polarpod.store.storage_options import for_deltalake

RUNS = (100, 1_000, 10_000, 100_000)
ROUNDS = 3
# what grows with the runs is measured up to here
FIRST_SWEPT = 10_000
# that fail between two sweeps
FAILED = 5

console = Console(width=None if sys.stdout.isatty() else 140, highlight=False)


class Asked(NamedTuple):
    """One command: its requests, and how long it took in the median."""

    requests: int
    seconds: float


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m bench.runs", description=__doc__.partition("\n")[0] if __doc__ else None
    )
    parser.add_argument("--runs", type=int, nargs="+", default=RUNS, help="how many runs the state stores have")
    sizes = sorted(parser.parse_args().runs)
    root = Path(tempfile.mkdtemp(prefix="polarpod-bench-"))
    try:
        found = {runs: _of(root / str(runs), runs) for runs in sizes}
    finally:
        shutil.rmtree(root, ignore_errors=True)
    _show(found)
    grown = [name for name, least in found[sizes[0]].items() if found[sizes[-1]][name].requests > least.requests]
    for name in grown:
        console.print(f"MISSED: {name} asks more of {sizes[-1]:,} runs than of {sizes[0]:,}")
    return 1 if grown else 0


def _of(root: Path, runs: int) -> dict[str, Asked]:
    """Each command on a state store of so many runs."""
    from tests.s3.servers import versitygw

    root.mkdir()
    log = root / "access.log"
    os.environ["VGW_ACCESS_LOG"] = str(log)
    with versitygw(root) as server:
        os.environ.update(server.environment)
        bucket = server.new_bucket()
        plane = ProcessPlane(
            state=f"s3://{bucket}/state",
            storage=server.storage,
            variables={"out": f"s3://{bucket}/lake"},
            python=sys.executable,
            jobs=str(JOBS),
            scratch=str(root),
        )
        return _measured(plane, root / "data" / bucket / "state", log, runs)


def _measured(plane: ProcessPlane, folder: Path, log: Path, runs: int) -> dict[str, Asked]:
    specs = from_jobs(JOBS, python=sys.executable, cache=None)
    out = Delta(f"{plane.variables['out']}/noop", replace={})
    job = make_plan("noop", {}, specs=specs, plane_name="bench", plane=plane, state=State(plane.state, plane.storage)).job
    pl.DataFrame({"ran": [1]}).write_delta(out.uri, storage_options=for_deltalake(plane.storage))
    now = dt.datetime.now(dt.UTC)
    began = time.monotonic()
    uids = seed(folder, job, State(plane.state, plane.storage), runs, last=now)
    console.print(f"{runs:,} runs written in {time.monotonic() - began:.0f} s")
    middle = runs // 2

    def state() -> State:
        return State(plane.state, plane.storage)

    own = make_plan("noop", {}, specs=specs, plane_name="bench", plane=plane, state=state()).run_key
    for _ in range(FAILED):
        fail(state(), job, own, now, code_version=specs.code_version)

    planes = Path(plane.scratch or "") / "planes.yaml"
    planes.write_text(yaml.safe_dump({"planes": {"process": _given(plane)}}))

    def polarpod(*words: str) -> Callable[[], object]:
        return lambda: _polarpod(*words, "--planes", str(planes))

    gc = polarpod("gc", "--delete")
    if runs <= FIRST_SWEPT:
        shutil.rmtree(folder / "index")
        first, began = _lines(log), time.monotonic()
        gc()
        asked, seconds = _lines(log) - first, time.monotonic() - began
        console.print(f"their first gc --delete, which writes the index: {asked / runs:.1f} requests a run, {seconds:.0f} s")
    gc()  # what was just made
    commands = {
        "runs": polarpod("runs"),
        "runs JOB": polarpod("runs", "noop"),
        "show UID": polarpod("show", uids[middle][:12]),
        "show JOB/KEY": polarpod("show", f"noop/{run_key(middle)}"),
        "show JOB/BEGINNING": polarpod("show", f"noop/{run_key(middle)[:11]}"),
        "plan, after 5 attempts": polarpod("plan", "noop"),
        "gc, of nothing new": gc,
    }
    found = {name: _asked(command, log) for name, command in commands.items()}

    def fails() -> None:
        for number in range(FAILED):
            fail(state(), job, run_key(number), dt.datetime.now(dt.UTC))

    found[f"gc --delete, of {FAILED} new"] = _asked(gc, log, before=fails)
    return found


def _given(plane: ProcessPlane) -> dict[str, object]:
    """As a planes file has it."""
    return {key: value for key, value in msgspec.to_builtins(plane).items() if value is not None}


def _polarpod(*words: str) -> None:
    """A command as a person gives it."""
    done = CliRunner().invoke(cli, words)
    if done.exit_code:
        raise RuntimeError(f"polarpod {' '.join(words)}: {done.output}")


def _asked(command: Callable[[], object], log: Path, *, before: Callable[[], object] = lambda: None) -> Asked:
    requests, seconds = 0, []
    for _ in range(ROUNDS):
        before()
        first, began = _lines(log), time.monotonic()
        command()
        seconds.append(time.monotonic() - began)
        requests = _lines(log) - first
    return Asked(requests, median(seconds))


def _lines(log: Path) -> int:
    """Requests that were answered so far."""
    with log.open("rb") as file:
        return sum(1 for _ in file)


def _show(found: dict[int, dict[str, Asked]]) -> None:
    rows = Table(title="Requests to the state store and the lake, and seconds", title_justify="left", box=SIMPLE_HEAD)
    rows.add_column("runs")
    for runs in found:
        rows.add_column(f"{runs:,}", justify="right")
    for name in next(iter(found.values())):
        asked = [commands[name] for commands in found.values()]
        rows.add_row(name, *(f"{one.requests:,}  {one.seconds:.2f} s" for one in asked))
    console.print(rows)


if __name__ == "__main__":
    sys.exit(main())
