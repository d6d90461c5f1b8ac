"""Polars types by name, as schemas in job declarations write them, and what of them a Delta table can hold."""

from __future__ import annotations

import re

import polars as pl

from polarpod.contract.dataset import Schema
from polarpod.contract.verdict import Category, PolarpodError
from polarpod.store.partition_text import read_boolean, read_date, read_decimal, read_integer, read_moment, read_real

_PLAIN: dict[str, pl.DataType] = {
    kind.__name__: kind()
    for kind in (
        pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64, pl.Float32, pl.Float64,
        pl.Boolean, pl.String, pl.Binary, pl.Date, pl.Time,
    )
}  # fmt: skip
_DATETIME = re.compile(r"Datetime(?:\[(ms|us|ns)(?:, *([A-Za-z0-9_+\-/]+))?\])?")
_DECIMAL = re.compile(r"Decimal\((\d{1,2}), *(\d{1,2})\)")
_LIST = re.compile(r"List\[(.+)\]")

# What Delta lacks, and the type that holds every value of it.
_DELTA_WIDENING: dict[pl.DataType, pl.DataType] = {
    pl.UInt8(): pl.Int16(),
    pl.UInt16(): pl.Int32(),
    pl.UInt32(): pl.Int64(),
}


def parse_dtype(text: str) -> pl.DataType:
    """ "Datetime[us, UTC]" -> pl.Datetime("us", "UTC"). Raises PolarpodError for a name that is no type."""
    name = text.strip()
    if name in _PLAIN:
        return _PLAIN[name]
    if match := _DATETIME.fullmatch(name):
        return pl.Datetime(match[1] or "us", match[2])  # type: ignore[arg-type]  # the pattern lets only units through
    if match := _DECIMAL.fullmatch(name):
        return pl.Decimal(int(match[1]), int(match[2]))
    if match := _LIST.fullmatch(name):
        return pl.List(parse_dtype(match[1]))
    raise PolarpodError(
        Category.REQUEST_INVALID,
        f"{text!r} is not a type that a schema can name",
        evidence=[f"known: {', '.join(_PLAIN)}, Datetime[us, UTC], Decimal(18, 2), List[Int64]"],
        remedy="Correct the schema in @job.",
    )


def parse_schema(schema: Schema) -> dict[str, pl.DataType]:
    return {column: parse_dtype(text) for column, text in schema.items()}


def from_text(text: str, dtype: pl.DataType) -> object:
    """A partition's text as a value of its column's type; partition values travel as text in paths and in Delta logs.

    Raises:
        ValueError: the text is no such value, or values of the type do not travel as text.
    """
    if dtype == pl.Date():
        return read_date(text)
    if isinstance(dtype, pl.Datetime):
        return read_moment(text, zoned=dtype.time_zone is not None)
    if dtype == pl.Boolean():
        return read_boolean(text)
    if dtype.is_integer():
        lowest, highest = (pl.select(bound).item() for bound in (dtype.min(), dtype.max()))  # type: ignore[attr-defined]  # of integers
        return read_integer(text, lowest=lowest, highest=highest)
    if isinstance(dtype, pl.Decimal):
        return read_decimal(text, precision=dtype.precision, scale=dtype.scale)
    if dtype.is_float():
        return read_real(text, single=dtype == pl.Float32())
    if dtype == pl.String() or isinstance(dtype, (pl.Categorical, pl.Enum)):
        return text
    raise ValueError(f"{describe(dtype)} is not written as text")


def describe(dtype: pl.DataType) -> str:
    """The name of a type in the words of `parse_dtype`."""
    if isinstance(dtype, pl.Datetime):
        return f"Datetime[{dtype.time_unit}{f', {dtype.time_zone}' if dtype.time_zone else ''}]"
    if isinstance(dtype, pl.Decimal):
        return f"Decimal({dtype.precision}, {dtype.scale})"
    if isinstance(dtype, pl.List):
        return f"List[{describe(dtype.inner)}]"  # type: ignore[arg-type]  # Polars types it as class or instance
    return str(dtype)


def delta_type(dtype: pl.DataType) -> pl.DataType | None:
    """The type a Delta table holds this as without losing a value, or None where there is none."""
    if dtype in _DELTA_WIDENING:
        return _DELTA_WIDENING[dtype]
    if isinstance(dtype, pl.Datetime):
        # Delta has microseconds, either as an instant (UTC) or without a zone
        return pl.Datetime("us", "UTC" if dtype.time_zone else None) if dtype.time_unit != "ns" else None
    if isinstance(dtype, (pl.Categorical, pl.Enum)):
        return pl.String()
    if isinstance(dtype, pl.List):
        inner = delta_type(dtype.inner)  # type: ignore[arg-type]  # as above
        return pl.List(inner) if inner is not None else None
    if isinstance(dtype, pl.Struct):
        fields = {field.name: delta_type(field.dtype) for field in dtype.fields}  # type: ignore[arg-type]  # likewise
        return None if None in fields.values() else pl.Struct(fields)  # type: ignore[arg-type]  # no None is left
    if dtype in (pl.UInt64(), pl.Int128(), pl.Time(), pl.Null()) or isinstance(dtype, (pl.Duration, pl.Object, pl.Array)):
        return None
    return dtype


def fit_delta(lf: pl.LazyFrame) -> pl.LazyFrame:
    """The frame with every column as a type Delta has.

    Raises:
        PolarpodError: `output_mismatch`, naming each column that would lose values.
    """
    schema = lf.collect_schema()
    wanted = {column: delta_type(dtype) for column, dtype in schema.items()}
    homeless = [f"{column}: {describe(schema[column])}" for column, dtype in wanted.items() if dtype is None]
    if homeless:
        raise PolarpodError(
            Category.OUTPUT_MISMATCH,
            "the output has columns that a Delta table cannot hold without losing values",
            evidence=homeless,
            remedy='Cast them in the transform: Datetime to "us", UInt64 to Int64 or Decimal(20, 0), Time and Duration to '
            "Int64 or String, Null to the type you mean.",
        )
    casts = {column: dtype for column, dtype in wanted.items() if dtype != schema[column]}
    return lf.cast(casts) if casts else lf  # type: ignore[arg-type]  # values are types, never None
