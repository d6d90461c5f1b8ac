"""Files as a source: one module per format."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

import polars as pl

from polarpod.contract.context import Storage
from polarpod.contract.formats.csv import Csv
from polarpod.contract.formats.ndjson import NdJson
from polarpod.contract.formats.parquet import Parquet
from polarpod.contract.verdict import Category, PolarpodError, Verdict
from polarpod.runtime.sources.source import NamedFiles, Source
from polarpod.runtime.types.dtype import parse_published, parse_schema
from polarpod.store.listing import Listing
from polarpod.store.storage_options import polars_options

Files: TypeAlias = Parquet | Csv | NdJson


class FilesSource:
    """Reads Parquet, CSV and NDJSON. The module of a format is imported only for an input that has it."""

    files_stand_alone = True

    def scan(self, name: str, dataset: Files, listing: Listing, storage: Storage) -> pl.LazyFrame:
        options = polars_options(listing.uri, storage)
        files = list(listing.files)
        if not files:
            return _nothing(name, dataset, listing)
        if isinstance(dataset, Parquet):
            from polarpod.runtime.sources.files.parquet_scan import scan_parquet

            return scan_parquet(name, dataset, listing, options)
        if isinstance(dataset, Csv):
            from polarpod.runtime.sources.files.csv_scan import scan_csv

            return scan_csv(name, dataset, files, options)
        from polarpod.runtime.sources.files.ndjson_scan import scan_ndjson

        return scan_ndjson(name, dataset, files, options)

    def unfit_values(self, name: str, dataset: Files, listing: Listing, storage: Storage) -> Verdict | None:
        if not isinstance(dataset, Csv):
            return None
        from polarpod.runtime.sources.files.csv_unfit import unfit_verdict

        return unfit_verdict(name, dataset, listing, storage)

    def named_files(
        self,
        dataset: Files,  # noqa: ARG002  # part of the interface; the manifest is in the listing
        listing: Listing,
        storage: Storage,
    ) -> NamedFiles | None:
        if listing.manifest is None:
            return None
        from polarpod.runtime.sources.files.manifest_files import manifest_files

        return manifest_files(listing.manifest, listing.uri, storage)

    def inexact_files(self, name: str, column: str, dataset: Files, listing: Listing, storage: Storage) -> Iterator[str]:
        if not isinstance(dataset, Parquet):
            return iter(())
        from polarpod.runtime.sources.files.parquet_inexact import inexact_files

        return inexact_files(name, column, dataset, listing, storage)


def _nothing(name: str, dataset: Files, listing: Listing) -> pl.LazyFrame:
    """Returns an empty frame for an input without files, with the columns of the declared schema or the manifest. Raises
    PolarpodError where there is neither."""
    if dataset.schema:
        return pl.LazyFrame(schema=parse_schema(dataset.schema))
    if not listing.manifest:
        raise PolarpodError(
            Category.INPUT_EMPTY,
            f"input {name!r} has no files",
            evidence=[dataset.uri],
            remedy="Check the step that delivers it.",
        )
    return pl.LazyFrame(schema={name: parse_published(text) for name, text in listing.manifest.schema.items()})


KIND: Source[Files] = FilesSource()
