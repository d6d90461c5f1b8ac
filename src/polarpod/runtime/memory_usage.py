"""How much memory the work holds, has held at most, and whether the kernel killed something for it.

The child's own resident peak (VmHWM) is the need; the cgroup's peak also counts page cache, which the kernel gives back
under pressure, so it says how close the container came rather than what the job needs. Both versions of cgroups are
read, because both are in the field. A cgroup counts as the worker's own only where its limit is the context's limit: a
laptop's session has a cgroup too, and its peak is the browser's.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

_ROOT = Path("/sys/fs/cgroup")
# page rounding and Kubernetes' own rounding may move a limit a little; anybody else's limit differs by far more
_TOLERANCE = 0.02


class Cgroup(NamedTuple):
    """The files of one memory cgroup, by version."""

    limit: Path
    peak: Path
    events: Path


class Memory(NamedTuple):
    """Resident bytes now and at most."""

    now: int
    peak: int


def resident(pid: int) -> Memory | None:
    """The resident memory of a process, or None once it is gone (or where there is no /proc: then see `psutil_resident`)."""
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
    """This process' memory cgroup, where its limit is the one the context states."""
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
        # inside a container the cgroup may be mounted at the root although its path says otherwise
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
    """The one number in a cgroup file; None for "max", for a missing file and for anything else."""
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None


def oom_kills(cgroup: Cgroup | None) -> int:
    """How many processes of the cgroup the kernel has killed for memory so far."""
    if cgroup is None:
        return 0
    try:
        lines = cgroup.events.read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("oom_kill "))
