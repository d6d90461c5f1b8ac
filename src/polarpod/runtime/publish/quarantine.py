"""Where bad rows go: a plain Parquet dataset of its own, one entry a run key, published just before the good rows.

Before, so that a bad row is never lost: an attempt that dies between the two leaves bad rows whose good ones are missing,
and the next attempt of the run key replaces both.
"""

from __future__ import annotations

from polarpod.contract.context import Context
from polarpod.contract.dataset import Parquet
from polarpod.contract.receipt import CheckResult
from polarpod.runtime.publish.commit import Commit
from polarpod.runtime.publish.parquet import publisher as parquet
from polarpod.runtime.publish.publisher import Columns
from polarpod.runtime.publish.staged_file import StagedFile
from polarpod.store import parquet_manifest as manifest
from polarpod.store.folder import Folder
from polarpod.store.location import normal
from polarpod.store.outputs.parquet import begin


def check_folder(context: Context) -> None:
    """Raises PolarpodError where bad rows could not be published: before any are staged, whether there are some or not."""
    spec = context.job.checks
    if spec is not None and spec.quarantine:
        folder = Folder(normal(spec.quarantine), context.storage)
        if manifest.read(folder) is None:
            begin(folder)


def publish(commit: Commit, uri: str, checks: CheckResult, files: list[StagedFile], columns: Columns) -> None:
    """Makes the bad rows visible; where there are none, takes away those that an earlier attempt of the run has left."""
    if not files and not _stands(commit, uri):
        return
    # the same rows may be set aside twice (forced, or after a crash): unlike an append, a quarantine entry is replaced
    place = Parquet(uri, replace={"job": commit.job, "run_key": commit.run_key})
    own = commit._replace(output=place, force=True)
    parquet.publish(own, files, columns, checks)


def _stands(commit: Commit, uri: str) -> bool:
    found = manifest.read(Folder(uri, commit.storage))
    entries = found.manifest.entries if found else []
    return any(entry.is_of(commit.job, commit.run_key) and entry.files for entry in entries)
