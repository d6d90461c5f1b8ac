"""The quarantine of bad rows: a separate plain Parquet dataset with one entry per run key, published just before the good
rows.

This order never loses a bad row: an attempt that dies between the two commits leaves bad rows without the good ones, and the
next attempt of the run key replaces both.
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
    """Raises PolarpodError where the quarantine is unusable. Called before staging, whether or not there are bad rows."""
    spec = context.job.checks
    if spec is not None and spec.quarantine:
        folder = Folder(normal(spec.quarantine), context.storage)
        if manifest.read(folder) is None:
            begin(folder)


def publish(commit: Commit, uri: str, checks: CheckResult, files: list[StagedFile], columns: Columns) -> None:
    """Publishes the bad rows; where there are none, removes those of an earlier attempt of the run."""
    if not files and not _stands(commit, uri):
        return
    # The same rows may be quarantined twice (forced, or after a crash): unlike an append, a quarantine entry is replaced.
    place = Parquet(uri, replace={"job": commit.job, "run_key": commit.run_key})
    own = commit._replace(output=place, force=True)
    parquet.publish(own, files, columns, checks)


def _stands(commit: Commit, uri: str) -> bool:
    found = manifest.read(Folder(uri, commit.storage))
    entries = found.manifest.entries if found else []
    return any(entry.is_of(commit.job, commit.run_key) and entry.files for entry in entries)
