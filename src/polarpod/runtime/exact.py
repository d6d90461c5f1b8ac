"""Values of Parquet inputs that would change on the way, refused while the rows pass.

Polars has no expression that fails with words of ours. One that fails because of a value quotes the name of its column:
so the words are that name, and `failure/exact.py` reads them back.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from operator import or_
from typing import Any

import polars as pl

from polarpod.contract.verdict import Category, PolarpodError
from polarpod.runtime.dtype import describe
from polarpod.runtime.failure.exact import CONTRADICTED, MARK, REMEDIES, ROUNDED, SATURATED
from polarpod.runtime.footers import Footer

# What an INT96 moment outside of nanoseconds becomes, whichever end it is beyond.
_LAST_NANOSECOND = 2**63 - 1
_NANOSECONDS = {"us": 1_000, "ms": 1_000_000}
# whole numbers that have more digits than the mantissa
_WIDE = (pl.Int64(), pl.UInt64(), pl.Int128())
_BEYOND: dict[pl.DataType, tuple[pl.DataType, ...]] = {
    pl.Float64(): _WIDE,
    pl.Float32(): (*_WIDE, pl.Int32(), pl.UInt32()),
}


def unless(bad: pl.Expr, column: pl.Expr, words: str) -> pl.Expr:
    """The column; evaluating it fails with these words where a row is bad."""
    # a literal loses its alias on the way, a struct's field keeps it
    sign = pl.struct(pl.when(bad).then(pl.lit(-1, pl.Int8)).otherwise(pl.lit(0, pl.Int8)).alias(words))
    return pl.when(sign.cast(pl.Struct({words: pl.UInt8})).struct.field(words) == 0).then(column)


def unsaturated(name: str, column: str, dtype: pl.DataType) -> pl.Expr:
    """A column of moments in nanoseconds, which fails where INT96 held one that is none."""
    bad = saturated(pl.col(column), dtype)
    assert bad is not None, "the caller has asked before"
    return unless(bad, pl.col(column), _words(name, column, SATURATED))


def saturated(expr: pl.Expr, dtype: pl.DataType) -> pl.Expr | None:
    """Whether a value is or has the last moment in nanoseconds; None for types without nanoseconds."""
    if isinstance(dtype, pl.Datetime):
        return expr.to_physical() == _LAST_NANOSECOND if dtype.time_unit == "ns" else None
    if isinstance(dtype, pl.List):
        inner = saturated(pl.element(), dtype.inner)  # type: ignore[arg-type]  # Polars types it as class or instance
        return None if inner is None else expr.list.eval(inner).list.any()
    if isinstance(dtype, pl.Struct):
        fields = [saturated(expr.struct.field(field.name), field.dtype) for field in dtype.fields]  # type: ignore[arg-type]  # likewise
        found = [field for field in fields if field is not None]
        return reduce(or_, (field.fill_null(value=False) for field in found)) if found else None
    return None


def as_its_folder_says(name: str, column: str, said: pl.Expr) -> pl.Expr:
    """A column that is stored and in the folder's name as well."""
    return unless(pl.col(column).ne_missing(said), pl.col(column), _words(name, column, CONTRADICTED))


def narrowings(schema: dict[str, pl.DataType], footer: Footer) -> Iterator[tuple[str, pl.DataType]]:
    """Columns of a file, with their types, that the declared type holds only if each of their values allows it."""
    for column, wanted in schema.items():
        found = footer.schema.get(column)
        if isinstance(found, pl.Datetime) and isinstance(wanted, pl.Datetime):
            # INT96 is read as what is declared: as nanoseconds it would be cut off
            if _is_coarser(found, wanted) and footer.is_from_arrow:
                yield column, found
        elif found in _BEYOND.get(wanted, ()):
            yield column, found


def narrowed(name: str, column: str, wanted: pl.DataType) -> pl.Expr:
    """A column as its declared type, which fails where a value is none of it."""
    bad = is_rounded(column, wanted)
    return unless(bad, pl.col(column).cast(wanted), _words(name, column, ROUNDED))


def is_rounded(column: str, wanted: pl.DataType) -> pl.Expr:
    """Whether the declared type would change a value of one of the `narrowings`."""
    if isinstance(wanted, pl.Datetime):
        return pl.col(column).to_physical() % _NANOSECONDS[wanted.time_unit] != 0
    return pl.col(column).cast(wanted).cast(pl.Int128).ne_missing(pl.col(column).cast(pl.Int128))


def refuse_lost_digits(
    name: str, schema: dict[str, pl.DataType], files: list[str], footers: list[Footer], options: dict[str, Any]
) -> None:
    """Raises PolarpodError where INT96 moments have digits that the declared type lacks.

    Polars reads them either as nanoseconds, which cannot reach far enough, or as microseconds, which drop digits: so the
    column is read once more, in nanoseconds.
    """
    for column, wanted in schema.items():
        if not isinstance(wanted, pl.Datetime) or wanted.time_unit == "ns":
            continue
        suspects = [
            file
            for file, footer in zip(files, footers, strict=True)
            if isinstance(found := footer.schema.get(column), pl.Datetime)
            and _is_coarser(found, wanted)
            and not footer.is_from_arrow
        ]
        if suspects:
            _refuse_lost_digits(name, column, wanted, suspects, options)


def _refuse_lost_digits(name: str, column: str, wanted: pl.Datetime, files: list[str], options: dict[str, Any]) -> None:
    value = pl.col(column).to_physical()
    found = (
        pl.scan_parquet(
            files,
            hive_partitioning=False,
            glob=False,
            include_file_paths="__polarpod_path",
            extra_columns="ignore",
            schema={column: pl.Datetime("ns", wanted.time_zone)},
            **options,
        )
        .filter((value % _NANOSECONDS[wanted.time_unit] != 0) & (value != _LAST_NANOSECOND))
        .head(1)
        .collect()
    )
    for moment, file in found.with_columns(pl.col(column).dt.to_string()).rows():
        raise PolarpodError(
            Category.INPUT_MISMATCH,
            _words(name, column, ROUNDED).removeprefix(MARK),
            evidence=[f"{file}: {column} = {moment}, declared {describe(wanted)}"],
            remedy=REMEDIES[ROUNDED],
        )


def _is_coarser(found: pl.Datetime, wanted: pl.Datetime) -> bool:
    return found.time_unit == "ns" and wanted.time_unit != "ns"


def _words(name: str, column: str, what: str) -> str:
    return f"{MARK}column {column!r} of input {name!r} {what}"
