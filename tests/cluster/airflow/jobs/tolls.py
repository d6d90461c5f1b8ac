"""The operator's tests run this job in pods: it ends well, or in the way its parameter names."""

from __future__ import annotations

import datetime as dt
import os
import time

import dataframely as dy
import polars as pl

from polarpod import Csv, Delta, Param, job


class Tolls(dy.Schema):
    gate = dy.String(primary_key=True)
    cents = dy.Int64(min=0)
    ds = dy.String()


@job(
    inputs={"passages": Csv("{lake}/passages.csv", schema={"gate": "String", "cents": "Int64"})},
    output=Delta("{lake}/tolls", replace={"ds": "{ds}"}),
    checks=Tolls,
    params={"ds": Param(type="date", doc="the day of the tolls"), "ending": Param(default="well")},
    cpu=1,
    memory="256Mi",
    grace_seconds=2,
)
def tolls(passages: pl.LazyFrame, *, ds: dt.date, ending: str) -> pl.LazyFrame:
    """Sums a day's tolls by gate."""
    if ending == "raises":
        raise KeyError("there is no column 'gate_name'")
    if ending == "negative":
        passages = passages.with_columns(cents=-pl.col("cents"))
    if ending == "hungry":
        # more than the job's memory, less than twice of it; every page is touched
        _ = b"x" * (300 * 2**20)
        time.sleep(0.5)
    if ending == "slow":
        time.sleep(100)
    if ending == "some seconds":
        time.sleep(6)
    if ending == "a long while":
        time.sleep(90)
    if ending == "talks":
        for number in range(3):
            print(f"passage {number}")
            time.sleep(1.5)
        print(f"password={os.environ.get('TOLL_PASSWORD')}")
    return passages.group_by("gate").agg(pl.col("cents").sum()).with_columns(ds=pl.lit(ds.isoformat()))
