"""Keeps the termination message valid: after every write the file holds at most 4,096 bytes of valid JSON.

A regular file is replaced by rename. Kubernetes mounts /dev/termination-log into the container as a file, which cannot be
renamed over; it is rewritten in one call, padded with blanks to the longest text so far, because JSON allows trailing blanks
and a shorter text would leave the tail of the longer one. A rename is atomic; a concurrent reader may see a partial rewrite,
but the kubelet reads only after the container has ended.
"""

from __future__ import annotations

import os
from pathlib import Path

from polarpod.contract.message import MAXIMUM_BYTES, Message, encode


class HeartbeatFile:
    """Writes messages to one file. Never raises: a full disk must not end a working run."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._rename = path is not None and not os.path.ismount(path) and path != Path("/dev/termination-log")
        self._longest = 0

    def show(self, message: Message) -> None:
        if self._path is None:
            return
        data = encode(message)
        try:
            if self._rename:
                # In the same folder, so that the rename stays within one file system.
                spare = self._path.with_name(f".{self._path.name}.next")
                spare.write_bytes(data)
                spare.replace(self._path)
            else:
                self._rewrite(data)
        except OSError:
            return

    def _rewrite(self, data: bytes) -> None:
        assert self._path is not None
        self._longest = min(max(self._longest, len(data)), MAXIMUM_BYTES)
        handle = os.open(self._path, os.O_WRONLY | os.O_CREAT, 0o644)
        try:
            os.pwrite(handle, data.ljust(self._longest), 0)
        finally:
            os.close(handle)
