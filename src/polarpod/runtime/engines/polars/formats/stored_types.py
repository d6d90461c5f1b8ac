"""The Polars types that a Parquet file preserves for every reader; checked before any row is computed."""

from __future__ import annotations

import io

import polars as pl

from polarpod.contract.verdict import Category, PolarpodError
from polarpod.runtime.types.dtype import describe, parts


def _has_wide_integers(dtype: pl.DataType) -> bool:
    """Whether a type contains 128-bit integers. Parquet has none: readers other than Polars read bytes, or fail."""
    return "Int128" in str(dtype.base_type()) or any(_has_wide_integers(inner) for inner in parts(dtype).values())


def _has_nameless(dtype: pl.DataType) -> bool:
    return any(not name or _has_nameless(inner) for name, inner in parts(dtype).items())


def check_stored(schema: pl.Schema) -> None:
    """Raises PolarpodError where a column has an empty name, or where Parquet changes or rejects its type. Tested on an
    empty file in memory, before any work."""
    unkept = []
    if nameless := [column for column, dtype in schema.items() if not column or _has_nameless(dtype)]:
        raise PolarpodError(
            Category.OUTPUT_MISMATCH,
            "the output has columns or fields whose name is empty, which other readers call something else",
            evidence=[f"{column or '(empty)'}: {describe(schema[column])}" for column in nameless],
            remedy="Name them in the transform.",
        )
    for column, dtype in schema.items():
        if _has_wide_integers(dtype):
            unkept.append(f"{column}: {describe(dtype)} is read by Polars alone")
            continue
        try:
            file = io.BytesIO()
            pl.DataFrame(schema={column: dtype}).write_parquet(file)
            file.seek(0)
            kept = pl.read_parquet_schema(file)[column]
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
            unkept.append(f"{column}: {describe(dtype)} ({str(error).splitlines()[0][:100]})")
        else:
            if kept != dtype:
                unkept.append(f"{column}: {describe(dtype)} would be read as {describe(kept)}")
    if unkept:
        raise PolarpodError(
            Category.OUTPUT_MISMATCH,
            "the output has columns that a Parquet file cannot hold",
            evidence=unkept,
            remedy="Cast them in the transform to a type that readers get back, or drop them.",
        )
