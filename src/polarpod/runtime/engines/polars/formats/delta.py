"""The Polars types and column names that a Delta table can hold; checked before any row is computed.

A type that Delta lacks is widened to one that holds all its values, or refused by the column's name. Unknown types are
refused too: a log with other types than its files makes the whole table unreadable.
"""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from polarpod.contract.verdict import Category, PolarpodError
from polarpod.runtime.engines.polars.formats.row_format import RowFormat
from polarpod.runtime.types.dtype import describe, parts
from polarpod.runtime.types.representable import IN_MICROSECONDS, out_of_reach
from polarpod.store.partition_text import is_misspelled

_AS_IS = frozenset(
    {
        pl.Int8(), pl.Int16(), pl.Int32(), pl.Int64(), pl.Float32(), pl.Float64(), pl.Boolean(), pl.String(), pl.Binary(),
        pl.Date(),
    }
)  # fmt: skip
_NO_TYPE = "A column of type Null has no value in any row, so that nothing says its type: declare it in the input's schema. "
_WIDENING: dict[pl.DataType, pl.DataType] = {
    pl.UInt8(): pl.Int16(),
    pl.UInt16(): pl.Int32(),
    pl.UInt32(): pl.Int64(),
}


def fit_delta(lf: pl.LazyFrame) -> pl.LazyFrame:
    """Returns the frame with every column cast to a Delta type.

    Raises:
        PolarpodError: `output_mismatch`, naming each column that no Delta table can hold.
    """
    schema = lf.collect_schema()
    _check_names(schema)
    wanted = {column: delta_type(dtype) for column, dtype in schema.items()}
    homeless_columns = [column for column, dtype in wanted.items() if dtype is None]
    if homeless_columns:
        raise PolarpodError(
            Category.OUTPUT_MISMATCH,
            "the output has columns that a Delta table cannot hold without losing values",
            evidence=[f"{column}: {describe(schema[column])}" for column in homeless_columns],
            remedy=(_NO_TYPE if pl.Null() in map(schema.get, homeless_columns) else "")
            + 'Cast them in the transform: Datetime to "us", in a Map with a time zone; UInt64 and Int128 to Int64 or '
            "Decimal(20, 0), Float16 to Float32, Time and Duration to Int64 or String, Array to List, a Map's keys to "
            "signed integers or String, Null to the type you mean.",
        )
    casts = {column: dtype for column, dtype in wanted.items() if dtype != schema[column]}
    return lf.cast(casts) if casts else lf  # type: ignore[arg-type]  # values are types, never None


def delta_type(dtype: pl.DataType) -> pl.DataType | None:
    """Returns the Delta type that holds all values of this type, or None where there is none."""
    if isinstance(dtype, pl.Datetime):
        # Delta has microseconds, either in UTC or without a zone.
        return pl.Datetime("us", "UTC" if dtype.time_zone else None) if dtype.time_unit != "ns" else None
    if isinstance(dtype, pl.List):
        inner = delta_type(*parts(dtype).values())
        return pl.List(inner) if inner is not None else None
    if isinstance(dtype, pl.Struct):
        fields = {name: delta_type(inner) for name, inner in parts(dtype).items()}
        return None if None in fields.values() else pl.Struct(fields)  # type: ignore[arg-type]  # no None is left
    if isinstance(dtype, pl.Map):
        return _map_type(dtype)
    if isinstance(dtype, pl.Decimal) or dtype in _AS_IS:
        return dtype
    return pl.String() if isinstance(dtype, (pl.Categorical, pl.Enum)) else _WIDENING.get(dtype)


def unfit_key(value: pl.Series) -> str | None:
    """Returns the reason why readers of a Delta table would not get this non-null partition value back, or None."""
    if value.dtype == pl.String() and value[0] == "":
        return "the Delta protocol takes an empty text for null"
    if isinstance(value.dtype, pl.Decimal) and -1 < value[0] < 0:
        return "deltalake cannot read a decimal between -1 and 0 from a log"
    return None


def unfit_written_key(value: pl.Series) -> str | None:
    """As `unfit_key`, where deltalake writes the log itself."""
    if isinstance(value.dtype, pl.Decimal) and is_misspelled(value[0]):
        return unfit_key(value) or "deltalake writes -1.50 as -1.-50"
    return unfit_key(value)


def _map_type(dtype: pl.Map) -> pl.DataType | None:
    key, value = (delta_type(inner) for inner in parts(dtype).values())
    # Polars cannot cast keys. deltalake does not search a Map for datetimes without a zone, so it writes a log without the
    # table feature that they require.
    if key is None or value is None or key != dtype.key or _has_naive_moments(key) or _has_naive_moments(value):
        return None
    return pl.Map(key, value)


def _has_naive_moments(dtype: pl.DataType) -> bool:
    if isinstance(dtype, pl.Datetime):
        return dtype.time_zone is None
    return any(_has_naive_moments(inner) for inner in parts(dtype).values())


def _check_names(schema: pl.Schema) -> None:
    twins = _twins("", schema)
    for column, dtype in schema.items():
        twins += _nested_twins(column, dtype)
    if twins:
        raise PolarpodError(
            Category.OUTPUT_MISMATCH,
            "the output has columns whose names differ in case only, which are one column to a Delta table",
            evidence=twins,
            remedy="Rename one of each pair in the transform.",
        )


def _nested_twins(path: str, dtype: pl.DataType) -> list[str]:
    inside = parts(dtype)
    twins = _twins(f"{path}.", inside)
    for name, inner in inside.items():
        twins += _nested_twins(f"{path}.{name}", inner)
    return twins


def _twins(path: str, names: Iterable[str]) -> list[str]:
    seen: dict[str, str] = {}
    twins = []
    for name in names:
        first = seen.setdefault(name.lower(), name)
        if first != name:
            twins.append(f"{path}{first} and {path}{name}")
    return twins


ROWS = RowFormat(
    fit=fit_delta, refusal=lambda planned, stored: out_of_reach(IN_MICROSECONDS, planned, stored), unfit=unfit_key
)
