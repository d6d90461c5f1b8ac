"""A Delta table as a LazyFrame: the files and the partition values that its log names, and nothing read from their paths.

Polars' own Delta scan takes partition values from folder names and spells local paths as URIs. Tables with random folder
names, and every table below a folder with a space, are then read wrongly or not at all. Here the log decides: files whose
folders say exactly what the log says go to one scan with Hive partitioning, which skips files by a filter; all others get
their values as literals.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import polars as pl

from polarpod.contract.context import Storage
from polarpod.store.delta_log import active_files, placed
from polarpod.store.dialect import for_polars
from polarpod.store.location import is_local, normal

if TYPE_CHECKING:
    from deltalake import DeltaTable

_NULL_FOLDER = "__HIVE_DEFAULT_PARTITION__"
# Of these a folder's text means the same value to Polars and to Delta, where it is the one that `as_text` has; moments,
# floats and decimals have several spellings each.
_PLAIN = (pl.String, pl.Date, pl.Boolean, pl.Int8, pl.Int16, pl.Int32, pl.Int64)
# Older files of an altered table have fewer columns and narrower numbers. Spark's INT96 moments come as nanoseconds.
_CAST = pl.ScanCastOptions(
    integer_cast="upcast",
    float_cast=["upcast"],
    datetime_cast=["nanosecond-downcast", "millisecond-upcast", "convert-timezone"],
    missing_struct_fields="insert",
    extra_struct_fields="ignore",
    categorical_to_string="allow",
)


def scan_table(table: DeltaTable, uri: str, storage: Storage, where: dict[str, str]) -> pl.LazyFrame:
    """The rows of an opened table's version that belong to a partition ({} for all of it)."""
    schema = pl.Schema(table.schema())
    partitions = table.metadata().partition_columns
    options: dict[str, Any] = {
        "schema": {name: dtype for name, dtype in schema.items() if name not in partitions},
        "glob": False,
        "missing_columns": "insert",
        "extra_columns": "ignore",
        "cast_options": _CAST,
    }
    if not is_local(uri):
        options["storage_options"] = for_polars(storage)
    if vectors := _deletion_vectors(table):
        options["_deletion_files"] = ("delta-deletion-vector", vectors)
    root = normal(uri)
    above = {unquote(part.partition("=")[0]) for part in root.split("/") if "=" in part}
    told: list[str] = []
    untold: dict[tuple[Any, ...], list[str]] = defaultdict(list)
    for file in active_files(table, where):
        place = placed(uri, file)
        if above.isdisjoint(schema) and folders_say(file["path"], file["partition"], schema):
            told.append(place)
        else:
            untold[tuple(file["values"].get(column) for column in partitions)].append(place)
    frames = []
    if told:
        hive = {name: schema[name] for name in partitions} | dict.fromkeys(sorted(above), pl.String())
        found = pl.scan_parquet(told, hive_partitioning=bool(hive), hive_schema=hive or None, **options)
        frames.append(found.select(schema.names()))
    for values, places in untold.items():
        literals = [pl.lit(value, dtype=schema[name]).alias(name) for name, value in zip(partitions, values, strict=True)]
        frame = pl.scan_parquet(places, hive_partitioning=False, **options)
        frames.append(frame.with_columns(literals).select(schema.names()))
    return pl.concat(frames) if frames else pl.LazyFrame(schema=schema)


def folders_say(path: str, partition: dict[str, str | None], schema: pl.Schema) -> bool:
    """Whether a file's folders, read in the way of Hive, are exactly its partition values."""
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
    """For Polars: which rows of each file are kept, null for all of them. None where no file has lost a row."""
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
