"""A job that ends its process, whatever way it finds: the supervisor outlives it and names the way."""

from __future__ import annotations

import polars as pl
import pytest
from tests.suite.bench import Bench
from tests.suite.conftest import on_disk
from tests.suite.working import write_work
from tests.support.live import Live

from polarpod.contract.verdict import Category

pytestmark = on_disk

ENDS = {
    "os._exit(3)": ("os._exit(3)", Category.JOB_CRASHED, "the worker ended with exit code 3 without a word"),
    "os._exit(0)": ("os._exit(0)", Category.JOB_CRASHED, "the worker ended with exit code 0 without a word"),
    "os.abort()": ("os.abort()", Category.JOB_CRASHED, "the worker crashed (SIGABRT)"),
    "SIGSEGV": ("os.kill(os.getpid(), signal.SIGSEGV)", Category.JOB_CRASHED, "the worker crashed (SIGSEGV)"),
    "a native crash": ("import ctypes; ctypes.string_at(0)", Category.JOB_CRASHED, "the worker crashed (SIGSEGV)"),
    "SIGKILL": (
        "os.kill(os.getpid(), signal.SIGKILL)",
        Category.WORKER_LOST,
        "the worker was killed from outside (SIGKILL)",
    ),
    "sys.exit(4)": ("sys.exit(4)", Category.JOB_FAILED, "the job called sys.exit(4)"),
    "sys.exit()": ("sys.exit()", Category.JOB_FAILED, "the job called sys.exit()"),
    "an exception": ("raise ValueError('no good')", Category.JOB_FAILED, "the job's code failed: ValueError: no good"),
    "KeyboardInterrupt": (
        "raise KeyboardInterrupt('enough')",
        Category.JOB_FAILED,
        "the job's code failed: KeyboardInterrupt: enough",
    ),
    "GeneratorExit": ("raise GeneratorExit", Category.JOB_FAILED, "the job's code failed: GeneratorExit"),
    "CancelledError": (
        "import asyncio; raise asyncio.CancelledError",
        Category.JOB_FAILED,
        "the job's code failed: CancelledError",
    ),
    "a BaseException": ("raise BaseException('own')", Category.JOB_FAILED, "the job's code failed: BaseException: own"),
    "KeyboardInterrupt in a query": (
        "def in_the_query(_): raise KeyboardInterrupt\nrows = rows.map_batches(in_the_query, schema={'id': pl.Int64})",
        Category.JOB_FAILED,
        "the job's code failed: KeyboardInterrupt",
    ),
    "a closed stdout": ("sys.stdout.close(); sys.exit(4)", Category.JOB_FAILED, "the job called sys.exit(4)"),
    "in a thread": (
        "import threading; t = threading.Thread(target=lambda: os._exit(5)); t.start(); t.join()",
        Category.JOB_CRASHED,
        "the worker ended with exit code 5 without a word",
    ),
}
# without an end of line, and not known to Python's own buffer any more
LAST_WORDS = "print('these were its last words', end='', flush=True)\n"


@pytest.mark.parametrize(("body", "category", "summary"), ENDS.values(), ids=ENDS)
def test_every_end_leaves_a_receipt_with_its_verdict(bench: Bench, body: str, category: Category, summary: str) -> None:
    write_work(bench, LAST_WORDS + body)
    live = Live(bench, "work")
    ran = live.end()
    assert (ran.verdict.category, ran.verdict.summary) == (category, summary)
    assert b"these were its last words" in ran.log
    assert ran.receipt is not None
    assert ran.receipt.status == "failed"
    assert ran.receipt.published is None
    assert live.exit_code == ran.verdict.exit_code
    message = live.ended.message
    assert message is not None
    assert message.kind == "receipt"
    assert message.phase == ("stage" if "in_the_query" in body else "transform")
    assert message.summary["category"] == category
    # the log says it to people, too
    assert f"polarpod: {category}: {summary}" in ran.log.decode()


def test_an_end_at_import_is_told_as_such(bench: Bench) -> None:
    bench.put("in.parquet", pl.DataFrame({"id": [1]}))
    bench.write_job("""
        import os
        if "POLARPOD_SCRATCH" in os.environ:
            os._exit(7)

        @job(inputs={"rows": Parquet("{lake}/in.parquet")}, output=Delta("{lake}/out", append=True))
        def work(rows):
            return rows
    """)
    ran = bench.run("work")
    assert ran.verdict.category is Category.JOB_CRASHED
    assert ran.verdict.evidence[0] == "during load, while the job module 'job' was imported"


def test_success_is_exit_code_0(bench: Bench) -> None:
    write_work(bench)
    live = Live(bench, "work")
    assert live.verdict.category is Category.SUCCEEDED
    assert live.exit_code == 0


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_stream_that_cannot_be_flushed_does_not_cost_the_run(bench: Bench, stream: str) -> None:
    write_work(
        bench,
        f"""
        full = open("/dev/full", "w")
        full.write("x")
        sys.{stream} = full
        """,
    )
    assert bench.run("work").verdict.category is Category.SUCCEEDED
