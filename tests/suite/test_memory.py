"""A job that needs more memory than it was given: told as such with its peak, retried bigger, stopped where bigger is not
allowed. The same in a pod, under a cgroup of this machine and where only the supervisor watches.

Excluded: how much bigger, a pure decision with tests of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from tests.suite.bench import Bench
from tests.suite.conftest import IN_CLUSTER, on_disk
from tests.suite.working import write_work
from tests.support.live import Live

from polarpod.contract.resources import MIB
from polarpod.contract.verdict import Budget, Category
from polarpod.launch.planes.process import launcher as process
from polarpod.launch.planes.process.cgroup import memory_cgroup

pytestmark = on_disk
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
HUNGRY = pytest.mark.parametrize("body", [IN_PYTHON, IN_POLARS, IN_THE_QUERY], ids=["python", "polars", "a query"])


def _can_make_cgroups() -> bool:
    with memory_cgroup("polarpod-test-probe", LIMIT) as made:
        return made is not None


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "limited_by" in metafunc.fixturenames:
        ways = ["pod"] if IN_CLUSTER else ["cgroup", "watch"]
        metafunc.parametrize("limited_by", ways, indirect=True)


@pytest.fixture
def limited_by(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    @contextmanager
    def none(*_: Any) -> Iterator[None]:
        yield None

    if request.param == "watch":
        monkeypatch.setattr(process, "memory_cgroup", none)
    elif request.param == "cgroup" and not _can_make_cgroups():
        pytest.skip("this machine lets us make no memory cgroup")
    return str(request.param)


@HUNGRY
def test_running_out_of_memory_is_told_with_the_peak(bench: Bench, body: str, limited_by: str) -> None:
    write_work(bench, f"    print('these were its last words', end='', flush=True){body}", memory="256Mi")
    live = Live(bench, "work")
    ran = live.end()
    assert b"these were its last words" in ran.log
    assert ran.verdict.category is Category.OUT_OF_MEMORY
    assert ran.verdict.summary == "the worker needed more than its 256 MiB of memory"
    assert live.exit_code == ran.verdict.exit_code
    # the supervisor lived to tell it
    assert ran.receipt is not None
    assert ran.receipt.status == "failed"
    assert ran.receipt.usage.memory_limit_bytes == LIMIT
    assert ran.receipt.usage.memory_peak_bytes > LIMIT * 0.7
    assert re.fullmatch(r"peak .* of 256 MiB, during (transform|stage)", ran.verdict.evidence[0])
    (info,) = bench.state.attempts("work", ran.receipt.run_key)
    assert info.record is not None
    assert info.record.memory_peak_bytes == ran.receipt.usage.memory_peak_bytes


def test_the_next_attempt_is_bigger_and_succeeds(bench: Bench, limited_by: str) -> None:
    write_work(bench, NEEDS_300_MIB, memory="256Mi")
    ran = bench.run("work", allowed={Budget.MEMORY: 3})
    assert ran.verdict.category is Category.SUCCEEDED
    assert ran.receipt is not None
    assert ran.receipt.usage.memory_limit_bytes in (512 * MIB, 1024 * MIB)
    assert ran.receipt.usage.memory_peak_bytes > 300 * MIB
    assert ran.receipt.attempt.number == ran.attempts


def test_it_stops_with_the_reason_where_more_is_not_allowed(bench: Bench, limited_by: str) -> None:
    write_work(bench, IN_PYTHON, memory="256Mi")
    bench.max_memory = "400Mi"
    ran = bench.run("work", allowed={Budget.MEMORY: 3})
    assert ran.attempts == 2
    assert ran.verdict.category is Category.OUT_OF_MEMORY
    assert ran.verdict.summary == "the run is out of memory, and more is not allowed"
    assert ran.verdict.evidence[1] == "the plane's max_memory is 400 MiB"
    # and does not even start the next time
    assert bench.run("work").attempts == 0


def test_without_a_budget_there_is_one_attempt(bench: Bench) -> None:
    write_work(bench, IN_PYTHON, memory="256Mi")
    ran = bench.run("work")
    assert (ran.attempts, ran.verdict.category) == (1, Category.OUT_OF_MEMORY)


def test_a_success_with_memory_to_spare_knows_its_peak(bench: Bench, limited_by: str) -> None:
    write_work(bench, "kept = bytearray(os.urandom(1024)) * (50 * 1024)", memory="512Mi")
    usage = bench.run("work").receipt.usage
    assert 50 * MIB < usage.memory_peak_bytes < 512 * MIB
    assert (usage.cgroup_peak_bytes is not None) == (limited_by != "watch")
