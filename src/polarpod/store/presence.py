"""Whether files that a log or a manifest names are in the store, as large as they were written.

A log says what was published, not what somebody has deleted behind its back. So a run whose rows shall pass for standing,
and one that is about to commit, have their files looked for: by one request a file, many at a time. That costs what the run
made, while a listing costs what the table holds.
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
    """Those of the paths below a folder where nothing is, or not what was written, in order.

    Args:
        sizes: path -> its bytes, as whoever wrote it knows; None where that is not known.
    """
    wanted = sorted(sizes)
    if not wanted:
        return []
    if is_local(folder.uri):
        # a look costs microseconds here, and obstore's milliseconds; what cannot be looked at is asked about below
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
    except (OSError, ValueError):  # ValueError: of a name that no file can have
        return None


def missing_of_table(uri: str, storage: Storage, sizes: Mapping[str, int | None]) -> list[str]:
    """As `missing`, of files that a Delta log names: it may name some outside of the table, as a shallow clone's does."""
    lost = missing(Folder(uri, storage), {path: size for path, size in sizes.items() if not is_absolute(path)})
    for path in sorted(path for path in sizes if is_absolute(path)):
        # a kind of store that is not this one's is not looked into
        parent, _, name = (place(uri, path) or "").rpartition("/")
        if name and not _is_there(_size(Folder(parent or "/", storage).head(name)), sizes[path]):
            lost.append(path)
    return lost
