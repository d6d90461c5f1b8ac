"""The code version: one digest over a jobs directory. Launcher and worker must have the same one."""

from __future__ import annotations

import hashlib
from pathlib import Path

import polarpod

# what interpreters and editors leave beside source files
_LEAVINGS = (".pyc", ".pyo", "~")


def files(jobs: Path) -> list[Path]:
    """The files of a jobs directory that count as its code, sorted by path.

    Hidden files and folders are excluded: those of editors and environments, and the second copy that Kubernetes keeps of
    everything in a mounted ConfigMap. So are compiled caches, which differ between machines that run the same code.
    """
    return [
        path
        for path in sorted(jobs.rglob("*"))
        if not any(part.startswith(".") or part == "__pycache__" for part in path.relative_to(jobs).parts)
        and not path.name.endswith(_LEAVINGS)
        and path.is_file()
    ]


def sources(jobs: Path) -> list[Path]:
    """The Python files among `files`."""
    return [path for path in files(jobs) if path.suffix == ".py"]


def module_names(jobs: Path) -> list[str]:
    """Dotted names of the modules that may declare jobs, in import order: no part begins with an underscore or a dot."""
    paths = [source.relative_to(jobs).with_suffix("").parts for source in sources(jobs)]
    return [".".join(parts) for parts in paths if not any(part.startswith(("_", ".")) for part in parts)]


def code_version(jobs: Path) -> str:
    """Digest (32 hex digits) of a jobs directory's files and of polarpod's version.

    polarpod pins Polars exactly, so its version implies the engine's. Data files count as well as sources: a job may read
    them, and a worker whose copy differs would publish other rows.
    """
    digest = hashlib.sha256(polarpod.__version__.encode())
    for path in files(jobs):
        digest.update(f"\n{path.relative_to(jobs).as_posix()}\n".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:32]
