"""The files of a published Parquet dataset, and those of them that are lost."""

from __future__ import annotations

from polarpod.contract.context import Storage
from polarpod.runtime.sources.source import NamedFiles
from polarpod.store.folder import Folder
from polarpod.store.parquet_manifest import Manifest
from polarpod.store.presence import missing

_MOST_RUNS = 5


def manifest_files(manifest: Manifest, uri: str, storage: Storage) -> NamedFiles:
    """Returns the files of a dataset that polarpod published; the remedy names the runs that wrote the lost ones."""
    sizes = {file.path: file.bytes for entry in manifest.entries for file in entry.files}
    lost = missing(Folder(uri, storage), sizes)
    makers = [f"{entry.job}/{entry.run_key}" for entry in manifest.entries if {file.path for file in entry.files} & {*lost}]
    again = f"Or make their rows again: {', '.join(makers[:_MOST_RUNS])}" + (", ..." if len(makers) > _MOST_RUNS else "")
    return NamedFiles("its manifest", sizes, lost, f"{again}. A run whose files are gone is not skipped.")
