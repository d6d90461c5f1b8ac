"""Names of Polars types, as in the schemas of job declarations and manifests."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import polars as pl

from polarpod.contract.schema import Schema
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
_LIST = re.compile(r"List\[(.+)\]", re.DOTALL)
# Followed by JSON, because fields and categories may have any name.
_OF_PARTS = re.compile(r"(Enum|Struct|Array|Map)([\[{].*)", re.DOTALL)


def parse_dtype(text: str) -> pl.DataType:
    """ "Datetime[us, UTC]" -> pl.Datetime("us", "UTC"). Raises PolarpodError for a name that is not a type."""
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
    """Returns the text of a partition value, as in paths and Delta logs, as a value of the column's type.

    Raises:
        ValueError: the text is not a value of the type, or values of the type have no text form.
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


def described(columns: Any) -> dict[str, str]:
    """Returns column -> name of its type, for any object that exports an Arrow stream."""
    return {name: describe(dtype) for name, dtype in pl.DataFrame(columns).schema.items()}


def describe(dtype: pl.DataType) -> str:
    """Returns the name of a type, as `parse_dtype` accepts it, or `parse_published` for types that it does not support."""
    if isinstance(dtype, pl.Datetime):
        return f"Datetime[{dtype.time_unit}{f', {dtype.time_zone}' if dtype.time_zone else ''}]"
    if isinstance(dtype, pl.Decimal):
        return f"Decimal({dtype.precision}, {dtype.scale})"
    if isinstance(dtype, pl.Duration):
        return f"Duration[{dtype.time_unit}]"
    if isinstance(dtype, pl.List):
        return f"List[{describe(_instance(dtype.inner))}]"
    if isinstance(dtype, pl.Enum):
        return f"Enum{_json(dtype.categories.to_list())}"
    inside = {name: describe(inner) for name, inner in parts(dtype).items()}
    if isinstance(dtype, pl.Struct):
        return f"Struct{_json(inside)}"
    if isinstance(dtype, pl.Array):
        return f"Array{_json([*inside.values(), dtype.size])}"
    return f"Map{_json(list(inside.values()))}" if inside else str(dtype)


def _json(words: object) -> str:
    return json.dumps(words, ensure_ascii=False)


def parse_published(text: str) -> pl.DataType:
    """Returns the type of a name by `describe`, as in manifests. Raises PolarpodError for a name that is not a type."""
    if match := _OF_PARTS.fullmatch(text):
        return _MADE_OF[match[1]](json.loads(match[2]))
    if match := _LIST.fullmatch(text):
        return pl.List(parse_published(match[1]))
    return _BEYOND_SCHEMAS.get(text) or parse_dtype(text)


_BEYOND_SCHEMAS: dict[str, pl.DataType] = {
    "Categorical": pl.Categorical(),
    "Null": pl.Null(),
    "Float16": pl.Float16(),
    "Duration[ms]": pl.Duration("ms"),
    "Duration[us]": pl.Duration("us"),
    "Duration[ns]": pl.Duration("ns"),
}
_MADE_OF: dict[str, Callable[[Any], pl.DataType]] = {
    "Enum": pl.Enum,
    "Struct": lambda fields: pl.Struct({name: parse_published(text) for name, text in fields.items()}),
    "Array": lambda words: pl.Array(parse_published(words[0]), words[1]),
    "Map": lambda words: pl.Map(*map(parse_published, words)),
}


def parts(dtype: pl.DataType) -> dict[str, pl.DataType]:
    """Returns name -> inner type of a nested type, in order; empty for a plain type."""
    if isinstance(dtype, pl.Struct):
        return {field.name: _instance(field.dtype) for field in dtype.fields}
    if isinstance(dtype, pl.Map):
        return {"key": _instance(dtype.key), "value": _instance(dtype.value)}
    return {"element": _instance(dtype.inner)} if isinstance(dtype, (pl.List, pl.Array)) else {}


def _instance(dtype: Any) -> pl.DataType:
    """Returns an instance of the type: Polars accepts a class inside a nested type and does not instantiate it."""
    return dtype() if isinstance(dtype, type) else dtype  # type: ignore[no-any-return]  # an instance of DataType
