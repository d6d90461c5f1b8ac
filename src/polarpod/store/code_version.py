"""The version of the code: one digest over a jobs directory, which the launcher and the worker must have alike."""

from __future__ import annotations

import hashlib
from pathlib import Path

import polarpod

# what interpreters and editors leave beside the files that somebody wrote
_LEAVINGS = (".pyc", ".pyo", "~")


def files(jobs: Path) -> list[Path]:
    """The files of a jobs directory that are part of it, in order.

    Hidden files and folders are left out: an editor's, an environment's, and the second copy that Kubernetes keeps of
    everything in a ConfigMap it mounts. So are compiled caches, which differ between machines that run the same code.
    """
    return [
        path
        for path in sorted(jobs.rglob("*"))
        if not any(part.startswith(".") or part == "__pycache__" for part in path.relative_to(jobs).parts)
        and not path.name.endswith(_LEAVINGS)
        and path.is_file()
    ]


def sources(jobs: Path) -> list[Path]:
    """The Python files among them."""
    return [path for path in files(jobs) if path.suffix == ".py"]


def module_names(jobs: Path) -> list[str]:
    """The modules that may declare jobs, in the order they are imported: those without an underscore or a dot in front."""
    paths = [source.relative_to(jobs).with_suffix("").parts for source in sources(jobs)]
    return [".".join(parts) for parts in paths if not any(part.startswith(("_", ".")) for part in parts)]


def code_version(jobs: Path) -> str:
    """Digest of a jobs directory's files and of polarpod's own version.

    polarpod pins Polars exactly, so its version stands for the engine's too. Data files count as sources do: a job may read
    them, and a worker whose copy differs would publish other rows.
    """
    digest = hashlib.sha256(polarpod.__version__.encode())
    for path in files(jobs):
        digest.update(f"\n{path.relative_to(jobs).as_posix()}\n".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:32]
