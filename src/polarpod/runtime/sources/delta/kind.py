"""Delta tables as a source."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from polarpod.contract.context import Storage
from polarpod.contract.formats.delta import Delta
from polarpod.contract.verdict import Verdict
from polarpod.runtime.sources.delta.scan_table import scan_table
from polarpod.runtime.sources.inexact_values import MOST_FILES, example
from polarpod.runtime.sources.source import NamedFiles, Source
from polarpod.store.delta_log import active_files, open_table
from polarpod.store.listing import Listing
from polarpod.store.presence import missing_of_table


class DeltaSource:
    """Reads one version of a table as a whole: a single file does not state which of its rows are valid."""

    files_stand_alone = False

    def scan(self, name: str, dataset: Delta, listing: Listing, storage: Storage) -> pl.LazyFrame:
        table = open_table(listing.uri, storage, dataset.version)
        assert table is not None, "the listing has found it"
        return scan_table(name, table, listing.uri, storage, dataset.where or {})

    def unfit_values(self, name: str, dataset: Delta, listing: Listing, storage: Storage) -> Verdict | None:
        """Returns None: the types of a table are those of its files."""

    def named_files(self, dataset: Delta, listing: Listing, storage: Storage) -> NamedFiles | None:
        table = open_table(listing.uri, storage, dataset.version)
        if table is None:
            return None
        sizes = {file["path"]: int(file["size_bytes"]) for file in active_files(table, dataset.where or {})}
        return NamedFiles(
            "its Delta log",
            sizes,
            missing_of_table(listing.uri, storage, sizes),
            "If a VACUUM took them, read a newer version. Else their rows are lost: delete what is left of the files, take "
            f"them out of the log with deltalake.DeltaTable({listing.uri!r}).repair(), and run again what had made them.",
        )

    def inexact_files(self, name: str, column: str, dataset: Delta, listing: Listing, storage: Storage) -> Iterator[str]:
        wanted = self.scan(name, dataset, listing, storage).collect_schema()[column]
        for file in listing.files[:MOST_FILES]:
            if value := example(column, file, wanted, storage):
                yield f"{file}: {value}"


KIND: Source[Delta] = DeltaSource()
