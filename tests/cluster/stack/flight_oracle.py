"""What a stack's tables must hold: the same raw data, run by the plane `process` of this machine in a lake of its own."""

from __future__ import annotations

import sys
from pathlib import Path

import polars as pl
from tests.cluster.stack.local_stack import TABLES, Stack
from tests.kill.readers import ordered
from tools.cluster.command import run
from tools.cluster.first_run import POLARPOD
from tools.stack.names import LAKE


class FlightOracle:
    """A lake on this machine."""

    def __init__(self, root: Path) -> None:
        self._lake = root / "lake"
        self._places = {"POLARPOD_LAKE": str(self._lake), "POLARPOD_STATE": str(root / "state")}
        self._known: set[str] = set()

    def expected(self, job: str, days: list[str]) -> pl.DataFrame:
        """The rows of a job's table for these days, in order."""
        for day in days:
            if day not in self._known:
                self._run(day)
                self._known.add(day)
        return _rows(pl.scan_delta(str(self._lake / TABLES[job])), days)

    def _run(self, day: str) -> None:
        script = ["examples/land_flights.py", "--lake", str(self._lake), "--from", day, "--days", "1"]
        run(sys.executable, *script, remedy="See the last lines.")
        for job in TABLES:
            command = [POLARPOD, "run", job, "--plane", "process", "--param", f"ds={day}"]
            run(*command, environment=self._places, remedy="See the last lines.")


def published(stack: Stack, job: str, days: list[str]) -> pl.DataFrame:
    """The rows of a table of the stack for these days, in order."""
    return _rows(pl.scan_delta(f"{LAKE}/{TABLES[job]}", storage_options=stack.environment), days)


def _rows(table: pl.LazyFrame, days: list[str]) -> pl.DataFrame:
    return ordered(table.filter(pl.col("ds").is_in(days)).collect())
