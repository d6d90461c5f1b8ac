"""A run that would change nothing starts no worker. One whose rows would be other ones, or are gone, does."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl
import pytest
from tests.suite.bench import Bench
from tests.suite.conftest import on_disk

from polarpod.contract.verdict import Category
from polarpod.launch.run import Clock, RunResult
from polarpod.launch.undo import undo

pytestmark = on_disk

JOB = """
@job(
    inputs={{"rows": Parquet("{{lake}}/in/*.parquet")}},
    output={output},
    params={{"factor": Param(type="int", default=1)}},
    memory="{memory}",
)
def work(rows, *, factor):
    return rows.select(pl.col("id") * factor {extra})
"""
OUTPUTS = {
    "delta": 'Delta("{lake}/out", replace={})',
    "delta append": 'Delta("{lake}/out", append=True)',
    "parquet": 'Parquet("{lake}/out", replace={})',
}


def write(shop: Bench, output: str, *, extra: str = "", memory: str = "512Mi") -> None:
    shop.write_job(JOB.format(output=OUTPUTS[output], extra=extra, memory=memory))


@pytest.fixture(params=OUTPUTS)
def output(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def shop(bench: Bench, output: str) -> Bench:
    """A workshop in which the run has succeeded once."""
    bench.put("in/1.parquet", pl.DataFrame({"id": [1, 2, 3]}))
    write(bench, output)
    assert bench.run("work").verdict.category is Category.SUCCEEDED
    return bench


def ran_again(ran: RunResult) -> bool:
    assert (ran.attempts == 0) == (ran.verdict.category is Category.SKIPPED)
    return ran.attempts == 1


def test_an_unchanged_run_starts_no_worker_and_shows_the_standing_receipt(shop: Bench) -> None:
    ran = shop.run("work")
    assert (ran.attempts, ran.verdict.category) == (0, Category.SKIPPED)
    assert ran.verdict.exit_code == 0
    assert ran.receipt is not None
    assert ran.receipt.attempt.number == 1


CHANGES: dict[str, Callable[[Bench], object]] = {
    "more input": lambda shop: shop.put("in/2.parquet", pl.DataFrame({"id": [4]})),
    "other input": lambda shop: shop.put("in/1.parquet", pl.DataFrame({"id": [9, 9, 9]})),
    "other code": lambda shop: write(shop, "delta", extra=" + 1"),
    "a module that it imports": lambda shop: (
        (shop.jobs / "helper.py").write_text("x = 1\n"),
        shop.write_job(JOB.format(output=OUTPUTS["delta"], extra="", memory="512Mi") + "\nimport helper\n"),
    ),
    "the table deleted": lambda shop: shop.clear("out"),
    "the state deleted": lambda shop: shop.clear("_state"),
}


@pytest.mark.parametrize("output", ["delta"], indirect=True)
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_change_starts_a_worker_once(shop: Bench, change: Callable[[Bench], object]) -> None:
    change(shop)
    ran = shop.run("work")
    assert ran_again(ran)
    assert ran.verdict.category is Category.SUCCEEDED
    assert not ran_again(shop.run("work"))


@pytest.mark.parametrize("output", ["delta"], indirect=True)
def test_size_and_words_are_no_change(shop: Bench) -> None:
    shop.max_memory = "3Gi"
    (shop.jobs / "notes.md").write_text("nothing that the job could find")
    (shop.jobs / "helper.py").write_text("x = 1  # nothing that the job imports\n")
    source = (shop.jobs / "job.py").read_text()
    (shop.jobs / "job.py").write_text(f"# a comment\n{source}\n\n")
    assert not ran_again(shop.run("work"))


def test_a_deleted_table_is_made_again(shop: Bench) -> None:
    shop.clear("out")
    assert ran_again(shop.run("work"))


def test_other_parameters_are_another_run(shop: Bench) -> None:
    assert ran_again(shop.run("work", factor="2"))
    # two runs that own the whole table take turns in it: the first one's rows are gone now, unless they were appended to
    assert ran_again(shop.run("work")) == (not shop.plan("work").job.output.append)
    assert not ran_again(shop.run("work"))


@pytest.mark.parametrize("output", ["delta", "parquet"], indirect=True)
def test_force_publishes_again(shop: Bench) -> None:
    ran = shop.run("work", force=True)
    assert ran_again(ran)
    assert ran.receipt is not None
    assert ran.receipt.published is not None
    assert ran.receipt.published.adopted_from is None
    assert not ran_again(shop.run("work"))


@pytest.mark.parametrize("output", ["delta append"], indirect=True)
def test_force_does_not_append_twice(shop: Bench) -> None:
    assert shop.run("work", force=True).verdict.category is Category.PUBLISH_REFUSED
    assert shop.delta("out").height == 3
    assert not ran_again(shop.run("work"))


def test_an_undone_run_runs_again(shop: Bench) -> None:
    (info,) = shop.state.attempts("work", shop.plan("work").run_key)
    undo(info, shop.state, shop.storage, Clock())
    ran = shop.run("work")
    assert ran_again(ran)
    assert ran.receipt is not None
    assert ran.receipt.published is not None
    assert (ran.receipt.published.rows, ran.receipt.published.adopted_from) == (3, None)
    assert not ran_again(shop.run("work"))


@pytest.mark.parametrize("output", ["delta"], indirect=True)
def test_a_failed_run_runs_again_and_leaves_what_stands(shop: Bench) -> None:
    write(shop, "delta", extra=".strict_cast(pl.Date)")
    for _ in range(2):
        ran = shop.run("work")
        assert ran_again(ran)
        assert not ran.verdict.succeeded
    write(shop, "delta")
    # back to the code that made what stands
    assert not ran_again(shop.run("work"))
    assert shop.delta("out").height == 3
