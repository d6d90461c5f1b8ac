"""The smallest honest job: no inputs, one row published. Its wall time is what a run costs before any work."""

from __future__ import annotations

import polars as pl

from polarpod import Delta, job


@job(inputs={}, output=Delta("{out}/noop", replace={}), memory="512Mi")
def noop() -> pl.LazyFrame:
    """One row."""
    return pl.LazyFrame({"ran": [1]})
