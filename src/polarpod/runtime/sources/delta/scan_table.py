"""A Delta table as a LazyFrame: files and partition values come from its log, never from paths.

Polars' own Delta scan takes partition values from folder names and formats local paths as URIs. Tables with random folder
names, and every table below a folder with a space, are then read wrongly or not at all. Here the log is authoritative: files
whose folders match the log exactly share one scan with Hive partitioning, which skips files by a filter; all others get
their values as literals.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import unquote

import polars as pl

from polarpod.contract.context import Storage
from polarpod.contract.verdict import Category, PolarpodError
from polarpod.runtime.failure.inexact_values import CUT
from polarpod.runtime.sources import exact
from polarpod.runtime.sources.footers import read_footers
from polarpod.runtime.types.datetimes import has_finer_keys, has_moments
from polarpod.runtime.types.dtype import describe
from polarpod.store.delta_log import active_files, placed
from polarpod.store.location import normal
from polarpod.store.storage_options import polars_options

if TYPE_CHECKING:
    from deltalake import DeltaTable

# Columns of a file that are read in nanoseconds and checked before the cast to the table's type.
_Care: TypeAlias = "tuple[tuple[str, pl.DataType], ...]"

_NULL_FOLDER = "__HIVE_DEFAULT_PARTITION__"
# Types for which Polars and Delta read the same value from a folder's text, where it is the text of `as_text`. Datetimes,
# floats and decimals have several text forms each.
_PLAIN = (pl.String, pl.Date, pl.Boolean, pl.Int8, pl.Int16, pl.Int32, pl.Int64)
# Older files of an altered table have fewer columns and narrower numbers. Spark's INT96 timestamps are read as nanoseconds.
_CAST = pl.ScanCastOptions(
    integer_cast="upcast",
    float_cast=["upcast"],
    datetime_cast=["nanosecond-downcast", "millisecond-upcast", "convert-timezone"],
    missing_struct_fields="insert",
    extra_struct_fields="ignore",
    categorical_to_string="allow",
)


def scan_table(name: str, table: DeltaTable, uri: str, storage: Storage, where: dict[str, str]) -> pl.LazyFrame:
    """Returns the rows of an opened table's version in the partition `where` ({} for all rows).

    Raises:
        PolarpodError: `input_mismatch`, with file, column and value, where a datetime is finer than the table's type.
    """
    schema = pl.Schema(table.schema())
    partitions = table.metadata().partition_columns
    stored = {name: dtype for name, dtype in schema.items() if name not in partitions}
    stores = polars_options(uri, storage)
    options: dict[str, Any] = {
        "glob": False,
        "missing_columns": "insert",
        "extra_columns": "ignore",
        "cast_options": _CAST,
        **stores,
    }
    if vectors := _deletion_vectors(table):
        options["_deletion_files"] = ("delta-deletion-vector", vectors)
    root = normal(uri)
    above = {unquote(part.partition("=")[0]) for part in root.split("/") if "=" in part}
    files = active_files(table, where)
    places = [placed(uri, file) for file in files]
    told: dict[_Care, list[str]] = defaultdict(list)
    untold: dict[tuple[_Care, tuple[Any, ...]], list[str]] = defaultdict(list)
    for file, place, care in zip(files, places, _cares(name, stored, places, options, stores), strict=True):
        if above.isdisjoint(schema) and folders_say(file["path"], file["partition"], schema):
            told[care].append(place)
        else:
            untold[care, tuple(file["values"].get(column) for column in partitions)].append(place)
    frames = []
    for care, alike in told.items():
        hive = {name: schema[name] for name in partitions} | dict.fromkeys(sorted(above), pl.String())
        read = {"hive_partitioning": bool(hive), "hive_schema": hive or None, "schema": stored | dict(care), **options}
        frames.append(pl.scan_parquet(alike, **read).with_columns(_narrowed(name, care, schema)).select(schema.names()))
    for (care, values), alike in untold.items():
        literals = [pl.lit(value, dtype=schema[name]).alias(name) for name, value in zip(partitions, values, strict=True)]
        frame = pl.scan_parquet(alike, hive_partitioning=False, schema=stored | dict(care), **options)
        frames.append(frame.with_columns(*literals, *_narrowed(name, care, schema)).select(schema.names()))
    return pl.concat(frames) if frames else pl.LazyFrame(schema=schema)


def _cares(
    name: str, stored: dict[str, pl.DataType], places: list[str], options: dict[str, Any], stores: dict[str, Any]
) -> list[_Care]:
    """Returns for each file its columns in nanoseconds. Footers are read only where the table has datetime columns.

    Raises:
        PolarpodError: `input_mismatch` where a map has keys in nanoseconds, or INT96 timestamps would lose digits.
    """
    moments = {column: dtype for column, dtype in stored.items() if has_moments(dtype)}
    if not moments or not places:
        return [()] * len(places)
    footers = read_footers(places, stores)
    for place, footer in zip(places, footers, strict=True):
        for column, wanted in moments.items():
            found = footer.schema.get(column)
            if found is not None and has_finer_keys(wanted, found):
                raise PolarpodError(
                    Category.INPUT_MISMATCH,
                    f"column {column!r} of input {name!r} is a map whose keys are moments in nanoseconds, which no Delta "
                    "table has",
                    evidence=[f"{place}: {column} is {describe(found)}"],
                    remedy="Have the table's files written in microseconds.",
                )
    exact.refuse_lost_digits(name, moments, places, footers, options, CUT)
    return [tuple(exact.narrowings(moments, footer)) for footer in footers]


def _narrowed(name: str, care: _Care, schema: pl.Schema) -> list[pl.Expr]:
    return [exact.narrowed(name, column, fine, schema[column], CUT) for column, fine in care]


def folders_say(path: str, partition: dict[str, str | None], schema: pl.Schema) -> bool:
    """Whether a file's folders, parsed as Hive does, are exactly its partition values."""
    folders = path.split("/")[:-1]
    read: dict[str, str | None] = {}
    for folder in folders:
        key, equals, text = folder.partition("=")
        column = unquote(key)
        if not equals or column in read:
            return False
        read[column] = None if text == _NULL_FOLDER else unquote(text)
    return read == partition and all(schema[column] in _PLAIN for column in read)


def _deletion_vectors(table: DeltaTable) -> Callable[[pl.DataFrame], pl.DataFrame] | None:
    """Returns the callback that gives Polars each file's mask of kept rows (null for all); None where no row is deleted."""
    if "deletionVectors" not in (table.protocol().reader_features or ()):
        return None
    found = pl.DataFrame(table.deletion_vectors())
    if found.is_empty():
        return None
    named = dict(zip(found["filepath"].to_list(), found["selection_vector"].to_list(), strict=True))
    kept = {unquote(name).removeprefix("file://"): mask for name, mask in named.items()}

    def masks(requested: pl.DataFrame) -> pl.DataFrame:
        wanted = [path.removeprefix("file://") for path in requested["path"].to_list()]
        return pl.DataFrame(
            {"selection_vector": [kept.get(path) for path in wanted]}, schema={"selection_vector": pl.List(pl.Boolean)}
        )

    return masks
