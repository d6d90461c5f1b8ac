"""A worker's scratch directory: its context, its log, and the job's spill files."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from polarpod.contract.verdict import Category, PolarpodError
from polarpod.launch.planes.process.config import ProcessPlane


@contextmanager
def scratch_errors(folder: Path) -> Iterator[None]:
    """Raises PolarpodError for a failure to write the scratch directory: the attempt has a number and needs a verdict."""
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        raise PolarpodError(
            Category.DISK_FULL if full else Category.SPILL_UNUSABLE,
            "the scratch directory is full" if full else "the scratch directory cannot be written",
            evidence=[f"{folder}: {error.strerror}"],
            remedy=f"{'Free space there, or point' if full else 'Point'} `scratch` of the plane at a writable directory "
            "with room to spill.",
        ) from error


@contextmanager
def scratch_folder(plane: ProcessPlane, uid: str) -> Iterator[Path]:
    folder = plane.scratch_of(uid)
    with scratch_errors(folder):
        # it contains the context, the log and the job's spill files, in a folder that every user may read
        folder.mkdir(mode=0o700, parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
