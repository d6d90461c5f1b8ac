"""Parquet inputs as LazyFrames: exactly the listed files, each value as stored or as in the folder's name."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import groupby
from typing import Any

import polars as pl

from polarpod.contract.dataset import Parquet
from polarpod.runtime.sources import exact
from polarpod.runtime.sources.files import columns_fit
from polarpod.runtime.sources.files.hive_folders import Folders, folders_of
from polarpod.runtime.sources.footers import Footer, read_footers
from polarpod.runtime.types import datetimes
from polarpod.runtime.types.dtype import parse_schema
from polarpod.store.listing import Listing

# Narrower numbers of an older file are widened to the declared type; `exact` checks those that could lose a digit, and
# `columns_fit` datetimes that would gain or lose a zone.
_CAST = pl.ScanCastOptions(
    integer_cast=["upcast", "allow-float"],
    float_cast=["upcast"],
    datetime_cast=["nanosecond-downcast", "upcast", "convert-timezone"],
    categorical_to_string="allow",
)
# A column name that no file has.
_PATH = "__polarpod_path"


def scan_parquet(name: str, dataset: Parquet, listing: Listing, options: dict[str, Any]) -> pl.LazyFrame:
    """Returns one Parquet input, lazily.

    Raises:
        PolarpodError: `input_mismatch`, with file and column, where folders or files disagree or a value would change.
    """
    folders = folders_of(name, dataset, listing)
    files = list(listing.files)
    if dataset.schema is not None:
        return _declared(name, parse_schema(dataset.schema), files, folders, options)
    frame = _scan(name, files, folders, options)
    schema = frame.collect_schema()
    columns_fit.refuse_too_precise(name, files[0], schema)
    footers = cache(lambda: read_footers(files, options))
    # Files that polarpod published have one type per column, by their manifest.
    if not listing.manifest and len(files) > 1 and any(map(datetimes.has_moments, schema.values())):
        columns_fit.refuse_mixed_clocks(name, files, footers())
    return _unsaturated(name, frame, footers)


def _unsaturated(name: str, frame: pl.LazyFrame, footers: Callable[[], list[Footer]]) -> pl.LazyFrame:
    """Returns the frame; its nanosecond columns fail where INT96 exceeds their range. Without any, no footer is read."""
    schema = frame.collect_schema()
    fine = [column for column, dtype in schema.items() if datetimes.saturated(pl.col(column), dtype) is not None]
    if not fine or all(footer.is_from_arrow for footer in footers()):
        return frame
    return frame.with_columns(exact.unsaturated(name, column, schema[column]) for column in fine)


def _scan(name: str, files: list[str], folders: Folders, options: dict[str, Any], **how: Any) -> pl.LazyFrame:
    """Scans these files with the columns of their folders."""
    if not folders.columns:
        return pl.scan_parquet(files, hive_partitioning=False, glob=False, **how, **options)
    # With Hive partitioning the folder's value would override a stored column.
    stored = pl.scan_parquet(files[0], hive_partitioning=False, glob=False, **options).collect_schema()
    if folders.is_plain and not stored.keys() & {*folders.columns, *folders.above}:
        types = {**folders.columns, **dict.fromkeys(folders.above, pl.String())}
        frame = pl.scan_parquet(files, hive_partitioning=True, hive_schema=types, glob=False, **how, **options)
        return frame.drop(folders.above)
    # Exact for every layout, but slower: only where Polars parses the paths does a filter skip files.
    frame = pl.scan_parquet(files, hive_partitioning=False, glob=False, include_file_paths=_PATH, **how, **options)
    for column, dtype in folders.columns.items():
        said = pl.col(_PATH).replace_strict(
            pl.Series(files, dtype=pl.String), pl.Series(folders.values(name, column, stored.get(column, dtype), files))
        )
        frame = frame.with_columns(exact.as_its_folder_says(name, column, said) if column in stored else said.alias(column))
    return frame.drop(_PATH)


def _declared(
    name: str, schema: dict[str, pl.DataType], files: list[str], folders: Folders, options: dict[str, Any]
) -> pl.LazyFrame:
    """Returns files of several schemas as one frame. Consecutive files with the same narrowings share one scan."""
    footers = read_footers(files, options)
    for file, footer in zip(files, footers, strict=True):
        columns_fit.refuse_other_case(name, file, footer, schema)
        columns_fit.refuse_too_precise(name, file, {each: footer.schema[each] for each in schema if each in footer.schema})
        columns_fit.refuse_other_clock(name, file, footer, schema)
    stored = {column for column in folders.columns if any(column in footer.schema for footer in footers)}
    schema = {column: dtype for column, dtype in schema.items() if column not in folders.columns or column in stored}
    care = [tuple(exact.narrowings(schema, footer)) for footer in footers]
    exact.refuse_lost_digits(name, schema, files, footers, options)
    frames = []
    at = 0
    for narrowed, run in groupby(care):
        count = len(list(run))
        as_stored = schema | dict(narrowed)
        frame = _scan(
            name,
            files[at : at + count],
            folders,
            options,
            schema=as_stored,
            missing_columns="insert",
            extra_columns="ignore",
            cast_options=_CAST,
        )
        frames.append(frame.with_columns(exact.narrowed(name, column, fine, schema[column]) for column, fine in narrowed))
        at += count
    frame = frames[0] if len(frames) == 1 else pl.concat(frames)
    return _unsaturated(name, frame, lambda: footers)
