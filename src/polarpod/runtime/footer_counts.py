"""`python -m polarpod.runtime.footer_counts`: rows of Parquet files, by reading their footers. JSON in, JSON out."""

from __future__ import annotations

import sys

import msgspec
import polars as pl

from polarpod.contract.codec import decoder
from polarpod.contract.context import Storage
from polarpod.store.storage_options import polars_options


class _Question(msgspec.Struct):
    files: dict[str, list[str]]
    storage: Storage


def rows(files: list[str], storage: Storage) -> int | None:
    """Returns the total number of rows of these files, or None where a footer cannot be read."""
    options = polars_options(files[0], storage)
    try:
        counts = [pl.scan_parquet(file, glob=False, **options).select(pl.len()).collect().item() for file in files]
    except (pl.exceptions.PolarsError, OSError):
        return None
    return sum(int(count) for count in counts)


if __name__ == "__main__":
    question = decoder(_Question).decode(sys.stdin.buffer.read())
    answer = {name: rows(files, question.storage) for name, files in question.files.items()}
    sys.stdout.buffer.write(msgspec.json.encode(answer))
