"""What a revenue job wrote, as four exact numbers: frameworks are only compared when they did the same work.

Usage: python -m bench.checksum OUT...
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import polars as pl


class Checksum(NamedTuple):
    """Exact, not floating, hence equal to the last digit whatever the order of additions."""

    rows: int
    lines: int
    quantity: Decimal
    revenue: Decimal


def checksum(files: Iterable[Path]) -> Checksum:
    """Of these files only: a directory published by polarpod may still hold an earlier run's, name its manifest's."""
    frame = pl.scan_parquet(list(files), hive_partitioning=False).select("lines", "quantity", "revenue")
    sums = frame.select(
        pl.len(),
        pl.col("lines").cast(pl.Int64).sum(),
        pl.col("quantity").cast(pl.Decimal(38, 2)).sum(),
        pl.col("revenue").cast(pl.Decimal(38, 4)).sum(),
    ).collect()
    return Checksum(*sums.row(0))


def checksum_of_directory(out: str | Path) -> Checksum:
    return checksum(sorted(Path(out).rglob("*.parquet")))


if __name__ == "__main__":
    for directory in sys.argv[1:]:
        print(directory, *checksum_of_directory(directory))
