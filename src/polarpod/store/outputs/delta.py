"""What a Delta table holds of a run, read from its log and checked against its files."""

from __future__ import annotations

import re
from collections.abc import Set
from typing import TYPE_CHECKING

from polarpod.contract.context import Storage
from polarpod.contract.formats.delta import Delta
from polarpod.store import parquet_manifest as manifest
from polarpod.store.delta_log import file_sizes, log_file, open_output, transaction_version
from polarpod.store.delta_rows import Rows, Survival, came_back, read, since, surviving
from polarpod.store.delta_transactions import (
    COUNT_BITS,
    UID_DIGITS,
    UNDONE,
    commit_id,
    content_id,
    files_id,
    owner_id,
    owner_number,
    transaction_id,
)
from polarpod.store.fence import Newest, Standing
from polarpod.store.folder import Folder
from polarpod.store.outputs.beginning import refused
from polarpod.store.presence import missing_of_table
from polarpod.store.sources.files import files_of

if TYPE_CHECKING:
    from deltalake import DeltaTable

# Files that attempts stage for a Delta table, in any partition: of a failed attempt, or of a table whose log is lost.
_STAGED = re.compile(r"(?:^|/)[0-9a-f]{32}-\d{5,}\.parquet$")
_UID_LENGTH = 32
_WHY = "in a table's folder a VACUUM deletes them, and whoever reads the folder takes both."


def standing(output: Delta, storage: Storage, *, job: str, run_key: str, fingerprint: str) -> Standing:
    table = open_output(output.uri, storage)
    if table is None:
        return Standing(None, False)
    return standing_in(table, output, storage, job=job, run_key=run_key, fingerprint=fingerprint)


def newest_commit(output: Delta, storage: Storage, *, job: str, run_key: str) -> Newest | None:
    table = open_output(output.uri, storage)
    number = transaction_version(table, transaction_id(job, run_key)) if table else None
    if table is None or number is None:
        return None
    undone = transaction_version(table, content_id(job, run_key, UNDONE)) == number
    version = transaction_version(table, commit_id(job, run_key))
    entry = read(Folder(output.uri, storage), version) if version is not None else None
    return Newest(number, entry.uid if entry and entry.run == (job, run_key) else None, undone)


def is_begun(folder: Folder) -> bool:
    return log_file(folder) is not None


def begin(folder: Folder) -> None:
    if folder.head(manifest.KEY) is not None:
        raise refused(folder, "is a Parquet dataset, which polarpod publishes", [manifest.KEY], _WHY)
    foreign = [key for key in files_of(folder) if not _STAGED.search(key)]
    # the files of a table created meanwhile are its own, and the caller reads that table before the commit
    if foreign and log_file(folder) is None:
        raise refused(folder, "has Parquet files that polarpod has not written", foreign, _WHY)


def standing_in(table: DeltaTable, output: Delta, storage: Storage, *, job: str, run_key: str, fingerprint: str) -> Standing:
    """What an opened Delta table holds of a run key."""
    number = transaction_version(table, transaction_id(job, run_key))
    if number is None:
        return Standing(None, False)
    if transaction_version(table, content_id(job, run_key, UNDONE)) == number:
        return _gone(table, output, storage, number, job=job, run_key=run_key)
    same = transaction_version(table, content_id(job, run_key, fingerprint)) == number
    if same and isinstance(output.replace, dict):
        same = transaction_version(table, owner_id(output.replace)) == owner_number(job, run_key, number)
    if not same and not output.append:
        # published again, whatever is left of it
        return Standing(number, False)
    found = _found_in(table, output, storage, job=job, run_key=run_key)
    if found.rows is Rows.UNKNOWN:
        # a replace is repeated; a second append could double its rows, and a late merge could undo newer ones
        return Standing(number, same and output.replace is None)
    if found.rows is Rows.NONE:
        return _gone(table, output, storage, number, job=job, run_key=run_key)
    if same and (lost := _lost_of(table, output, storage, found.files)):
        return Standing(number, False, lost=tuple(lost))
    changes = tuple(entry.author for entry in found.changes)
    return Standing(number, same and found.rows is Rows.ALL, partial=found.rows is Rows.SOME, changes=changes)


def _lost_of(table: DeltaTable, output: Delta, storage: Storage, files: Set[str]) -> list[str]:
    """The files that are missing or differ in size."""
    if not files:
        return []
    sizes = file_sizes(table)
    return missing_of_table(output.uri, storage, {path: sizes.get(path) for path in files})


def _gone(table: DeltaTable, output: Delta, storage: Storage, number: int, *, job: str, run_key: str) -> Standing:
    """The standing of a run whose last commit's rows are gone. An append must not add to rows of an earlier attempt."""
    version = transaction_version(table, commit_id(job, run_key))
    restored = (
        output.append
        and version is not None
        and came_back(Folder(output.uri, storage), version, table.version(), lambda entry: entry.run == (job, run_key))
    )
    return Standing(number, False, undone=not restored, restored=restored)


def _found_in(table: DeltaTable, output: Delta, storage: Storage, *, job: str, run_key: str) -> Survival:
    """What is left of the run's last commit."""
    version, newest = transaction_version(table, commit_id(job, run_key)), table.version()
    if version is None:
        return Survival(Rows.UNKNOWN)
    folder = Folder(output.uri, storage)
    if version != newest and (own := _own_files(table, job=job, run_key=run_key)):
        return Survival(Rows.ALL, own)
    entry = read(folder, version)
    return surviving(entry.adds, version, since(folder, version, newest)) if entry else Survival(Rows.UNKNOWN)


def _own_files(table: DeltaTable, *, job: str, run_key: str) -> frozenset[str]:
    """Paths of the files of the last commit, by polarpod's names, where all are still active; else empty."""
    packed = transaction_version(table, files_id(job, run_key)) or 0
    ending, count = f"{packed >> COUNT_BITS:0{UID_DIGITS}x}", packed & ((1 << COUNT_BITS) - 1)
    # with deletion vectors rows are deleted without their file, so an active file is no proof of its rows
    if not count or "deletionVectors" in (table.protocol().reader_features or ()):
        return frozenset()
    root = str(table.table_uri).removeprefix("file://").rstrip("/") + "/"
    # below the root a path is as in the store; polarpod's file names have no character that would be escaped again
    found = [uri for uri in table.file_uris() if uri.rpartition("/")[2][:_UID_LENGTH].endswith(ending)]
    return frozenset(uri.removeprefix(root) for uri in found) if len(found) == count else frozenset()
