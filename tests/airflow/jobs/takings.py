"""The operator's tests run this job in real workers: it ends well, or in the way its parameter names."""

from __future__ import annotations

import datetime as dt
import os
import signal
import time
from pathlib import Path

import dataframely as dy
import polars as pl

from polarpod import Csv, Delta, Param, job


class Takings(dy.Schema):
    shop = dy.String(primary_key=True)
    cents = dy.Int64(min=0)
    ds = dy.String()


@job(
    inputs={"sales": Csv("{lake}/sales/ds={ds}/sales.csv", schema={"shop": "String", "cents": "Int64"})},
    output=Delta("{lake}/takings", replace={"ds": "{ds}"}),
    checks=Takings,
    params={"ds": Param(type="date", doc="the day of the sales"), "ending": Param(default="well")},
    memory="512Mi",
    grace_seconds=5,
)
def takings(sales: pl.LazyFrame, *, ds: dt.date, ending: str) -> pl.LazyFrame:
    """Sums a day's sales by shop."""
    marks = Path(os.environ["SHOP_MARKS"])
    if ending == "raises":
        raise KeyError("there is no column 'shop_name'")
    if ending == "returns_number":
        return 42
    if ending == "hungry":
        # more than the job's memory, less than twice of it; every page is touched
        _ = b"x" * (640 * 2**20)
        time.sleep(0.5)
    if ending.startswith("killed_") and len(list(marks.glob("killed-*"))) < int(ending.removeprefix("killed_")):
        (marks / f"killed-{os.getpid()}").touch()
        print("counted half of the till")
        # the supervisor relays it: its end is about the worker's, and not about what was still in a pipe
        while b"half of the till" not in Path("worker.log").read_bytes():
            time.sleep(0.01)
        # the whole worker vanishes, as with a lost node: no receipt, no last words
        os.kill(os.getppid(), signal.SIGKILL)
        time.sleep(60)
    if ending == "slow":
        (marks / "slow").write_text(str(os.getpid()))
        time.sleep(60)
    return sales.group_by("shop").agg(pl.col("cents").sum()).with_columns(ds=pl.lit(ds.isoformat()))
