"""The sources of job specs: a release document, or on a laptop the jobs directory itself.

To read a jobs directory is to import its modules, which import Polars; the worker's interpreter does that in a separate
process, and the result is cached by the code's version, so that the second `polarpod run` of unchanged code starts no other
Python before it knows whether there is anything to do.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from polarpod.contract.codec import decode, encode
from polarpod.contract.job import JobSpec
from polarpod.contract.release import Release
from polarpod.contract.verdict import Category, PolarpodError
from polarpod.launch.describe_jobs import Broken, Described, describe
from polarpod.store.code_version import code_version


class Specs(NamedTuple):
    """Job specs, the code and the image they belong to, and their source, for messages.

    Attributes:
        dependencies: job -> what its rows depend on in the code; without a job where that is unknown.
    """

    jobs: dict[str, JobSpec]
    broken: list[Broken]
    code_version: str
    source: str
    image: str | None = None
    dependencies: Mapping[str, Mapping[str, str]] = {}


def from_release(path: Path) -> Specs:
    """The specs of a release document."""
    try:
        return _released(path, path.read_bytes())
    except OSError as error:
        raise PolarpodError(
            Category.REQUEST_INVALID,
            "the release document cannot be read",
            evidence=[f"{path}: {error.strerror}"],
            remedy="Write it with `polarpod release`.",
        ) from None


# A DAG file of 300 tasks reads the same release 300 times. The content is the key: a file that was just rewritten may have
# its former modification time.
@lru_cache(maxsize=4)
def _released(path: Path, data: bytes) -> Specs:
    remedy = "Do not edit it by hand; write a new one with `polarpod release`, or deploy an earlier one again."
    try:
        release = decode(data, Release, source=str(path), remedy=remedy)
    except PolarpodError as error:
        # another category: the file is the caller's own, so a retry does not help
        found = error.verdict
        raise PolarpodError(Category.REQUEST_INVALID, found.summary, evidence=found.evidence, remedy=found.remedy) from None
    return Specs(release.jobs, [], release.code_version, str(path), release.image, release.dependencies)


def from_jobs(jobs: Path, *, python: str | None, cache: Path | None) -> Specs:
    """The specs of a jobs directory.

    Args:
        python: the interpreter that has polarpod[worker].
        cache: a folder to cache them in, or None.
    """
    if not jobs.is_dir():
        raise PolarpodError(
            Category.REQUEST_INVALID,
            "there is no jobs directory",
            evidence=[f"looked for {jobs}"],
            remedy="Run polarpod where the jobs directory is, or name it with --jobs.",
        )
    version = code_version(jobs)
    # installed distributions affect rows as the code does: where they are unknown nothing may be cached
    installed = installed_version(python or sys.executable)
    remembered = cache / f"{version}-{installed}.json" if cache and installed else None
    if remembered and remembered.is_file():
        try:
            found = decode(remembered.read_bytes(), Described, source=str(remembered))
            return _specs(found, version, jobs)
        except (PolarpodError, OSError):
            pass  # it is written anew
    found = describe(jobs, python)
    # a broken module is not cached: its cause may be outside the directory, such as a package that is installed later
    if remembered and not found.broken:
        _remember(found, remembered)
    return _specs(found, version, jobs)


def _remember(found: Described, path: Path) -> None:
    """Writes the cache. Ignores OSError: without it the next command takes a second longer, and a home may be read-only."""
    with suppress(OSError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        spare = path.with_suffix(f".{os.getpid()}")
        spare.write_bytes(encode(found))
        spare.replace(path)


def _specs(found: Described, version: str, jobs: Path) -> Specs:
    return Specs(found.jobs, found.broken, version, str(jobs), None, found.dependencies)


def installed_version(python: str) -> str | None:
    """A digest of the distributions of an interpreter, by the names of their folders, without starting it.

    None where no distribution is found.
    """
    prefix = Path(python).absolute().parent.parent
    folders = [*prefix.glob("lib/python*/site-packages"), *prefix.glob("lib/python*/dist-packages")]
    names = sorted(path.name for folder in folders for path in folder.glob("*.dist-info"))
    return hashlib.sha256("\n".join(names).encode()).hexdigest()[:12] if names else None
