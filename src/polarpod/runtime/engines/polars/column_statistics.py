"""Null counts and bounds of a staged file's columns, from its Parquet footer, in the form of a Delta log.

Readers skip a file whose bounds exclude a match; some answer MIN and MAX from the bounds alone. So an inexact bound is left
out: of floats, since a footer's bounds ignore NaN and engines sort it differently; of decimals, since they are JSON numbers
in a log, which readers parse as floats; of texts that Polars may have truncated; of datetimes that are finer than a log's
milliseconds.

https://github.com/delta-io/delta/blob/master/PROTOCOL.md#per-file-statistics
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import polars as pl

from polarpod.runtime.publish.staged_file import Bound, ColumnStatistics

# Polars truncates the texts of a footer's bounds to 64 bytes, at the start of a character of up to four bytes, and does not
# mark the truncated ones.
_CUT_BYTES = 64 - 3
_EPOCH = dt.datetime(1970, 1, 1)  # noqa: DTZ001  # also for columns without a time zone
_IN_A_MILLISECOND = {"ms": 1, "us": 1_000, "ns": 1_000_000}


def column_statistics(schema: pl.Schema, groups: Sequence[dict[str, dict[str, Any]]]) -> ColumnStatistics:
    """Returns the combined statistics of a file's row groups.

    Args:
        schema: the schema of the file.
        groups: for each row group, column -> its statistics as Polars prints them: null_count, min_value, max_value, plus
            only_nulls.
    """
    nulls, least, greatest = {}, {}, {}
    for column, dtype in schema.items():
        if dtype.is_nested():
            continue
        chunks = [group[column] for group in groups]
        nulls[column] = sum(int(chunk["null_count"]) for chunk in chunks)
        bounds = [(chunk["min_value"], chunk["max_value"]) for chunk in chunks if not chunk.get("only_nulls")]
        if found := _bounds(dtype, bounds):
            least[column], greatest[column] = found
    return ColumnStatistics(tuple(schema), nulls, least, greatest)


def _bounds(dtype: pl.DataType, chunks: list[tuple[Any, Any]]) -> tuple[Bound, Bound] | None:
    if not chunks or any(low is None or high is None for low, high in chunks):
        return None
    lows, highs = [bytes(low) for low, _ in chunks], [bytes(high) for _, high in chunks]
    if isinstance(dtype, pl.String):
        # UTF-8 sorts by its bytes, in Parquet and in every reader.
        texts = (min(lows), max(highs))
        return None if any(len(text) >= _CUT_BYTES for text in [*lows, *highs]) else (texts[0].decode(), texts[1].decode())
    if not (dtype.is_signed_integer() or isinstance(dtype, (pl.Date, pl.Datetime))):
        return None
    numbers = (min(map(_number, lows)), max(map(_number, highs)))
    texts_of = [_text(dtype, number) for number in numbers]
    return None if texts_of[0] is None or texts_of[1] is None else (texts_of[0], texts_of[1])


def _number(data: bytes) -> int:
    return int.from_bytes(data, "little", signed=True)


def _text(dtype: pl.DataType, number: int) -> Bound | None:
    """Returns a value in the form of a log; None where a log cannot hold it exactly."""
    try:
        if isinstance(dtype, pl.Date):
            return (_EPOCH.date() + dt.timedelta(days=number)).isoformat()
        if isinstance(dtype, pl.Datetime):
            return _moment(number, dtype)
    except OverflowError:
        return None  # before the year 1, or after 9999
    return number


def _moment(number: int, dtype: pl.Datetime) -> str | None:
    milliseconds, finer = divmod(number, _IN_A_MILLISECOND[dtype.time_unit])
    if finer:
        return None
    moment = _EPOCH + dt.timedelta(milliseconds=milliseconds)
    return moment.isoformat("T", "milliseconds") + "Z" if dtype.time_zone else moment.isoformat(" ", "milliseconds")
