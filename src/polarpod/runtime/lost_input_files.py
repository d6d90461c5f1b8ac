"""Files that the log of a Delta input, or the manifest of a Parquet one, names and the store has no more, or not whole.

Asked once a run has failed to read: whoever reads meets the first of them only, in words that name half a path or none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from polarpod.contract.context import Storage
from polarpod.contract.dataset import Dataset, Delta
from polarpod.contract.verdict import Category, PolarpodError, Verdict
from polarpod.runtime.failure.text import line
from polarpod.store.delta_log import active_files, open_table
from polarpod.store.delta_path import place
from polarpod.store.folder import Folder
from polarpod.store.listing import Listing
from polarpod.store.presence import missing, missing_of_table

# Each is a request, of which dozens are under way at once: a failed run may spend about a minute on them.
_MOST_FILES = 50_000
_MOST_NAMED = 5


class _Named(NamedTuple):
    """The files that an input's log or manifest names.

    Attributes:
        by: what names them, for a person.
        sizes: path below the input's folder -> its bytes, as whoever wrote it knows.
        lost: those that are not there, or not as large.
        remedy: besides bringing them back.
    """

    by: str
    sizes: Mapping[str, int]
    lost: list[str]
    remedy: str


def lost_files(
    verdict: Verdict, datasets: dict[str, Dataset], listings: dict[str, Listing], storage: Storage
) -> Verdict | None:
    """The verdict for the first input with lost files, with the evidence of the failure behind it; None where none has."""
    for name, dataset in datasets.items():
        listing = listings[name]
        if len(listing.files) > _MOST_FILES:
            continue
        try:
            named = _of_delta(dataset, listing, storage) if isinstance(dataset, Delta) else _of_manifest(listing, storage)
            if named and named.lost:
                return _told(name, listing.uri, named, storage, verdict)
        except PolarpodError:
            continue  # the store itself is in the way, which the verdict says
    return None


def _of_delta(dataset: Delta, listing: Listing, storage: Storage) -> _Named | None:
    table = open_table(listing.uri, storage, dataset.version)
    if table is None:
        return None
    sizes = {file["path"]: int(file["size_bytes"]) for file in active_files(table, dataset.where or {})}
    return _Named(
        "its Delta log",
        sizes,
        missing_of_table(listing.uri, storage, sizes),
        "If a VACUUM took them, read a newer version. Else their rows are lost: delete what is left of the files, take them "
        f"out of the log with deltalake.DeltaTable({listing.uri!r}).repair(), and run again what had made them.",
    )


def _of_manifest(listing: Listing, storage: Storage) -> _Named | None:
    if listing.manifest is None:
        return None
    sizes = {file.path: file.bytes for entry in listing.manifest.entries for file in entry.files}
    lost = missing(Folder(listing.uri, storage), sizes)
    makers = [
        f"{entry.job}/{entry.run_key}" for entry in listing.manifest.entries if {file.path for file in entry.files} & {*lost}
    ]
    again = f"Or make their rows again: {', '.join(makers[:_MOST_NAMED])}" + (", ..." if len(makers) > _MOST_NAMED else "")
    return _Named("its manifest", sizes, lost, f"{again}. A run whose files are gone is not skipped.")


def _told(name: str, uri: str, named: _Named, storage: Storage, verdict: Verdict) -> Verdict:
    found = {path: _size(uri, path, storage) for path in named.lost[:_MOST_NAMED]}
    gone = any(size is None for size in found.values())
    lines = [
        f"{path}: {'gone' if size is None else f'{size:,} bytes'}, {named.by} says {named.sizes[path]:,}"
        for path, size in found.items()
    ]
    if more := len(named.lost) - len(found):
        lines.append(f"and {more:,} more")
    return Verdict(
        category=Category.INPUT_MISSING if gone else Category.INPUT_UNREADABLE,
        summary=f"files of input {name!r} that {named.by} names are gone from the store, or cut",
        evidence=[line(each) for each in (uri, *lines)] + verdict.evidence,
        remedy=f"Bring the files back from a backup or the bucket's versions. {named.remedy}",
    )


def _size(uri: str, path: str, storage: Storage) -> int | None:
    parent, _, last = (place(uri, path) or "").rpartition("/")
    entry = Folder(parent or "/", storage).head(last)
    return entry.size if entry else None
