"""Null counts and bounds of a staged file's columns, from its Parquet footer, as a Delta log holds them.

Readers leave a file out whose bounds say that no row of it can match; some answer MIN and MAX from them alone. So a bound
is exact or left out: of floats, since a footer's bounds ignore NaN and engines sort it differently; of decimals, since they
are numbers of JSON in a log, which readers take for floats; of texts that Polars may have cut; of moments that are finer
than a log's milliseconds.

https://github.com/delta-io/delta/blob/master/PROTOCOL.md#per-file-statistics
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import polars as pl

from polarpod.runtime.publish.staged_file import Bound, ColumnStatistics

# Polars cuts the texts of a footer's bounds to 64 bytes, before a character that would be cut itself, which has up to four;
# and says of none whether it was
_CUT_BYTES = 64 - 3
_EPOCH = dt.datetime(1970, 1, 1)  # noqa: DTZ001  # moments of a column without a time zone too
_IN_A_MILLISECOND = {"ms": 1, "us": 1_000, "ns": 1_000_000}


def column_statistics(schema: pl.Schema, groups: Sequence[dict[str, dict[str, Any]]]) -> ColumnStatistics:
    """What the row groups of a file say together.

    Args:
        schema: the file's.
        groups: of each row group, column -> its statistics as Polars prints them: null_count, min_value, max_value.
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
        # UTF-8 sorts as its bytes do, in Parquet as in every reader
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
    """A value as a log writes it; None where it cannot hold it exactly."""
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
