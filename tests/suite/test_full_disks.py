"""Disks that are full, read-only or not there: said with the place, and the table is as it was."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl
import pytest
from tests.suite.bench import Bench
from tests.suite.conftest import not_in_a_pod, on_disk
from tests.suite.verdicts import explains

pytestmark = [on_disk, not_in_a_pod("it mounts small disks; a pod's full disk is an eviction, see test_recorded_endings")]

JOBS = """
class Row(dy.Schema):
    id = dy.Int64(nullable=False, max=0)
    text = dy.String(nullable=False)

ORDERS = {"orders": Parquet("{lake}/orders.parquet")}
ALL_BAD = Check(Row, quarantine="{disk}/bad", max_bad_share=1)

@job(inputs=ORDERS, output=Delta("{disk}/out", replace={}), memory="512Mi")
def to_delta(orders):
    return orders

@job(inputs=ORDERS, output=Parquet("{disk}/shelf", replace={}), memory="512Mi")
def to_parquet(orders):
    return orders

@job(inputs=ORDERS, output=Delta("{lake}/out", replace={}), checks=ALL_BAD, memory="512Mi")
def to_quarantine(orders):
    return orders

@job(inputs={}, output=Delta("{lake}/out", replace={}), memory="512Mi")
def writes_beside():
    with open("notes.txt", "wb") as notes:
        notes.write(b"x" * 2**20)
    return pl.LazyFrame({"id": [1]})
"""
Disk = Callable[[str], Path]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """A small file system of its own, with mount options."""
    mounted: list[Path] = []

    def mount(options: str) -> Path:
        folder = tmp_path / f"disk{len(mounted)}"
        folder.mkdir()
        if os.geteuid() != 0:
            pytest.skip("only root may mount a file system to fill")
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], capture_output=True, check=False)
        if done.returncode:
            pytest.skip(f"this machine lets nobody mount: {done.stderr.decode().strip()}")
        mounted.append(folder)
        return folder

    yield mount
    for folder in mounted:
        subprocess.run(["umount", folder], check=True)


def put_half_a_megabyte(bench: Bench) -> None:
    noise = pl.DataFrame({"id": range(8192)}).with_columns(text=pl.lit(os.urandom(32).hex()) + pl.col("id").hash().cast(str))
    bench.put("orders.parquet", noise.with_columns(pl.col("text") + pl.col("text").shuffle(seed=1).hash().cast(str)))


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("to_delta", id="delta"),
        pytest.param("to_parquet", id="parquet"),
        pytest.param("to_quarantine", id="quarantine"),
    ],
)
def test_a_full_disk_is_told_apart_from_a_bad_file(bench: Bench, disk: Disk, name: str) -> None:
    bench.variables["disk"] = str(disk("size=64k"))
    put_half_a_megabyte(bench)
    bench.fails(name, "disk_full", "a disk is full", "No space left on device", "Free space")


def test_a_full_scratch_disk_is_told_too(bench: Bench, disk: Disk) -> None:
    bench.scratch = disk("size=128k")
    bench.fails("writes_beside", "disk_full", "Errno 28", "Free space")


def test_a_read_only_output_is_a_denied_one(bench: Bench, disk: Disk) -> None:
    bench.variables["disk"] = str(disk("size=64k,ro"))
    bench.put("orders.parquet", pl.DataFrame({"id": [1]}))
    bench.fails("to_delta", "storage_denied", "file system denied access")


def test_a_read_only_scratch_directory_stops_the_run_before_its_worker(bench: Bench, disk: Disk) -> None:
    bench.scratch = disk("size=64k,ro")
    ran = bench.run("writes_beside")
    words = ("the scratch directory cannot be written", str(bench.scratch), "Read-only file system", "Point `scratch`")
    explains(ran.verdict, "spill_unusable", *words)


def test_a_scratch_directory_that_cannot_be_is_named(bench: Bench) -> None:
    (bench.root / "file").touch()
    bench.scratch = bench.root / "file" / "below"
    ran = bench.run("writes_beside")
    explains(ran.verdict, "spill_unusable", str(bench.scratch), "Not a directory", "Point `scratch`")
    bench.scratch = None
