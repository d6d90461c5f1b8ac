"""A memory cgroup for one worker, where this machine allows one.

Both versions are tried, because both are in use; a laptop without delegation allows neither, and there the worker's
supervisor watches instead.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

_ROOT = Path("/sys/fs/cgroup")
# a killed process that holds gigabytes takes a while to release them
_DYING_SECONDS = 5.0


class Cgroup(NamedTuple):
    """The cgroup of one worker. A process joins it by writing its id to `procs`."""

    folder: Path
    events: Path

    @property
    def procs(self) -> Path:
        return self.folder / "cgroup.procs"

    def oom_kills(self) -> int:
        """The number of its processes that the kernel has killed for memory."""
        try:
            lines = self.events.read_text().splitlines()
        except OSError:
            return 0
        return sum(int(line.split()[1]) for line in lines if line.startswith("oom_kill "))


@contextmanager
def memory_cgroup(name: str, limit_bytes: int, *, root: Path = _ROOT) -> Iterator[Cgroup | None]:
    """A cgroup with that memory limit and no swap, or None where the machine does not allow one. Removed at the end."""
    made = _version_1(root, name, limit_bytes) or _version_2(root, name, limit_bytes)
    try:
        yield made
    finally:
        if made:
            _empty(made)
            _remove(made.folder)


def _version_1(root: Path, name: str, limit_bytes: int) -> Cgroup | None:
    folder = root / "memory" / name
    if not (root / "memory" / "memory.limit_in_bytes").exists():
        return None
    try:
        folder.mkdir()
        (folder / "memory.limit_in_bytes").write_text(str(limit_bytes))
    except OSError:
        _remove(folder)
        return None
    _write(folder / "memory.memsw.limit_in_bytes", str(limit_bytes))
    return Cgroup(folder, folder / "memory.oom_control")


def _version_2(root: Path, name: str, limit_bytes: int) -> Cgroup | None:
    """Below the root group: children of a group that has processes itself may not have controllers."""
    if not (root / "cgroup.controllers").exists():
        return None
    _write(root / "cgroup.subtree_control", "+memory")
    folder = root / name
    try:
        folder.mkdir()
        (folder / "memory.max").write_text(str(limit_bytes))
    except OSError:
        _remove(folder)
        return None
    _write(folder / "memory.swap.max", "0")
    return Cgroup(folder, folder / "memory.events")


def _empty(cgroup: Cgroup) -> None:
    """Kills its processes and waits for their end. A process can leave its group and its session, but not its cgroup."""
    limit = time.monotonic() + _DYING_SECONDS
    while time.monotonic() < limit:
        try:
            # 0 stands for a process of another namespace, and to kill 0 would kill this process's own group
            pids = [int(line) for line in cgroup.procs.read_text().split() if int(line) > 0]
        except OSError:
            return
        if not pids:
            return
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.01)


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text)
    except OSError:
        return


def _remove(folder: Path) -> None:
    """Removes a cgroup's folder by rmdir, once its processes are gone; a leftover empty one costs nothing."""
    try:
        folder.rmdir()
    except OSError:
        return
