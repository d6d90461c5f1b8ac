"""Refuses values of Parquet inputs that a read would change, while the rows are scanned.

Polars has no expression that fails with a custom message. An expression that fails on a value quotes the name of its column:
so the message is that name, and `failure/inexact_values.py` parses it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from polarpod.contract.verdict import Category, PolarpodError
from polarpod.runtime.failure.inexact_values import CONTRADICTED, MARK, REMEDIES, ROUNDED, SATURATED
from polarpod.runtime.sources.footers import Footer
from polarpod.runtime.types.datetimes import cut, finer, first_cut, saturated
from polarpod.runtime.types.dtype import describe

# A column name that no file has.
_PATH = "__polarpod_path"
# Integer types with more digits than the float's mantissa.
_WIDE = (pl.Int64(), pl.UInt64(), pl.Int128())
_BEYOND: dict[pl.DataType, tuple[pl.DataType, ...]] = {
    pl.Float64(): _WIDE,
    pl.Float32(): (*_WIDE, pl.Int32(), pl.UInt32()),
}


def unless(bad: pl.Expr, column: pl.Expr, words: str) -> pl.Expr:
    """Returns the column as an expression that fails with the message `words` where a row is bad."""
    # A literal loses its alias in the plan; a struct's field keeps it.
    sign = pl.struct(pl.when(bad).then(pl.lit(-1, pl.Int8)).otherwise(pl.lit(0, pl.Int8)).alias(words))
    return pl.when(sign.cast(pl.Struct({words: pl.UInt8})).struct.field(words) == 0).then(column)


def unsaturated(name: str, column: str, dtype: pl.DataType) -> pl.Expr:
    """Returns a nanosecond column as an expression that fails where INT96 held a timestamp outside their range."""
    bad = saturated(pl.col(column), dtype)
    assert bad is not None, "the caller has asked before"
    return unless(bad, pl.col(column), _words(name, column, SATURATED))


def as_its_folder_says(name: str, column: str, said: pl.Expr) -> pl.Expr:
    """Returns a stored column as an expression that fails where its value differs from the folder's name."""
    return unless(pl.col(column).ne_missing(said), pl.col(column), _words(name, column, CONTRADICTED))


def narrowings(schema: Mapping[str, pl.DataType], footer: Footer) -> Iterator[tuple[str, pl.DataType]]:
    """Yields (column, type to read it in) for columns of a file that fit the declared type only by their values.

    INT96 columns are left out: Polars reads them in the declared unit, and in nanoseconds would clip their range.
    """
    for column, wanted in schema.items():
        found = footer.schema.get(column)
        if found in _BEYOND.get(wanted, ()):
            assert found is not None
            yield column, found
        elif (fine := finer(wanted, found)) != wanted and footer.is_from_arrow:
            yield column, fine


def narrowed(name: str, column: str, stored: pl.DataType, wanted: pl.DataType, words: str = ROUNDED) -> pl.Expr:
    """Returns a column cast to its declared type, as an expression that fails where the cast would change a value."""
    return unless(is_rounded(column, stored, wanted), pl.col(column).cast(wanted), _words(name, column, words))


def is_rounded(column: str, stored: pl.DataType, wanted: pl.DataType) -> pl.Expr:
    """Returns an expression: whether the declared type would change a value of one of the `narrowings`."""
    lost = cut(pl.col(column), stored, wanted)
    return pl.col(column).cast(wanted).cast(pl.Int128).ne_missing(pl.col(column).cast(pl.Int128)) if lost is None else lost


def example(column: str, values: pl.Series, wanted: pl.DataType) -> str:
    """Returns text for evidence: the first of `values`, all of which the declared type would round, and its stored type."""
    value = first_cut(values, wanted) or values.cast(pl.String)[0]
    return f"{column} = {value}, stored as {describe(values.dtype)}"


def refuse_lost_digits(
    name: str,
    schema: Mapping[str, pl.DataType],
    files: list[str],
    footers: list[Footer],
    options: dict[str, Any],
    words: str = ROUNDED,
) -> None:
    """Raises PolarpodError where INT96 timestamps have digits that the declared type lacks.

    Polars reads them either as nanoseconds, whose range is too small, or as microseconds, which drop digits: so the column
    is read once more, in nanoseconds. Files of Spark are skipped: its timestamps are whole microseconds.
    """
    for column, wanted in schema.items():
        suspects = [
            (file, fine)
            for file, footer in zip(files, footers, strict=True)
            if (fine := finer(wanted, footer.schema.get(column))) != wanted and footer.may_have_lost_digits
        ]
        for fine in dict.fromkeys(dtype for _, dtype in suspects):
            alike = [file for file, dtype in suspects if dtype == fine]
            _refuse_lost_digits(name, column, fine, wanted, alike, options, words)


def _refuse_lost_digits(
    name: str,
    column: str,
    fine: pl.DataType,
    wanted: pl.DataType,
    files: list[str],
    options: dict[str, Any],
    words: str,
) -> None:
    how = {"hive_partitioning": False, "glob": False, "extra_columns": "ignore", **options, "schema": {column: fine}}
    found = (
        pl.scan_parquet(files, include_file_paths=_PATH, **how).filter(is_rounded(column, fine, wanted)).head(1).collect()
    )
    for file in found[_PATH]:
        raise PolarpodError(
            Category.INPUT_MISMATCH,
            _words(name, column, words).removeprefix(MARK),
            evidence=[f"{file}: {column} = {first_cut(found[column], wanted)}, wanted as {describe(wanted)}"],
            remedy=REMEDIES[words],
        )


def _words(name: str, column: str, what: str) -> str:
    return f"{MARK}column {column!r} of input {name!r} {what}"
