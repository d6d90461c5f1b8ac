"""A workshop with one input of ten rows, and a job around whatever a test wants to happen in the worker."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from tests.support.workshop import Workshop

JobWriter = Callable[..., None]

_JOB = """
import json, os, signal, subprocess, sys, time
from pathlib import Path

ROOT = Path({root!r})

def say(name, text=""):
    # appears whole: whoever waits for the file may read it at once
    (ROOT / f".{{name}}").write_text(str(text))
    (ROOT / f".{{name}}").rename(ROOT / name)

@job(inputs={{"rows": Parquet("{{lake}}/in.parquet")}}, output={output}, {options})
def work(rows):
{body}
    return rows
"""


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    found = Workshop(tmp_path, str(tmp_path / "lake"))
    found.put("in.parquet", pl.DataFrame({"id": range(10)}))
    return found


@pytest.fixture
def write_job(workshop: Workshop) -> JobWriter:
    """Writes the job `work`; its body may use ROOT and say(name, text), and may reassign `rows`."""

    def write(
        body: str = "", *, output: str = 'Delta("{lake}/out", replace={})', memory: str = "512Mi", **options: object
    ) -> None:
        more = ", ".join(f"{name}={value!r}" for name, value in {"memory": memory, **options}.items())
        body = textwrap.indent(textwrap.dedent(body).strip() or "pass", "    ")
        workshop.write_job(_JOB.format(root=str(workshop.root), output=output, options=more, body=body))

    return write
