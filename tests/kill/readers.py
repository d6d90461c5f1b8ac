"""What readers see of a place, and what its folders hold."""

from __future__ import annotations

from pathlib import Path

import polars as pl
from tests.support.workshop import Workshop

from polarpod.contract.dataset import Parquet
from polarpod.store import parquet_manifest as manifest
from polarpod.store.folder import Folder
from polarpod.store.listing import list_input


def manifested(workshop: Workshop, path: str) -> pl.DataFrame:
    """The rows of a plain Parquet dataset, partition columns included."""
    folder = Folder(f"{workshop.lake}/{path}", workshop.storage)
    found = manifest.read(folder)
    if found is None:
        return pl.DataFrame()
    listing = list_input(path, Parquet(folder.uri), workshop.storage)
    assert len(set(listing.files)) == len(listing.files), "a file counts once"
    parts = {f"{folder.uri}/{file.path}": file.partition for entry in found.manifest.entries for file in entry.files}
    assert set(parts) == set(listing.files)
    frames = [
        pl.read_parquet(file, **workshop.options).with_columns(**{k: pl.lit(v) for k, v in parts[file].items()})
        for file in parts
    ]
    return pl.concat(frame.select(sorted(frame.columns)) for frame in frames)


def ordered(frame: pl.DataFrame) -> pl.DataFrame:
    frame = frame.select(sorted(frame.columns))
    return frame.sort(frame.columns, nulls_last=True)


def listed(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def modified(path: Path) -> int:
    return path.stat().st_mtime_ns if path.exists() else 0
