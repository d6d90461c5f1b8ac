"""A job that ends its process, whatever way it finds: the supervisor outlives it and names the way."""

from __future__ import annotations

import pytest
from tests.support.live import Live
from tests.support.workshop import Workshop
from tests.worker.conftest import JobWriter

from polarpod.contract.verdict import Category

ENDS = {
    "os._exit(3)": ("os._exit(3)", Category.JOB_CRASHED, "the worker ended with exit code 3 without a word"),
    "os._exit(0)": ("os._exit(0)", Category.JOB_CRASHED, "the worker ended with exit code 0 without a word"),
    "os.abort()": ("os.abort()", Category.JOB_CRASHED, "the worker crashed (SIGABRT)"),
    "SIGSEGV": ("os.kill(os.getpid(), signal.SIGSEGV)", Category.JOB_CRASHED, "the worker crashed (SIGSEGV)"),
    "SIGKILL": (
        "os.kill(os.getpid(), signal.SIGKILL)",
        Category.WORKER_LOST,
        "the worker was killed from outside (SIGKILL)",
    ),
    "sys.exit(4)": ("sys.exit(4)", Category.JOB_FAILED, "the job called sys.exit(4)"),
    "sys.exit()": ("sys.exit()", Category.JOB_FAILED, "the job called sys.exit()"),
    "an exception": ("raise ValueError('no good')", Category.JOB_FAILED, "the job's code failed: ValueError: no good"),
    "a closed stdout": ("sys.stdout.close(); sys.exit(4)", Category.JOB_FAILED, "the job called sys.exit(4)"),
    "in a thread": (
        "import threading; t = threading.Thread(target=lambda: os._exit(5)); t.start(); t.join()",
        Category.JOB_CRASHED,
        "the worker ended with exit code 5 without a word",
    ),
}


@pytest.mark.parametrize(("body", "category", "summary"), ENDS.values(), ids=ENDS)
def test_every_end_leaves_a_receipt_with_its_verdict(
    workshop: Workshop, write_job: JobWriter, body: str, category: Category, summary: str
) -> None:
    write_job(body)
    live = Live(workshop, "work")
    ran = live.end()
    assert (ran.verdict.category, ran.verdict.summary) == (category, summary)
    assert ran.receipt is not None
    assert ran.receipt.status == "failed"
    assert ran.receipt.published is None
    assert live.ended.end.code == ran.verdict.exit_code
    message = live.ended.message
    assert message is not None
    assert (message.kind, message.phase) == ("receipt", "transform")
    assert message.summary["category"] == category
    # the log says it to people, too
    assert f"polarpod: {category}: {summary}" in ran.log.decode()


def test_an_end_at_import_is_told_as_such(workshop: Workshop) -> None:
    workshop.write_job("""
        import os
        if "POLARPOD_CONTEXT_URI" in os.environ:
            os._exit(7)

        @job(inputs={"rows": Parquet("{lake}/in.parquet")}, output=Delta("{lake}/out", append=True))
        def work(rows):
            return rows
    """)
    ran = workshop.run("work")
    assert ran.verdict.category is Category.JOB_CRASHED
    assert ran.verdict.evidence[0] == "during load"


def test_success_is_exit_code_0(workshop: Workshop, write_job: JobWriter) -> None:
    write_job()
    live = Live(workshop, "work")
    assert live.verdict.category is Category.SUCCEEDED
    assert live.ended.end.code == 0


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_stream_that_cannot_be_flushed_does_not_cost_the_run(
    workshop: Workshop, write_job: JobWriter, stream: str
) -> None:
    write_job(f"""
        full = open("/dev/full", "w")
        full.write("x")
        sys.{stream} = full
    """)
    assert workshop.run("work").verdict.category is Category.SUCCEEDED
