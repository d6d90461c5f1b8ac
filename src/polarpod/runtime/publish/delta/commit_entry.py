"""One log entry of a Delta table: the files that a run removes and adds, and its application transactions."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import msgspec

from polarpod.contract.dataset import partition_columns
from polarpod.runtime.publish.commit import Commit, Conflict, Facts
from polarpod.runtime.publish.delta.base_version import commits_files, delta_of
from polarpod.runtime.publish.delta.delta_schema import delta_schema
from polarpod.runtime.publish.delta.write_back import rewrite, staged_rows
from polarpod.runtime.publish.publisher import Columns
from polarpod.runtime.publish.staged_file import StagedFile
from polarpod.store.delta_entry import put_entry
from polarpod.store.delta_log import active_files, open_output
from polarpod.store.delta_path import deltalake_can_name, deltalake_spells
from polarpod.store.delta_rows import METADATA
from polarpod.store.delta_transactions import (
    RETENTION,
    RETENTION_PROPERTY,
    commit_id,
    content_id,
    files_id,
    files_number,
    last_updated,
    owner_id,
    owner_number,
    transaction_id,
)
from polarpod.store.storage_options import deltalake_options

if TYPE_CHECKING:
    import deltalake

# The default number of columns that Delta writers index (delta.dataSkippingNumIndexedCols): a log grows with each.
INDEXED_COLUMNS = 32


def commit_entry(
    commit: Commit, table: deltalake.DeltaTable | None, files: list[StagedFile], columns: Columns, facts: Facts
) -> int:
    """Commits one log entry on top of exactly the table version that was read. Returns its version. Raises Conflict where a
    concurrent commit landed first."""
    from deltalake import CommitProperties, Transaction
    from deltalake.exceptions import CommitFailedError, DeltaError
    from deltalake.transaction import create_table_with_add_actions

    output = delta_of(commit.output)
    number = owner_number(commit.job, commit.run_key, commit.number)
    owner = {owner_id(output.replace): number} if isinstance(output.replace, dict) else {}
    # Not read from the table afterwards: it does not update after its own commit, and a later commit may exist by then.
    version = 0 if table is None else int(table.version()) + 1
    # Where deltalake reads the rows back, it names the committed files itself.
    named = facts.files if commits_files(output) else 0
    transactions = {
        transaction_id(commit.job, commit.run_key): commit.number,
        content_id(commit.job, commit.run_key, commit.fingerprint): commit.number,
        commit_id(commit.job, commit.run_key): version,
        files_id(commit.job, commit.run_key): files_number(commit.uid, named),
        **owner,
    }
    info = {METADATA: msgspec.json.encode(facts).decode()}
    stamp = last_updated(appended=output.append, now=_now())
    properties = CommitProperties(
        custom_metadata=info,
        # 0: deltalake must not rebase over a commit that was not checked.
        max_commit_retries=0,
        app_transactions=[Transaction(key, value, stamp) for key, value in transactions.items()],
    )
    options = deltalake_options(commit.uri, commit.storage)
    try:
        if table is None:
            direct = commits_files(output)
            create_table_with_add_actions(
                commit.uri,
                delta_schema(columns),
                _adds(files) if direct else [],
                mode="error",
                partition_by=partition_columns(output),
                configuration={RETENTION_PROPERTY: RETENTION},
                storage_options=options,
                # No retries here either: with them two concurrent creators would both be reported as successful.
                commit_properties=properties if direct else CommitProperties(max_commit_retries=0),
            )
            if not direct:
                raise Conflict  # the table exists now: decide again, with it
            return 0
        partitions = partition_columns(output) or table.metadata().partition_columns
        if commits_files(output):
            gone = active_files(table, output.replace) if isinstance(output.replace, dict) else []
            if all(deltalake_can_name(file["spelled"]) for file in gone):
                actions = [*_removes(gone), *_adds(files)]
                ours = delta_schema(columns)
                table.create_write_transaction(actions, "append", ours, partitions, commit_properties=properties)
            else:
                _put(commit, version, info, transactions, stamp, files, gone)
        elif facts.files or isinstance(output.replace, str):
            rewrite(commit, table, staged_rows(commit, files, columns).collect(), properties)
        else:
            # deltalake commits nothing for a merge of no rows, so the run's transactions would not be in the table.
            table.create_write_transaction([], "append", table.schema(), partitions, commit_properties=properties)
        return version
    except CommitFailedError as error:
        if _lost_the_race(commit, table, error):
            raise Conflict from error
        raise
    except DeltaError as error:
        if table is None and "already exists" in str(error):
            raise Conflict from error
        raise


def _lost_the_race(commit: Commit, table: deltalake.DeltaTable | None, error: Exception) -> bool:
    """Whether a commit failed because of a concurrent one: deltalake raises the same error for permanent refusals."""
    if "Failed to commit transaction" in str(error):
        return True
    now = open_output(commit.output.uri, commit.storage)
    return now is not None and (table is None or now.version() > table.version())


def _adds(files: list[StagedFile]) -> list[Any]:
    from deltalake.transaction import AddAction

    now = _now()
    return [
        AddAction(
            path=file.path,
            size=file.bytes,
            partition_values=file.partition,
            modification_time=now,
            data_change=True,
            stats=_stats(file),
        )
        for file in files
    ]


def _removes(gone: list[dict[str, Any]]) -> list[Any]:
    from deltalake.transaction import RemoveAction

    now = _now()
    return [
        RemoveAction(file["path"], True, now, size=file["size_bytes"], partition_values=file["partition"]) for file in gone
    ]


def _put(
    commit: Commit,
    version: int,
    info: dict[str, str],
    transactions: dict[str, int],
    stamp: int,
    files: list[StagedFile],
    gone: list[dict[str, Any]],
) -> None:
    """Writes the same log entry without deltalake, for a table with file names that it does not support."""
    adds = [
        {"path": deltalake_spells(file.path), "size": file.bytes, "partition": file.partition, "stats": _stats(file)}
        for file in files
    ]
    if not put_entry(
        commit.uri,
        commit.storage,
        version,
        now=_now(),
        info=info,
        transactions=transactions,
        last_updated=stamp,
        adds=adds,
        removes=gone,
    ):
        raise Conflict


def _stats(file: StagedFile) -> str:
    """Returns the file's statistics for data skipping, as JSON. Bounds cover all columns of the file or none, and at most as
    many columns as Delta writers index.

    For a column without bounds among columns with bounds, the pyarrow dataset of deltalake 1.6 assumes a minimum of null, so
    that a filter on it matches no row.
    """
    said: dict[str, object] = {"numRecords": file.rows}
    columns, nulls, least, greatest = file.statistics
    known = all(column in least or nulls.get(column) == file.rows for column in columns)
    if known and len(columns) <= INDEXED_COLUMNS:
        said |= {"minValues": least, "maxValues": greatest, "nullCount": nulls}
    # Not escaped: deltalake 1.6 decodes the two escapes of a character beyond U+FFFF as another character, and readers then
    # skip the file that has it.
    return json.dumps(said, ensure_ascii=False)


def _now() -> int:
    """Returns milliseconds since 1970, the unit of a log."""
    return int(time.time() * 1000)
