"""Whether an output may be begun in its folder: not where others keep files, which its log or manifest would hide.

Asked when a run is planned, before its rows are staged, and again before the commit that begins the output.
"""

from __future__ import annotations

import re

from polarpod.contract.context import Storage
from polarpod.contract.dataset import Delta, Output
from polarpod.contract.verdict import Category, PolarpodError
from polarpod.store import parquet_manifest as manifest
from polarpod.store.folder import Folder
from polarpod.store.listing import files_of

# What an attempt stages for a Delta table, whatever the partition: of one that failed, or whose table's log is lost.
_STAGED = re.compile(r"(?:^|/)[0-9a-f]{32}-\d{5,}\.parquet$")
_LOG = re.compile(r"_delta_log/\d{20}\.(?:json|checkpoint\..*)")
# of files of others, in a verdict
_NAMED = 3
_DELTA = "in a table's folder a VACUUM deletes them, and whoever reads the folder takes both."
_PARQUET = "beside a manifest no reader finds them."


def refuse_folder_of_others(output: Output, quarantine: str | None, storage: Storage) -> None:
    """For a run that is planned.

    Raises:
        PolarpodError: `publish_refused`: the output, or the place of its bad rows, is not begun yet, and others have Parquet
            files there.
    """
    folder = Folder(output.uri, storage)
    if isinstance(output, Delta):
        if _log_of(folder) is None:
            begin_delta(folder)
    elif manifest.read(folder) is None:
        begin_parquet(folder)
    if quarantine and manifest.read(bad := Folder(quarantine, storage)) is None:
        begin_parquet(bad)


def begin_delta(folder: Folder) -> None:
    """For a folder that has no table yet. Raises PolarpodError as `refuse_folder_of_others`."""
    if folder.head(manifest.KEY) is not None:
        raise _refused(folder, "is a Parquet dataset, which polarpod publishes", [manifest.KEY], _DELTA)
    foreign = [key for key in files_of(folder) if not _STAGED.search(key)]
    # a table that came meanwhile names its files, and whoever asks looks at it before the commit
    if foreign and _log_of(folder) is None:
        raise _refused(folder, "has Parquet files that polarpod has not written", foreign, _DELTA)


def begin_parquet(folder: Folder) -> None:
    """For a folder that has no manifest yet. Raises PolarpodError as `refuse_folder_of_others`."""
    if log := _log_of(folder):
        raise _refused(folder, "is a Delta table", [log], _PARQUET)
    if foreign := files_of(folder):
        raise _refused(folder, "has Parquet files that polarpod has not written", foreign, _PARQUET)


def _log_of(folder: Folder) -> str | None:
    """A file by which readers know a Delta table."""
    return next((entry.key for entry in folder.list("_delta_log") if _LOG.fullmatch(entry.key)), None)


def _refused(folder: Folder, what: str, keys: list[str], why: str) -> PolarpodError:
    more = f", and {len(keys) - _NAMED:,} more" if len(keys) > _NAMED else ""
    return PolarpodError(
        Category.PUBLISH_REFUSED,
        f"the output's folder {what}",
        evidence=[folder.uri, f"there: {', '.join(keys[:_NAMED])}{more}"],
        remedy=f"Publish to a folder of its own, or move these files away: {why}",
    )
