"""Partition values: their types, their text in logs, manifests and folder names, and the values that readers would not get
back.

A partition value is stored as text: in the log or the manifest and, Hive-style, in folder names; every reader parses one of
them. So a value is written exactly, two values never share a text, and a value that a reader would parse as another one is
refused before the commit.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable
from typing import TypeAlias
from urllib.parse import quote

import polars as pl

from polarpod.contract.verdict import Category, PolarpodError
from polarpod.runtime.types.dtype import describe, from_text

NULL_FOLDER = "__HIVE_DEFAULT_PARTITION__"
# The longest file name, in bytes, of common file systems.
_FOLDER_LENGTH = 255
# The longest key of S3, in bytes; a local path may be longer.
_KEY_LENGTH = 1024
_EPOCH = dt.datetime(1970, 1, 1)  # noqa: DTZ001  # the origin of units since 1970, in UTC or without a zone
_UNITS = {"ms": 10**3, "us": 10**6, "ns": 10**9}
_NANOSECONDS = 10**9
_TYPES = (
    pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.UInt8, pl.UInt16, pl.UInt32, pl.UInt64, pl.Float32, pl.Float64,
    pl.Boolean, pl.String, pl.Date, pl.Datetime, pl.Decimal,
)  # fmt: skip
_UNFIT_FLOAT = "readers do not agree on how NaN, infinity and -0.0 are written"
_AS_STRING = (pl.Categorical, pl.Enum)


class UnfitValue(ValueError):
    """Raised for a value that cannot be a partition value; its text states the reason."""


def fit_keys(lf: pl.LazyFrame, partition_by: list[str]) -> pl.LazyFrame:
    """Returns the frame with categorical partition columns cast to String: folder names do not hold their categories."""
    schema = lf.collect_schema()
    casts = {column: pl.String() for column in partition_by if isinstance(schema.get(column), _AS_STRING)}
    return lf.cast(casts) if casts else lf  # type: ignore[arg-type]  # a dict of names and types is a schema's part


def check_columns(schema: pl.Schema, partition_by: list[str]) -> None:
    """Raises PolarpodError where rows of this schema cannot be partitioned by these columns, before any row is written."""
    if missing := [column for column in partition_by if column not in schema]:
        raise PolarpodError(
            Category.OUTPUT_MISMATCH,
            f"the output lacks its partition column {', '.join(missing)}",
            evidence=[f"columns: {', '.join(schema)}"],
            remedy="Add the column in the transform, for instance with_columns(ds=pl.lit(ds)).",
        )
    if unfit := [column for column in partition_by if not isinstance(schema[column], _TYPES)]:
        raise PolarpodError(
            Category.OUTPUT_MISMATCH,
            f"the output cannot be partitioned by {', '.join(unfit)}: readers get no value of that type back from a "
            "partition's name",
            evidence=[f"{column}: {describe(schema[column])}" for column in unfit],
            remedy="Partition by a column of text, whole numbers, Boolean, Date, Datetime or Decimal; cast it in the "
            "transform.",
        )
    escaped = [column for column in partition_by if quote(column, safe="") != column]
    lowered = [column.lower() for column in schema]
    if unfit := escaped + [column for column in partition_by if lowered.count(column.lower()) > 1 and column not in escaped]:
        raise PolarpodError(
            Category.OUTPUT_MISMATCH,
            f"the name of the partition column {unfit[0]!r} cannot be part of a folder's name for every reader",
            evidence=[f"partition_by: {', '.join(partition_by)}", f"columns: {', '.join(schema)}"],
            remedy="Rename it in the transform, to ASCII letters, digits and underscores that no other column has in "
            "another case.",
        )
    if partition_by and len(schema) == len(partition_by):
        raise PolarpodError(
            Category.OUTPUT_MISMATCH,
            "every column of the output is a partition column, so that its files would have none",
            evidence=[f"partition_by: {', '.join(partition_by)}"],
            remedy="Leave at least one column out of partition_by.",
        )


# Returns the reason why readers of a format would not get a series' only value (not null) back, or None.
Unfit: TypeAlias = Callable[[pl.Series], str | None]


def takes_all(_value: pl.Series) -> str | None:
    """The check of a format that refuses no further values."""
    return None


def spell(value: pl.Series, unfit: Unfit = takes_all) -> str | None:
    """Returns the only value of a series as text for logs, manifests and folder names; None for null.

    Raises:
        UnfitValue: readers would not get exactly this value back.
    """
    if value.is_null()[0]:
        return None
    if why := unfit(value):
        raise UnfitValue(why)
    dtype, plain = value.dtype, value.to_physical()[0]
    if isinstance(dtype, pl.Datetime):
        return _moment(plain, _UNITS[dtype.time_unit])
    if isinstance(dtype, pl.Date):
        return _moment(plain * 86_400, 1)[:10]
    if isinstance(dtype, pl.Decimal):
        return f"{value[0]:f}"
    if isinstance(dtype, pl.Boolean):
        return str(plain).lower()
    if dtype.is_float() and not (math.isfinite(plain) and (plain or math.copysign(1, plain) > 0)):
        raise UnfitValue(_UNFIT_FLOAT)
    return str(plain)


def _moment(count: int, per_second: int) -> str:
    seconds, fraction = divmod(count, per_second)
    try:
        moment = _EPOCH + dt.timedelta(seconds=seconds)
    except OverflowError:
        raise UnfitValue("its year is not between 1 and 9999") from None
    nanoseconds = fraction * (_NANOSECONDS // per_second)
    if nanoseconds % 1000:
        raise UnfitValue("readers cut a partition's moment after the microseconds")
    return moment.replace(microsecond=nanoseconds // 1000).isoformat(" ", "microseconds")


def unfit_float(keys: pl.DataFrame) -> PolarpodError | None:
    """Returns the error for the first float that `spell` refuses, or None. Checks whole batches, because grouping treats
    -0.0 as 0.0."""
    for column in keys.columns:
        value = pl.col(column)
        unfit = keys.filter(value.is_nan() | value.is_infinite() | ((value == 0) & (1 / value < 0)))
        if unfit.height:
            return refusal(column, unfit[column][0], _UNFIT_FLOAT)
    return None


def folders(values: dict[str, str | None]) -> list[str]:
    """Returns a partition's nested folder names in Hive's format. Raises PolarpodError where a name is impossible."""
    return [_folder(column, value) for column, value in values.items()]


def _folder(column: str, value: str | None) -> str:
    name = f"{quote(column, safe='')}={NULL_FOLDER if value is None else quote(value, safe='')}"
    if len(name) > _FOLDER_LENGTH:
        raise refusal(column, value, f"it is too long, {len(name)} bytes when escaped, at most {_FOLDER_LENGTH}")
    if value == NULL_FOLDER:
        raise refusal(column, value, "it is what readers take for null")
    return name


def check_length(uri: str, values: dict[str, str | None]) -> None:
    """Raises PolarpodError where the nested folder names exceed the longest key of an object store."""
    if uri.startswith("s3://") and len(uri.split("/", 3)[-1].encode()) > _KEY_LENGTH:
        column = max(values, key=lambda name: len(values[name] or ""))
        raise refusal(column, values[column], f"its files' keys are too long, at most {_KEY_LENGTH} bytes")


def refusal(column: str, value: object, why: str) -> PolarpodError:
    """Returns the error for one value."""
    return PolarpodError(
        Category.OUTPUT_MISMATCH,
        f"a value of the partition column {column!r} cannot name a partition: {why}",
        evidence=[f"{column} = {str(value)[:100]}"],
        remedy="Partition by a shorter code, or change the value in the transform.",
    )


def shared(values: dict[str, str | None]) -> PolarpodError:
    """Returns the error for two partitions with the same text, which readers could not distinguish."""
    return PolarpodError(
        Category.OUTPUT_MISMATCH,
        "two values of a partition column are written alike, so that their rows would share a partition",
        evidence=[f"{column} = {value}" for column, value in values.items()],
        remedy="Cast the column to text in the transform, which is written as it is.",
    )


def owned_as_spelled(owned: dict[str, str], schema: pl.Schema, unfit: Unfit = takes_all) -> dict[str, str]:
    """Returns the partition a run owns in the text form of logs and manifests: "01" of an Int64 column is "1". With two text
    forms of one partition, runs would not replace each other's rows.

    Raises:
        PolarpodError: `output_mismatch` where a text is not a value of its column, or cannot name a partition.
    """
    spelled = {}
    for column, text in owned.items():
        dtype = schema[column]
        try:
            value = pl.Series([from_text(text, dtype)], dtype=dtype, strict=True)
            spelled[column] = str(spell(value, unfit))
        except UnfitValue as error:
            raise refusal(column, text, str(error)) from None
        except (ValueError, KeyError, ArithmeticError, TypeError, pl.exceptions.PolarsError):
            raise PolarpodError(
                Category.OUTPUT_MISMATCH,
                f"the partition this run owns ({column} = {text}) is no {describe(dtype)}, as the output's column is",
                evidence=[f"columns: {', '.join(f'{name}: {describe(dtype)}' for name, dtype in schema.items())}"],
                remedy=f"Give {column} the type of the parameter in the transform, or the parameter that of the column.",
            ) from None
    return spelled


def key_values(keys: pl.DataFrame, unfit: Unfit = takes_all) -> dict[str, str | None]:
    """Returns the partition values of one row as text. Raises PolarpodError for a value that cannot name a partition."""
    spelled = {}
    for key in keys.get_columns():
        try:
            spelled[key.name] = spell(key, unfit)
        except UnfitValue as error:
            raise refusal(key.name, _shown(key), str(error)) from None
    return spelled


def _shown(key: pl.Series) -> object:
    """Returns one value for a message. Dates and datetimes as numbers: Polars panics when it formats one out of range, and
    Python fails too."""
    if key.dtype.is_float():
        return key.to_list()[0]
    if key.dtype.is_temporal():
        return f"{key.to_physical()[0]} since 1970 ({describe(key.dtype)})"
    return key.cast(pl.String)[0]
