"""Finds the files whose values `exact` has refused: the refusal comes out of Polars with a column, without a file."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

import msgspec
import polars as pl

from polarpod.contract.context import Storage
from polarpod.contract.dataset import Dataset, Delta, Parquet
from polarpod.contract.verdict import Verdict
from polarpod.runtime.failure.inexact_values import MARK, REMEDIES
from polarpod.runtime.scan import scan
from polarpod.runtime.sources import exact
from polarpod.runtime.sources.footers import Footer
from polarpod.runtime.types.dtype import parse_schema
from polarpod.store.listing import Listing
from polarpod.store.location import is_local
from polarpod.store.storage_options import for_polars

_WORDS = re.compile(rf"""column ('.*'|".*") of input ('.*'|".*") (?:{"|".join(map(re.escape, REMEDIES))})""", re.DOTALL)
# as many as a failed run may open to say which one it was, and as many as a reader wants to see
_MOST_FILES = 500
_MOST_NAMED = 5


def name_inexact_files(
    verdict: Verdict, datasets: dict[str, Dataset], listings: dict[str, Listing], storage: Storage
) -> Verdict | None:
    """The verdict with the files that it is about for its evidence; None where it is about something else."""
    words = _WORDS.match(verdict.summary)
    if words is None:
        return None
    column, name = (ast.literal_eval(quoted) for quoted in words.groups())
    dataset, listing = datasets.get(name), listings.get(name)
    if not isinstance(dataset, (Parquet, Delta)) or listing is None:
        return None
    if isinstance(dataset, Delta):
        named = _in_table(name, column, dataset, listing, storage)
    else:
        named = _in_files(name, column, dataset, listing, storage)
    found = list(islice(named, _MOST_NAMED))
    unknown = [f"in none of the first {_MOST_FILES} of {len(listing.files):,} files"]
    return msgspec.structs.replace(verdict, evidence=found or unknown)


def _in_table(name: str, column: str, dataset: Dataset, listing: Listing, storage: Storage) -> Iterator[str]:
    wanted = scan(name, dataset, listing, storage).collect_schema()[column]
    for file in listing.files[:_MOST_FILES]:
        if value := _example(column, file, wanted, storage):
            yield f"{file}: {value}"


def _in_files(name: str, column: str, dataset: Parquet, listing: Listing, storage: Storage) -> Iterator[str]:
    wanted = parse_schema(dataset.schema or {}).get(column)
    for file in listing.files[:_MOST_FILES]:
        try:
            scan(name, dataset, listing._replace(files=(file,)), storage).select(column).collect()
        except pl.exceptions.PolarsError as error:
            if MARK in str(error):
                value = _example(column, file, wanted, storage) if wanted is not None else ""
                yield f"{file}: {value}" if value else file


def _example(column: str, file: str, wanted: pl.DataType, storage: Storage) -> str:
    """The first value that the wanted type would round, where that is what is wrong."""
    options: dict[str, Any] = {} if is_local(file) else {"storage_options": for_polars(storage)}
    for _, stored in exact.narrowings({column: wanted}, Footer(file, options)):
        rows = pl.scan_parquet(file, hive_partitioning=False, glob=False, **options).select(column)
        bad = rows.filter(exact.is_rounded(column, stored, wanted)).head(1).collect()
        return exact.example(column, bad[column], wanted) if bad.height else ""
    return ""
