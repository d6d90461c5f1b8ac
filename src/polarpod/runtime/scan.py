"""Inputs as LazyFrames. Nothing is read but what the schema needs, and the one row that shows an input is not empty."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

import polars as pl

from polarpod.contract.context import Storage
from polarpod.contract.dataset import Csv, Dataset, Delta, NdJson, Parquet
from polarpod.contract.verdict import Category, PolarpodError
from polarpod.runtime.dtype import from_text, parse_dtype, parse_schema
from polarpod.store.delta_log import open_table
from polarpod.store.dialect import for_polars
from polarpod.store.glob import split_glob
from polarpod.store.listing import Listing, no_rows
from polarpod.store.location import is_local, normal
from polarpod.store.manifest import Manifest

# Narrower numbers of an older file are widened to the declared type; anything that could lose a digit is an error.
_CAST = pl.ScanCastOptions(
    integer_cast=["upcast", "allow-float"], float_cast=["upcast"], datetime_cast=["nanosecond-downcast"]
)


def scan(name: str, dataset: Dataset, listing: Listing, storage: Storage) -> pl.LazyFrame:
    """One input, lazily. Exactly the listed files are scanned, so what the receipt says was read is what was read.

    Raises:
        PolarpodError: `input_empty`, unless the dataset allows it.
    """
    options: dict[str, Any] = {} if is_local(listing.uri) else {"storage_options": for_polars(storage)}
    files = list(listing.files)
    if isinstance(dataset, Delta):
        frame = _delta(dataset, listing, storage)
    elif not files:
        frame = _nothing(name, dataset, listing)
    elif isinstance(dataset, Parquet):
        frame = _parquet(dataset, listing, options)
    elif isinstance(dataset, Csv):
        frame = _csv(dataset, files, options)
    else:
        frame = _ndjson(dataset, files, options)
    if not dataset.allow_empty and frame.head(1).collect().is_empty():
        raise no_rows(name, listing)
    return frame


def _parquet(dataset: Parquet, listing: Listing, options: dict[str, Any]) -> pl.LazyFrame:
    folders, above = _folders(dataset, listing)
    if dataset.schema is not None:
        options = options | {
            "schema": parse_schema(dataset.schema),
            "missing_columns": "insert",
            "extra_columns": "ignore",
            "cast_options": _CAST,
        }
    if listing.manifest and folders:
        # its types are known, and a day that looks like a date was perhaps published as text
        known = {column: _published_type(listing.manifest, column) for column in folders}
        options["hive_schema"] = known | dict.fromkeys(above - known.keys(), pl.String())
    frame = pl.scan_parquet(list(listing.files), hive_partitioning=bool(folders), glob=False, **options)
    if folders and (strays := above - folders):
        # Polars looks at the whole path; a lake below `env=prod` does not make `env` a column of everything in it
        stored = pl.scan_parquet(listing.files[0], hive_partitioning=False, glob=False, **options).collect_schema()
        frame = frame.drop(strays - set(stored))
    return frame


def _folders(dataset: Parquet, listing: Listing) -> tuple[set[str], set[str]]:
    """The columns that `key=value` folders make, and those they would make of the folders above the input."""
    root, _ = split_glob(normal(dataset.uri))
    above = _keys(root)
    if dataset.hive is False:
        return set(), above
    below = _keys(listing.files[0].removeprefix(root).rpartition("/")[0])
    # asked for outright, a folder that the input's own URI names counts too
    return (below | above if dataset.hive else below), above if not dataset.hive else set()


def _keys(path: str) -> set[str]:
    return {unquote(part.partition("=")[0]) for part in path.split("/") if "=" in part}


def _published_type(published: Manifest, column: str) -> pl.DataType:
    try:
        return parse_dtype(published.schema.get(column, "String"))
    except PolarpodError:
        return pl.String()  # a Categorical, whose name is not one that schemas write


def _csv(dataset: Csv, files: list[str], options: dict[str, Any]) -> pl.LazyFrame:
    strict: dict[str, Any] = {}
    if dataset.schema is not None:
        strict = {"schema": parse_schema(dataset.schema), "extra_columns": "raise", "missing_columns": "raise"}
    return pl.scan_csv(
        files,
        separator=dataset.separator,
        null_values=dataset.null_values or None,
        # inference that stops at the first 100 rows turns row 101 into an error at 3 am
        infer_schema_length=10_000,
        raise_if_empty=False,
        glob=False,
        **strict,
        **options,
    )


def _ndjson(dataset: NdJson, files: list[str], options: dict[str, Any]) -> pl.LazyFrame:
    schema = parse_schema(dataset.schema) if dataset.schema is not None else None
    return pl.scan_ndjson(files, schema=schema, infer_schema_length=10_000, **options)


def _delta(dataset: Delta, listing: Listing, storage: Storage) -> pl.LazyFrame:
    table = open_table(listing.uri, storage, dataset.version)
    assert table is not None, "the listing has found it"
    frame = pl.scan_delta(table, storage_options=None if is_local(listing.uri) else for_polars(storage))
    for column, text in (dataset.where or {}).items():
        dtype = frame.collect_schema()[column]  # the listing has seen to it that it is there
        frame = frame.filter(pl.col(column) == pl.lit(from_text(text, dtype)))
    return frame


def _nothing(name: str, dataset: Parquet | Csv | NdJson, listing: Listing) -> pl.LazyFrame:
    """An input without files: only a declared schema, or the manifest's, can say what its columns would be."""
    schema = dataset.schema or (listing.manifest.schema if listing.manifest else None)
    if schema is None:
        raise PolarpodError(
            Category.INPUT_EMPTY,
            f"input {name!r} has no files",
            evidence=[dataset.uri],
            remedy="Check the step that delivers it.",
        )
    return pl.LazyFrame(schema=parse_schema(schema))
