"""The environment of a worker on this machine."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from polarpod.launch.planes.process.config import ProcessPlane


def given_environment(plane: ProcessPlane) -> dict[str, str]:
    """The variables that the plane's configuration gives its workers."""
    passed = {name: os.environ[name] for name in plane.environment_from if name in os.environ}
    return {**plane.environment, **passed}


def worker_environment(data: bytes, plane: ProcessPlane, scratch: Path, *, watch_memory: bool) -> dict[str, str]:
    """The worker's whole environment; of the caller's, only variables that the plane names. Writes the context's file."""
    (scratch / "context.json").write_bytes(data)
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "HOME": str(scratch),
        "TMPDIR": str(scratch),
        **given_environment(plane),
        "POLARPOD_CONTEXT_URI": str(scratch / "context.json"),
        "POLARPOD_CONTEXT_SHA256": hashlib.sha256(data).hexdigest(),
        "POLARPOD_JOBS": str(Path(plane.jobs).absolute()),
        "POLARPOD_SCRATCH": str(scratch),
        "POLARPOD_TERMINATION_FILE": str(scratch / "termination.json"),
        "POLARPOD_WATCH_MEMORY": "1" if watch_memory else "0",
        "POLARPOD_LAUNCHER_PID": str(os.getpid()),
    }
