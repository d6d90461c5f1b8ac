"""Checks that files named by a log or a manifest are in the store, with the size they were written with.

A log records what was published, not files that were deleted from the store directly. So the files of a run that is to be
skipped or adopted, and of one that is about to commit, are checked: by one request a file, many in parallel. The cost grows
with the run's files, while that of a listing grows with the table's.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from polarpod.contract.context import Storage
from polarpod.store.delta_path import is_absolute, place
from polarpod.store.folder import Entry, Folder
from polarpod.store.location import is_local, local_path
from polarpod.store.parallel_requests import at_once


def missing(folder: Folder, sizes: Mapping[str, int | None]) -> list[str]:
    """The paths below a folder whose file is missing or differs in size, sorted.

    Args:
        sizes: path -> the bytes that its writer recorded; None where the size is unknown.
    """
    wanted = sorted(sizes)
    if not wanted:
        return []
    if is_local(folder.uri):
        # a stat costs microseconds, a head of obstore milliseconds; paths whose stat fails go to obstore below
        root = local_path(folder.uri)
        wanted = [path for path in wanted if not _is_there(_size_of(root / path), sizes[path])]
        return [path for path in wanted if not _is_there(_size(folder.head(path)), sizes[path])]
    found = at_once(folder.head, wanted)
    return [path for path, entry in zip(wanted, found, strict=True) if not _is_there(_size(entry), sizes[path])]


def _is_there(found: int | None, wanted: int | None) -> bool:
    return found is not None and wanted in (None, found)


def _size(entry: Entry | None) -> int | None:
    return entry.size if entry else None


def _size_of(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except (OSError, ValueError):  # ValueError: the name is invalid for a file
        return None


def missing_of_table(uri: str, storage: Storage, sizes: Mapping[str, int | None]) -> list[str]:
    """As `missing`, for files that a Delta log names, some of them outside of the table, as in a shallow clone."""
    lost = missing(Folder(uri, storage), {path: size for path, size in sizes.items() if not is_absolute(path)})
    for path in sorted(path for path in sizes if is_absolute(path)):
        # files in another kind of store are not checked
        parent, _, name = (place(uri, path) or "").rpartition("/")
        if name and not _is_there(_size(Folder(parent or "/", storage).head(name)), sizes[path]):
            lost.append(path)
    return lost
