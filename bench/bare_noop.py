"""The no-op job as a plain script: one row into a Delta table. What is left of a run when everything is taken away.

Usage: python -m bench.bare_noop OUT
"""

from __future__ import annotations

import sys

import polars as pl


def main(out: str) -> None:
    pl.LazyFrame({"ran": [1]}).collect().write_delta(out, mode="overwrite")


if __name__ == "__main__":
    main(*sys.argv[1:])
