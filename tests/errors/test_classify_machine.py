"""What is said when a disk, the memory, Polars itself or somebody from outside ended the run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from polarpod.contract.verdict import Category
from polarpod.runtime.classify import classify

ROWS = pl.LazyFrame({"a": [1]})


@pytest.mark.parametrize(
    ("call", "category", "words"),
    [
        pytest.param(lambda: ROWS.sink_csv("/dev/full"), Category.DISK_FULL, "No space left", id="a full disk"),
        pytest.param(lambda: ROWS.sink_parquet("/dev/full"), Category.DISK_FULL, "No space left", id="Parquet to it"),
        pytest.param(lambda: ROWS.sink_csv("/proc/x.csv"), Category.INPUT_MISSING, "/proc/x.csv", id="no such folder"),
        pytest.param(lambda: ROWS.sink_csv("/dev"), Category.REQUEST_INVALID, "/dev", id="a folder in the way"),
        pytest.param(lambda: bytearray(1 << 60), Category.OUT_OF_MEMORY, "MemoryError", id="memory"),
        pytest.param(
            lambda: ROWS.select(pl.int_range(0, 2**62)).collect(), Category.JOB_CRASHED, "capacity", id="a Rust panic"
        ),
    ],
)
def test_the_machine_is_told_from_the_job(caught: Any, call: Any, category: Category, words: str) -> None:
    verdict = classify(caught(call), phase="stage")
    assert verdict.category is category
    assert words in verdict.evidence[0]
    assert verdict.remedy


@pytest.mark.parametrize(
    ("interrupted", "category"), [(True, Category.INTERRUPTED), (False, Category.JOB_FAILED)], ids=["a signal", "the job"]
)
def test_an_interruption_needs_a_signal(caught: Any, interrupted: bool, category: Category) -> None:
    error = caught(lambda: ROWS.map_batches(lambda _: (_ for _ in ()).throw(KeyboardInterrupt())).collect())
    verdict = classify(error, phase="stage", interrupted=interrupted)
    assert verdict.category is category
    assert "KeyboardInterrupt" in verdict.evidence[0]


def test_a_folder_that_may_not_be_written_is_denied(caught: Any, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    me = os.geteuid()
    try:
        if me == 0:  # root may write everywhere
            os.seteuid(65534)
        error = caught(lambda: ROWS.sink_csv(tmp_path / "x.csv"))
    finally:
        os.seteuid(me)
    assert classify(error, phase="stage").category is Category.STORAGE_DENIED


def test_a_spill_over_its_budget_says_what_to_raise(tmp_path: Path) -> None:
    code = (
        "import msgspec, polars as pl; from polarpod.runtime.classify import classify\n"
        "lf = pl.LazyFrame({'a': [0]}).select(a=pl.int_range(4_000_000).reverse()).with_columns(b=pl.col('a').hash())\n"
        f"lf.sink_parquet({str(tmp_path / 'in')!r})\n"
        f"try: pl.scan_parquet({str(tmp_path / 'in')!r}).sort('b').sink_parquet({str(tmp_path / 'out')!r})\n"
        "except BaseException as error: print(msgspec.json.encode(classify(error, phase='stage')).decode())\n"
    )
    spill = {"MEMORY_BUDGET_MB": "10", "DISK_BUDGET_MB": "1", "SPILL_DIR": str(tmp_path / "spill")}
    environment = os.environ | {f"POLARS_OOC_{name}": value for name, value in spill.items()}
    verdict = json.loads(subprocess.check_output([sys.executable, "-c", code], env=environment, text=True))
    assert verdict["category"] == "disk_full"
    assert "Raise `spill`" in verdict["remedy"]


def test_a_spill_file_that_vanished_is_told_from_a_crash() -> None:
    # Polars' own words, seen when another process cleaned the folder; too much of a race to provoke here
    words = 'JoinError::Panic(Id(175), "failed to open spill file \\"/scratch/x.ipc\\": No such file or directory", ...)'
    panic = type("PanicException", (BaseException,), {"__module__": "pyo3_runtime"})
    assert classify(panic(words), phase="stage").category is Category.SPILL_UNUSABLE


@pytest.mark.parametrize(
    ("error", "category"),
    [
        pytest.param(RuntimeError("memory allocation of 4294967296 bytes failed"), Category.OUT_OF_MEMORY, id="memory"),
        pytest.param(
            RuntimeError("polars: memory usage exceeded POLARS_OOMKILL_THRESHOLD_MB or ..., aborting"),
            Category.OUT_OF_MEMORY,
            id="Polars' own guard",
        ),
        pytest.param(
            RuntimeError('JoinError::Panic(Id(250), "__POLARS_ABORT_KEYBOARD_INTERRUPT", ...)'),
            Category.INTERRUPTED,
            id="the panic of an interrupted query",
        ),
        pytest.param(OSError(5, "Input/output error"), Category.STORAGE_UNAVAILABLE, id="a failing disk"),
        pytest.param(OSError(116, "Stale file handle"), Category.STORAGE_UNAVAILABLE, id="a mount that went away"),
    ],
)
def test_words_that_cannot_be_provoked_here_are_understood(error: BaseException, category: Category) -> None:
    # seen on the way: the process is aborted while it says so, or a disk has to break
    assert classify(error, phase="stage", interrupted=True).category is category
