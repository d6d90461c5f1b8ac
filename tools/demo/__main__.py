"""The demo itself, step by step."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from pathlib import Path
from typing import NoReturn

from tools.demo import report
from tools.demo.processes import Died, output_of
from tools.demo.progress import wait_for_runs
from tools.demo.server import Airflow

ROOT = Path(__file__).parents[2]
# where dags/planes.yaml looks too, so that what the demo made is there for the commands it names at its end
HOME = ROOT / ".polarpod"
FIRST, LAST, DAYS = "2013-02-01", "2013-02-07", 7
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# several times what it takes on two busy cores
_PATIENCE_SECONDS = 600.0


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tools.demo", description="A week of real flights through a real Airflow."
    )
    parser.add_argument("--keep", action="store_true", help="leave Airflow and its UI running until Ctrl-C")
    parser.add_argument("--airflow", type=Path, default=ROOT / ".venv/airflow-3.3/bin/airflow", help="the airflow command")
    asked = parser.parse_args()
    if not asked.airflow.exists():
        sys.exit(f"there is no {asked.airflow}\n  what to do: `make demo` sets it up, or name another with --airflow")
    for number in _SIGNALS:
        signal.signal(number, _leave)
    places = {
        "POLARPOD_LAKE": str(HOME / "lake"),
        "POLARPOD_STATE": str(HOME / "state"),
        "POLARPOD_WORKER_PYTHON": sys.executable,
    }
    airflow = Airflow(asked.airflow.absolute(), HOME / "airflow", ROOT / "dags", places)
    try:
        return _demonstrate(airflow, os.environ | places, keep=asked.keep)
    except Died as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        # a second Ctrl-C must not leave half of it running
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        if left := airflow.processes.stop():
            print(f"still running: {left}", file=sys.stderr)


def _demonstrate(airflow: Airflow, environment: dict[str, str], *, keep: bool) -> int:
    began = time.monotonic()
    polarpod = str(Path(sys.executable).parent / "polarpod")

    _say(f"landing {DAYS} days of flights and weather, starting Airflow")
    airflow.prepare()
    land = [sys.executable, "examples/land_flights.py", "--lake", environment["POLARPOD_LAKE"]]
    print("  " + output_of([*land, "--from", FIRST, "--days", str(DAYS)], environment, cwd=ROOT).strip())
    airflow.start("flights", "flights_week")
    print(f"  Airflow is up after {time.monotonic() - began:.0f} s: {airflow.rest.url}")

    _say(f"backfilling the DAG `flights`, {FIRST} to {LAST}: 3 jobs a day, each in a worker of its own")
    airflow.rest.backfill("flights", FIRST, LAST, at_once=4)
    airflow.schedule()
    if not _ends_well(airflow, "flights", DAYS):
        return 1
    first = report.print_days(airflow.rest, "flights")

    _say("asking for the same week by another DAG, `flights_week`, mapped over days: nothing is left to do")
    airflow.rest.trigger("flights_week", {"first": FIRST, "days": DAYS})
    if not _ends_well(airflow, "flights_week", 1):
        return 1
    report.print_mapped(airflow.rest, "flights_week")

    _say("what was published")
    show = [sys.executable, str(Path(__file__).with_name("marts.py")), environment["POLARPOD_LAKE"], FIRST]
    print(output_of(show, environment, cwd=ROOT))
    _say("the receipts: polarpod runs")
    print(output_of([polarpod, "runs", "--limit", "30"], environment, cwd=ROOT))
    print(f"done in {time.monotonic() - began:.0f} s")
    _next_steps(airflow.rest.url, f"{first['job']}/{first['run_key']}", keep=keep)
    for number in _SIGNALS if keep else ():
        # from here on it is how a demo ends that went well
        signal.signal(number, lambda *_: sys.exit(0))
    while keep:
        airflow.processes.check()
        time.sleep(1)
    return 0


def _ends_well(airflow: Airflow, dag_id: str, count: int) -> bool:
    ended = wait_for_runs(airflow.rest, dag_id, count, airflow.processes.check, seconds=_PATIENCE_SECONDS)
    if not ended:
        report.print_failures(airflow.rest, dag_id)
    return ended


def _next_steps(url: str, run: str, *, keep: bool) -> None:
    polarpod = Path(sys.executable).parent.relative_to(ROOT) / "polarpod"
    print(f"""
try next:
  {polarpod} show {run}
  {polarpod} plan airport_delays --param ds={FIRST}
  {polarpod} run airport_delays --param ds={FIRST} --force""")
    if keep:
        print(f"  open {url} (Ctrl-C ends it)")
    else:
        print("  make demo KEEP=1           # leaves Airflow's UI running")


def _say(text: str) -> None:
    print(f"\n{text}", flush=True)


def _leave(number: int, _: object) -> NoReturn:
    print("\nstopping ...", file=sys.stderr)
    sys.exit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
