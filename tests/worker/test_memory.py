"""A job that needs more memory than it was given: told as such with its peak, retried bigger, stopped where bigger is not
allowed. The same under a cgroup's hard limit and where only the supervisor watches.

Excluded: how much bigger, a pure decision with tests of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from tests.support.live import Live
from tests.support.workshop import Workshop
from tests.worker.conftest import JobWriter

from polarpod.contract.resources import MIB
from polarpod.contract.verdict import Budget, Category
from polarpod.launch import process
from polarpod.launch.cgroup import memory_cgroup

LIMIT = 256 * MIB
# bounded, should no limit hold, and then quiet: who watches gets a chance to see it
IN_PYTHON = """
    kept = []
    while len(kept) < 200:
        kept.append(bytearray(os.urandom(1024)) * (10 * 1024))
    time.sleep(60)
"""
IN_POLARS = """
    kept = [pl.int_range(25_000_000, eager=True).sort(descending=True) for _ in range(8)]
    time.sleep(60)
"""
IN_THE_QUERY = """
    wide = pl.LazyFrame({"id": pl.int_range(10, eager=True)}).select(pl.int_range(200_000_000).alias("id"))
    rows = wide.with_columns((pl.col("id") * 3).shuffle().alias("b")).select("id", "b").reverse().filter(pl.len() > 1)
"""
NEEDS_300_MIB = """
    kept = [bytearray(os.urandom(1024)) * 1024 for _ in range(300)]
    time.sleep(1)
"""
JOBS = pytest.mark.parametrize("body", [IN_PYTHON, IN_POLARS, IN_THE_QUERY], ids=["python", "polars", "a query"])


def _can_make_cgroups() -> bool:
    with memory_cgroup("polarpod-test-probe", LIMIT) as made:
        return made is not None


@pytest.fixture(params=["cgroup", "watch"])
def limited_by(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    @contextmanager
    def none(*_: Any) -> Iterator[None]:
        yield None

    if request.param == "watch":
        monkeypatch.setattr(process, "memory_cgroup", none)
    elif not _can_make_cgroups():
        pytest.skip("this machine lets us make no memory cgroup")
    return str(request.param)


@JOBS
def test_running_out_of_memory_is_told_with_the_peak(
    workshop: Workshop, write_job: JobWriter, body: str, limited_by: str
) -> None:
    write_job(body, memory="256Mi")
    live = Live(workshop, "work")
    ran = live.end()
    assert ran.verdict.category is Category.OUT_OF_MEMORY
    assert ran.verdict.summary == "the worker needed more than its 256 MiB of memory"
    assert live.ended.end.code == ran.verdict.exit_code
    # the supervisor lived to tell it
    assert ran.receipt is not None
    assert ran.receipt.status == "failed"
    assert ran.receipt.usage.memory_limit_bytes == LIMIT
    assert ran.receipt.usage.memory_peak_bytes > LIMIT * 0.7
    assert re.fullmatch(r"peak .* of 256 MiB, during (transform|stage)", ran.verdict.evidence[0])
    (info,) = workshop.state.attempts("work", ran.receipt.run_key)
    assert info.record is not None
    assert info.record.memory_peak_bytes == ran.receipt.usage.memory_peak_bytes


def test_the_next_attempt_is_bigger_and_succeeds(workshop: Workshop, write_job: JobWriter, limited_by: str) -> None:
    write_job(NEEDS_300_MIB, memory="256Mi")
    ran = workshop.run("work", allowed={Budget.MEMORY: 3})
    assert ran.verdict.category is Category.SUCCEEDED
    assert ran.receipt is not None
    assert ran.receipt.usage.memory_limit_bytes in (512 * MIB, 1024 * MIB)
    assert ran.receipt.usage.memory_peak_bytes > 300 * MIB
    assert ran.receipt.attempt.number == ran.attempts


def test_it_stops_with_the_reason_where_more_is_not_allowed(
    workshop: Workshop, write_job: JobWriter, limited_by: str
) -> None:
    write_job(IN_PYTHON, memory="256Mi")
    workshop.max_memory = "400Mi"
    ran = workshop.run("work", allowed={Budget.MEMORY: 3})
    assert ran.attempts == 2
    assert ran.verdict.category is Category.OUT_OF_MEMORY
    assert ran.verdict.summary == "the run is out of memory, and more is not allowed"
    assert ran.verdict.evidence[1] == "the plane's max_memory is 400 MiB"
    # and does not even start the next time
    assert workshop.run("work").attempts == 0


def test_without_a_budget_there_is_one_attempt(workshop: Workshop, write_job: JobWriter) -> None:
    write_job(IN_PYTHON, memory="256Mi")
    ran = workshop.run("work")
    assert (ran.attempts, ran.verdict.category) == (1, Category.OUT_OF_MEMORY)


def test_a_success_with_memory_to_spare_knows_its_peak(workshop: Workshop, write_job: JobWriter, limited_by: str) -> None:
    write_job("kept = bytearray(os.urandom(1024)) * (50 * 1024)", memory="512Mi")
    usage = workshop.run("work").receipt.usage  # type: ignore[union-attr]
    assert 50 * MIB < usage.memory_peak_bytes < 512 * MIB
    assert (usage.cgroup_peak_bytes is not None) == (limited_by == "cgroup")
