"""The version of the code: one digest over what decides a run's rows."""

from __future__ import annotations

import hashlib
from pathlib import Path

import polarpod


def sources(jobs: Path) -> list[Path]:
    """The Python files of a jobs directory, in order.

    Hidden folders are left out: an editor's, an environment's, and the second copy that Kubernetes keeps of everything in a
    ConfigMap it mounts.
    """
    found = sorted(jobs.rglob("*.py"))
    return [path for path in found if not any(part.startswith(".") for part in path.relative_to(jobs).parts)]


def code_version(jobs: Path) -> str:
    """Digest of a jobs directory's Python sources and of polarpod's own version.

    polarpod pins Polars exactly, so its version stands for the engine's too. Compiled caches and other files are left
    out: they differ between a laptop and an image that run the same code.
    """
    digest = hashlib.sha256(polarpod.__version__.encode())
    for source in sources(jobs):
        digest.update(f"\n{source.relative_to(jobs).as_posix()}\n".encode())
        digest.update(source.read_bytes())
    return digest.hexdigest()[:32]
