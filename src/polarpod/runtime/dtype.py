"""Polars types by name, as schemas in job declarations and manifests write them, and which of them Parquet keeps."""

from __future__ import annotations

import io
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


def _has_wide_integers(dtype: pl.DataType) -> bool:
    """Whether integers of 128 bits are part of a type. Parquet has none: other readers take them for bytes, or fail."""
    return "Int128" in str(dtype.base_type()) or any(_has_wide_integers(inner) for inner in parts(dtype).values())


def parts(dtype: pl.DataType) -> dict[str, pl.DataType]:
    """The types that a nested type is made of, by name and in order; none of a plain type."""
    if isinstance(dtype, pl.Struct):
        return {field.name: _instance(field.dtype) for field in dtype.fields}
    if isinstance(dtype, pl.Map):
        return {"key": _instance(dtype.key), "value": _instance(dtype.value)}
    return {"element": _instance(dtype.inner)} if isinstance(dtype, (pl.List, pl.Array)) else {}


def _instance(dtype: object) -> pl.DataType:
    """Polars types what is inside of another type as class or instance; of a schema's column it is an instance."""
    assert isinstance(dtype, pl.DataType)
    return dtype


def check_stored(schema: pl.Schema) -> None:
    """Raises PolarpodError where a Parquet file would give a column back as another type, or not take it at all. Asked of an
    empty file in memory, before any work."""
    unkept = []
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
