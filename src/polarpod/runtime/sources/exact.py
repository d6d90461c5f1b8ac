"""Values of Parquet inputs that would change on the way, refused while the rows pass.

Polars has no expression that fails with words of ours. One that fails because of a value quotes the name of its column:
so the words are that name, and `failure/exact.py` reads them back.
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

# a column that no file has
_PATH = "__polarpod_path"
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


def as_its_folder_says(name: str, column: str, said: pl.Expr) -> pl.Expr:
    """A column that is stored and in the folder's name as well."""
    return unless(pl.col(column).ne_missing(said), pl.col(column), _words(name, column, CONTRADICTED))


def narrowings(schema: Mapping[str, pl.DataType], footer: Footer) -> Iterator[tuple[str, pl.DataType]]:
    """Columns of a file that the declared type holds only if each of their values allows it, with the types to read them in.

    Not those of INT96, which Polars reads as the declared unit by itself, and in nanoseconds would cut off.
    """
    for column, wanted in schema.items():
        found = footer.schema.get(column)
        if found in _BEYOND.get(wanted, ()):
            assert found is not None
            yield column, found
        elif (fine := finer(wanted, found)) != wanted and footer.is_from_arrow:
            yield column, fine


def narrowed(name: str, column: str, stored: pl.DataType, wanted: pl.DataType, words: str = ROUNDED) -> pl.Expr:
    """A column as its declared type, which fails where a value is none of it."""
    return unless(is_rounded(column, stored, wanted), pl.col(column).cast(wanted), _words(name, column, words))


def is_rounded(column: str, stored: pl.DataType, wanted: pl.DataType) -> pl.Expr:
    """Whether the declared type would change a value of one of the `narrowings`."""
    lost = cut(pl.col(column), stored, wanted)
    return pl.col(column).cast(wanted).cast(pl.Int128).ne_missing(pl.col(column).cast(pl.Int128)) if lost is None else lost


def example(column: str, values: pl.Series, wanted: pl.DataType) -> str:
    """The first value of the `narrowings`' rounded rows, with the type it has."""
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
    """Raises PolarpodError where INT96 moments have digits that the declared type lacks.

    Polars reads them either as nanoseconds, which cannot reach far enough, or as microseconds, which drop digits: so the
    column is read once more, in nanoseconds. Not of Spark's files: its moments are whole microseconds.
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
