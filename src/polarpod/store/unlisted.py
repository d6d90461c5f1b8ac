"""Local names below a folder that a listing leaves out, because they are no regular files."""

from __future__ import annotations

import os
import stat
from typing import NamedTuple

from polarpod.store.location import is_local, local_path


class Unlisted(NamedTuple):
    """Relative paths, sorted: dangling links (`broken`); pipes, sockets and devices, also behind links (`odd`)."""

    broken: list[str]
    odd: list[str]


def unlisted(uri: str) -> Unlisted:
    """The names that are neither files nor folders; none in S3. Nothing is opened: a pipe blocks until a writer opens it."""
    found = Unlisted([], [])
    if not is_local(uri):
        return found
    root = local_path(uri)
    for folder, _, names in os.walk(root, followlinks=True):
        for name in names:
            path = os.path.join(folder, name)  # noqa: PTH118  # a Path for every file would cost more than the walk
            if (kind := _kind(path)) != stat.S_IFREG:
                (found.odd if kind else found.broken).append(os.path.relpath(path, root))
    return Unlisted(sorted(found.broken), sorted(found.odd))


def _kind(path: str) -> int:
    """The file type behind a name and its links (`stat.S_IFMT`); 0 for a dangling link."""
    try:
        kind = stat.S_IFMT(os.lstat(path).st_mode)
    except OSError:
        return stat.S_IFREG  # removed since the listing: reading it raises the error
    if kind != stat.S_IFLNK:
        return kind
    try:
        return stat.S_IFMT(os.stat(path).st_mode)  # noqa: PTH116  # as above
    except OSError:
        return 0
