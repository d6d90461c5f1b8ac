"""A Delta input that moves while a run is on its way."""

from __future__ import annotations

import polars as pl
from tests.support.workshop import Workshop

from polarpod.contract.verdict import Category
from polarpod.launch.process import Watcher, run_worker
from polarpod.launch.run import Ports, record


def test_a_delta_input_is_read_at_the_version_that_was_planned(workshop: Workshop) -> None:
    table = f"{workshop.lake}/in"
    pl.DataFrame({"id": [1, 2, 3]}).write_delta(table)
    workshop.write_job("""
        @job(inputs={"rows": Delta("{lake}/in")}, output=Delta("{lake}/out", replace={}))
        def work(rows):
            return rows
    """)
    context, data = workshop.prepare("work")
    pl.DataFrame({"id": [4, 5]}).write_delta(table, mode="append")
    ran = record(context, run_worker(context, data, workshop.plane, watcher=Watcher()), workshop.state, Ports())
    assert ran.receipt is not None
    assert ran.receipt.published is not None
    assert ran.receipt.published.rows == 3
    # the version that came meanwhile is news to the next run
    assert workshop.run("work").verdict.category is Category.SUCCEEDED
    assert workshop.delta("out").height == 5
    assert workshop.run("work").verdict.category is Category.SKIPPED
