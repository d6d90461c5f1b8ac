"""Files in the log of a Delta input, or in the manifest of a Parquet input, that the store has lost or truncated.

Checked after a run has failed to read: a read stops at the first such file, and its error names half a path or none.
"""

from __future__ import annotations

from polarpod.contract.context import Storage
from polarpod.contract.dataset import Dataset
from polarpod.contract.verdict import Category, PolarpodError, Verdict
from polarpod.runtime.failure.text import line
from polarpod.runtime.sources.source import NamedFiles, source_of
from polarpod.store.delta_path import place
from polarpod.store.folder import Folder
from polarpod.store.listing import Listing

# One request per file, dozens of them concurrent: a failed run may spend about a minute on them.
_MOST_FILES = 50_000
_MOST_NAMED = 5


def lost_files(
    verdict: Verdict, datasets: dict[str, Dataset], listings: dict[str, Listing], storage: Storage
) -> Verdict | None:
    """Returns the verdict for the first input with lost files, with the failure's evidence appended; None without any."""
    for name, dataset in datasets.items():
        listing = listings[name]
        if len(listing.files) > _MOST_FILES:
            continue
        try:
            named = source_of(dataset).named_files(dataset, listing, storage)
            if named and named.lost:
                return _told(name, listing.uri, named, storage, verdict)
        except PolarpodError:
            continue  # the store itself fails, which the verdict already states
    return None


def _told(name: str, uri: str, named: NamedFiles, storage: Storage, verdict: Verdict) -> Verdict:
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
