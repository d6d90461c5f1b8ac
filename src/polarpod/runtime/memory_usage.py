"""Memory of the child: resident bytes, their peak, and OOM kills by the kernel.

The child's resident peak (VmHWM) is the memory the job needs. The cgroup's peak also counts page cache, which the kernel
reclaims under pressure, so it states how close the container came to its limit. Both cgroup versions are read, because both
are in use. A cgroup counts as the worker's own only where its limit equals the context's limit: a laptop session also has
a cgroup, whose peak includes other programs.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

_ROOT = Path("/sys/fs/cgroup")
# Page rounding and Kubernetes' rounding shift a limit slightly; a limit set for another purpose differs by far more.
_TOLERANCE = 0.02


class Cgroup(NamedTuple):
    """The files of one memory cgroup, by version."""

    limit: Path
    peak: Path
    events: Path


class Memory(NamedTuple):
    """Current and peak resident bytes."""

    now: int
    peak: int


def resident(pid: int) -> Memory | None:
    """Returns the resident memory of a process, or None once it has ended or where there is no /proc."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return None
    values = {}
    for line in status.splitlines():
        name, _, rest = line.partition(":")
        if name in ("VmRSS", "VmHWM"):
            values[name] = int(rest.split()[0]) * 1024
    if not values:
        return None  # a zombie has a status without memory lines
    return Memory(values.get("VmRSS", 0), values.get("VmHWM", 0))


def own_cgroup(limit_bytes: int, *, root: Path = _ROOT, membership: Path = Path("/proc/self/cgroup")) -> Cgroup | None:
    """Returns this process' memory cgroup, or None where its limit is not the context's limit (within `_TOLERANCE`)."""
    try:
        lines = membership.read_text().splitlines()
    except OSError:
        return None
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            found = _version_2(root, path)
        elif "memory" in controllers.split(","):
            found = _version_1(root, path)
        else:
            continue
        if found and (limit := number(found.limit)) is not None and abs(limit - limit_bytes) <= limit_bytes * _TOLERANCE:
            return found
    return None


def _version_2(root: Path, path: str) -> Cgroup | None:
    for base in (root, root / "unified"):
        folder = base / path.lstrip("/")
        # Inside a container the cgroup may be mounted at the root, although its path states another folder.
        for candidate in (folder, base):
            if (candidate / "memory.max").exists():
                return Cgroup(candidate / "memory.max", candidate / "memory.peak", candidate / "memory.events")
    return None


def _version_1(root: Path, path: str) -> Cgroup | None:
    for folder in (root / "memory" / path.lstrip("/"), root / "memory"):
        if (folder / "memory.limit_in_bytes").exists():
            return Cgroup(
                folder / "memory.limit_in_bytes", folder / "memory.max_usage_in_bytes", folder / "memory.oom_control"
            )
    return None


def number(path: Path) -> int | None:
    """Returns the number in a cgroup file; None for "max", for a missing file and for any other text."""
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None


def oom_kills(cgroup: Cgroup | None) -> int:
    """Returns the number of processes of the cgroup that the kernel has OOM-killed so far."""
    if cgroup is None:
        return 0
    try:
        lines = cgroup.events.read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("oom_kill "))
