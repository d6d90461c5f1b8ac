"""A job around whatever a test wants to happen in the worker, on ten rows."""

from __future__ import annotations

import textwrap

import polars as pl
from tests.suite.bench import Bench
from tests.support.live import Live

_JOB = """
import os, signal, subprocess, sys, time

@job(inputs={{"rows": Parquet("{{lake}}/in.parquet")}}, output={output}, {options})
def work(rows):
    def say(text):
        print(text, flush=True)
{body}
    return rows
"""


def write_work(
    bench: Bench,
    body: str = "",
    *,
    output: str = 'Delta("{lake}/out", replace={})',
    memory: str = "512Mi",
    **options: object,
) -> None:
    """Writes the job `work` and its input; the body may say(text), which can be waited for, and reassign `rows`."""
    bench.put("in.parquet", pl.DataFrame({"id": range(10)}))
    more = ", ".join(f"{name}={value!r}" for name, value in {"memory": memory, **options}.items())
    body = textwrap.indent(textwrap.dedent(body).strip() or "pass", "    ")
    bench.write_job(_JOB.format(output=output, options=more, body=body))


def busy(bench: Bench) -> Live:
    """An attempt whose job has said that it is busy."""
    live = Live(bench, "work")
    live.until_heard(b"busy")
    return live
