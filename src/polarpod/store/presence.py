"""Whether files that a log or a manifest names are in the store.

A log says what was published, not what somebody has deleted behind its back. So a run whose rows shall pass for standing,
and one that is about to commit, have their files looked for: by one request a file, many at a time. That costs what the run
made, while a listing costs what the table holds.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

from polarpod.contract.context import Storage
from polarpod.store.delta_path import is_absolute, place
from polarpod.store.folder import Folder
from polarpod.store.location import is_local, local_path

# waiting for the store is all that these threads do
_AT_ONCE = 32


def missing(folder: Folder, paths: Iterable[str]) -> list[str]:
    """Those of the paths below a folder where nothing is, in order."""
    wanted = sorted(set(paths))
    if not wanted:
        return []
    if is_local(folder.uri):
        # a look costs microseconds here, and obstore's milliseconds; what cannot be looked at is asked about below
        root = local_path(folder.uri)
        wanted = [path for path in wanted if not os.path.exists(root / path)]  # noqa: PTH110  # no error for what is odd
        return [path for path in wanted if folder.head(path) is None]
    # the first one opens the store, which is not for threads to share the work of
    found = [folder.head(wanted[0])]
    if len(wanted) > 1:
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(min(_AT_ONCE, len(wanted) - 1)) as threads:
            found += threads.map(folder.head, wanted[1:])
    return [path for path, entry in zip(wanted, found, strict=True) if entry is None]


def missing_of_table(uri: str, storage: Storage, paths: Iterable[str]) -> list[str]:
    """As `missing`, of files that a Delta log names: it may name some outside of the table, as a shallow clone's does."""
    inside, outside = set[str](), set[str]()
    for path in paths:
        (outside if is_absolute(path) else inside).add(path)
    lost = missing(Folder(uri, storage), inside)
    for path in sorted(outside):
        # a kind of store that is not this one's is not looked into
        parent, _, name = (place(uri, path) or "").rpartition("/")
        if name and Folder(parent or "/", storage).head(name) is None:
            lost.append(path)
    return lost
