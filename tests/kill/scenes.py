"""What is killed: five jobs that differ in how they publish, the data of their days, and what readers see of them."""

from __future__ import annotations

import datetime as dt
import random
from pathlib import Path
from typing import NamedTuple

import polars as pl
from tests.kill.readers import listed, manifested, modified, ordered
from tests.support.workshop import Workshop

from polarpod.store.folder import Folder

JOBS = """
class Sales(dy.Schema):
    id = dy.Int64(nullable=False)
    region = dy.String(nullable=False)
    name = dy.String(nullable=False)
    amount = dy.Int64(nullable=False, min=0)
    day = dy.String(nullable=False)

INPUTS = {
    "orders": Parquet("{lake}/orders/day={day}/*.parquet", hive=False),
    "customers": Csv("{lake}/customers.csv"),
    "returns": NdJson("{lake}/returns/{day}.ndjson", allow_empty=True),
}

def sales(orders, customers, returns, day):
    kept = orders.join(returns, on="id", how="anti").join(customers, on="customer")
    return kept.select("id", "region", "name", "amount", day=pl.lit(day))

def checked(name):
    return Check(Sales, quarantine="{lake}/quarantine/" + name, max_bad_share=0.5)

@job(
    inputs=INPUTS,
    output=Delta("{lake}/delta_replace", replace={"day": "{day}"}, partition_by=["day", "region"]),
    checks=checked("delta_replace"),
    memory="512Mi",
)
def delta_replace(orders, customers, returns, *, day):
    return sales(orders, customers, returns, day)

@job(
    inputs=INPUTS,
    output=Delta("{lake}/delta_append", append=True, partition_by=["region"]),
    checks=checked("delta_append"),
    memory="512Mi",
)
def delta_append(orders, customers, returns, *, day):
    # Python in the plan: good and bad rows are spooled before they part
    return sales(orders, customers, returns, day).map_batches(lambda frame: frame)

@job(inputs=INPUTS, output=Delta("{lake}/delta_merge", merge=["id"]), memory="512Mi")
def delta_merge(orders, customers, returns, *, day):
    return sales(orders, customers, returns, day)

@job(
    inputs=INPUTS,
    output=Parquet("{lake}/parquet_replace", replace={"day": "{day}"}, partition_by=["day", "region"]),
    memory="512Mi",
)
def parquet_replace(orders, customers, returns, *, day):
    return sales(orders, customers, returns, day)

@job(
    inputs=INPUTS,
    output=Parquet("{lake}/parquet_append", append=True),
    checks=checked("parquet_append"),
    memory="512Mi",
)
def parquet_append(orders, customers, returns, *, day):
    return sales(orders, customers, returns, day)
"""


class Step(NamedTuple):
    """One run of a scene: the day it is for, and which state of that day's orders it finds."""

    day: str
    revision: int


class Scene(NamedTuple):
    """A job and how its runs follow each other."""

    job: str
    delta: bool
    # a run key that appends may not come back with other rows; the others return to each day with corrected orders
    returns: bool
    checked: bool

    def step(self, index: int) -> Step:
        number, revision = divmod(index, 2) if self.returns else (index, 0)
        return Step(str(dt.date(2026, 3, 1) + dt.timedelta(days=number)), revision)

    def log(self, workshop: Workshop) -> Path:
        """The folder in which a commit appears."""
        return Path(workshop.lake) / self.job / ("_delta_log" if self.delta else "_polarpod")

    def commits(self, workshop: Workshop) -> object:
        """Changes with each commit."""
        if self.delta:
            return [name for name in listed(self.log(workshop)) if name.endswith(".json")]
        return modified(self.log(workshop) / "manifest.json")

    def published(self, workshop: Workshop) -> pl.DataFrame:
        """The rows that readers see, in a fixed order."""
        if not self.delta:
            return ordered(manifested(workshop, self.job))
        log = Folder(f"{workshop.lake}/{self.job}/_delta_log", workshop.storage)
        there = any(entry.key.endswith(".json") for entry in log.list())
        return ordered(workshop.delta(self.job)) if there else pl.DataFrame()

    def quarantined(self, workshop: Workshop) -> pl.DataFrame:
        return ordered(manifested(workshop, f"quarantine/{self.job}"))


SCENES = {
    scene.job: scene
    for scene in (
        Scene("delta_replace", delta=True, returns=True, checked=True),
        Scene("delta_append", delta=True, returns=False, checked=True),
        Scene("delta_merge", delta=True, returns=True, checked=False),
        Scene("parquet_replace", delta=False, returns=True, checked=False),
        Scene("parquet_append", delta=False, returns=False, checked=True),
    )
}


def furnish(workshop: Workshop) -> Workshop:
    """A workshop with the jobs and the input that never changes."""
    workshop.write_job(JOBS)
    workshop.put("customers.csv", pl.DataFrame({"customer": range(50), "name": [f"customer {n}" for n in range(50)]}))
    return workshop


def deliver(workshop: Workshop, step: Step) -> None:
    """Puts a day's orders into the lake, as they are at this step: always the same ones."""
    rng = random.Random(f"{step.day} {step.revision}")
    day = int(step.day[-2:])
    # a few more rows and other amounts in the second delivery; some days share ids, so that a merge has what to update
    rows = [
        {"id": (day // 2) * 1000 + n, "region": "NESW"[n % 4], "customer": n % 50, "amount": rng.randrange(-40, 1000)}
        for n in range(1200 + 100 * step.revision)
    ]
    frame = pl.DataFrame(rows)
    for part in range(3):
        workshop.put(f"orders/day={step.day}/{part}.parquet", frame.slice(part * 450, 450))
    workshop.put(f"returns/{step.day}.ndjson", frame.sample(60, seed=day).select("id"))
