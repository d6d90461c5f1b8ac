"""A real memory limit without a container: a cgroup of its own for one measured command.

A process that goes over is killed by the kernel, as in a pod. Polars reads its limit from cgroup v2 only; under v1,
and in these directories, it must be told by POLARS_OVERRIDE_TOTAL_MEMORY_MB what a pod would tell it.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")


@contextlib.contextmanager
def memory_cgroup(limit_bytes: int) -> Iterator[Callable[[], None]]:
    """Yields what a child calls to enter it, between fork and exec.

    Raises:
        OSError: cgroups are not writable here; run as root, or measure in containers.
    """
    directory, settings = _layout(limit_bytes)
    directory.mkdir()
    try:
        for name, value in settings.items():
            # not every kernel accounts for swap
            with contextlib.suppress(FileNotFoundError, PermissionError):
                (directory / name).write_text(str(value))
        if not any((directory / name).exists() for name in settings):
            raise OSError(f"the memory controller is not enabled for {directory.parent}")
        procs = directory / "cgroup.procs"
        yield lambda: _enter(procs)
    finally:
        _remove(directory)


def _layout(limit_bytes: int) -> tuple[Path, dict[str, int]]:
    """The directory to make and the limits to write; swap is off because pods have none."""
    name = f"polarpod-bench-{os.getpid()}"
    if (ROOT / "memory").is_dir():
        return ROOT / "memory" / name, {
            "memory.limit_in_bytes": limit_bytes,
            "memory.memsw.limit_in_bytes": limit_bytes,
            "memory.swappiness": 0,
        }
    return ROOT / name, {"memory.max": limit_bytes, "memory.swap.max": 0}


def _enter(procs: Path) -> None:
    procs.write_text(str(os.getpid()))


def _remove(directory: Path) -> None:
    # the kernel takes a moment to let go of a killed process
    for _ in range(50):
        try:
            return directory.rmdir()
        except OSError:
            time.sleep(0.1)
    return directory.rmdir()
