"""A job that does nothing, and says how long its container had been running when its first line came."""

from __future__ import annotations

import os
import time
from pathlib import Path

import polars as pl

from polarpod import Delta, Param, job


def container_seconds() -> float:
    """Seconds since this container's first process started; the kernel counts in ticks of 10 ms."""
    ticks = int(Path("/proc/1/stat").read_text().rpartition(")")[2].split()[19])
    return time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")


@job(inputs={}, output=Delta("{lake}/{name}/{by}", replace={}), params={"by": Param()}, cpu=1, memory="512Mi")
def noop() -> pl.LazyFrame:
    """One row."""
    print(f"first line after {container_seconds():.3f} s")
    return pl.LazyFrame({"x": [1]})
