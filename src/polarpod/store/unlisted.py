"""Local names below a folder that a listing leaves out, because they stand for no file."""

from __future__ import annotations

import os
import stat
from typing import NamedTuple

from polarpod.store.location import is_local, local_path


class Unlisted(NamedTuple):
    """Relative to the folder, in order: links to nothing, and pipes, sockets and devices, by links too."""

    broken: list[str]
    odd: list[str]


def unlisted(uri: str) -> Unlisted:
    """What is there besides files and folders. Nothing is opened: whoever opens a pipe waits for somebody to write."""
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
    """The type of what a name stands for, behind links; 0 for nothing."""
    try:
        kind = stat.S_IFMT(os.lstat(path).st_mode)
    except OSError:
        return stat.S_IFREG  # it was there a moment ago: whoever reads it says what became of it
    if kind != stat.S_IFLNK:
        return kind
    try:
        return stat.S_IFMT(os.stat(path).st_mode)  # noqa: PTH116  # as above
    except OSError:
        return 0
