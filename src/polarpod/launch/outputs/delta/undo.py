"""An undo of a Delta commit, from its own log entry: the files it added are removed, the files it removed are added again.

Refused where the added files have been changed since, unless by a compaction of them alone, or the removed ones vacuumed.
"""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any, NamedTuple

from polarpod.contract.context import Storage
from polarpod.launch import undo_remedies
from polarpod.launch.outputs.delta import undo_reach
from polarpod.launch.outputs.delta.committed import uids_of
from polarpod.launch.state import State
from polarpod.launch.undo_target import Target, Undone, not_in, refusal
from polarpod.store.delta_entry import put_entry
from polarpod.store.delta_features import Traits, not_written
from polarpod.store.delta_log import active_files, history, open_output, open_table
from polarpod.store.delta_path import deltalake_can_name, is_absolute, meaning, place
from polarpod.store.delta_rows import METADATA, read, since
from polarpod.store.delta_transactions import UNDONE, content_id, last_updated, transaction_id
from polarpod.store.folder import Folder
from polarpod.store.location import normal
from polarpod.store.outputs.output import newest_commit
from polarpod.store.store_errors import answer

if TYPE_CHECKING:
    from deltalake import DeltaTable

Actions = list[dict[str, Any]]


class Planned(NamedTuple):
    """Add actions, as in the log, of the files to remove and of those to restore; planned against this table version."""

    table: DeltaTable
    goes: Actions
    comes: Actions


def plan_undo(target: Target, state: State, storage: Storage) -> Planned:
    """What an undo would commit.

    Raises:
        PolarpodError: the run's rows cannot be separated from others, or the rows before it are gone.
    """
    uri = normal(target.output.uri)
    table = open_output(uri, storage)
    if table is None:
        raise undo_remedies.nobody_names_files(target, "log of the Delta table", f"{uri}/_delta_log")
    commit = next((entry for entry in history(table) if _uid_of(entry) == target.wrote), None)
    if commit is None:
        raise _not_in_log(target, storage)
    folder, made = Folder(uri, storage), int(commit["version"])
    entry = read(folder, made)
    if entry is None:  # cleaned up in between
        raise _not_in_log(target, storage)
    added, removed = entry.adds, _with_statistics(folder, made, entry.removes)
    active = {action["path"] for action in active_files(table, {})}
    if lost := [path for path in added if path not in active]:
        added = _carried_on(target, state, storage, table, added, len(lost), made)
    goes, comes = list(added.values()), list(removed.values())
    check_table(target, table, goes, comes)
    if gone := [path for path in removed if not _is_there(uri, path, storage)]:
        raise refusal(
            target.info,
            f"{len(gone)} of the files before it have been vacuumed",
            "Bring them back from a backup or the bucket's versions, or run the job with the earlier release instead.",
            evidence=[f"gone from {uri}: {gone[0]}"],
        )
    return Planned(table, goes, comes)


def within_undo(uri: str, storage: Storage) -> set[str]:
    table = open_table(uri, storage)
    return set(uids_of(history(table))) if table else set()


def commit_undo(planned: Planned, target: Target, storage: Storage, *, number: int, now: dt.datetime) -> Undone:
    """Removes the files and restores the others, in one step.

    Args:
        number: the attempt number of the undo.

    Raises:
        PolarpodError: a concurrent commit landed, or the table rejects this one.
    """
    job, run_key, at = target.info.job, target.info.run_key, int(now.timestamp() * 1000)
    transactions = {transaction_id(job, run_key): number, content_id(job, run_key, UNDONE): number}
    info = {undo_reach.UNDO: json.dumps({"uid": target.wrote, "number": number})}
    if all(deltalake_can_name(action["path"]) for action in planned.goes):
        _commit_by_deltalake(planned, target, transactions, info, at)
    else:
        _commit_as_spelled(planned, target, storage, transactions, info, at)
    version = int(planned.table.version()) + 1
    return Undone(normal(target.output.uri), version, len(planned.goes), len(planned.comes))


def _commit_by_deltalake(
    planned: Planned, target: Target, transactions: dict[str, int], info: dict[str, str], now: int
) -> None:
    from deltalake import CommitProperties, Transaction
    from deltalake.exceptions import CommitFailedError
    from deltalake.transaction import AddAction, RemoveAction

    stamp = last_updated(appended=target.output.append, now=now)
    # deltalake escapes a path by itself
    takes = [
        RemoveAction(meaning(a["path"]), True, now, size=a.get("size"), partition_values=a.get("partitionValues") or {})
        for a in planned.goes
    ]
    brings = [
        AddAction(
            meaning(a["path"]),
            a.get("size") or 0,
            a.get("partitionValues") or {},
            now,
            data_change=True,
            stats=a.get("stats") or "{}",
        )
        for a in planned.comes
    ]
    table = planned.table
    try:
        table.create_write_transaction(
            [*takes, *brings],
            mode="append",
            schema=table.schema(),
            partition_by=table.metadata().partition_columns,
            commit_properties=CommitProperties(
                custom_metadata=info,
                max_commit_retries=0,
                app_transactions=[Transaction(key, version, stamp) for key, version in transactions.items()],
            ),
        )
    except CommitFailedError as error:
        if "Failed to commit transaction" in str(error):
            raise _raced(target) from error
        raise refusal(
            target.info,
            f"the table does not take the commit: {answer(error).words}",
            "Change the property or the feature that is named, or correct the rows by another run.",
        ) from error


def _commit_as_spelled(
    planned: Planned, target: Target, storage: Storage, transactions: dict[str, int], info: dict[str, str], now: int
) -> None:
    """The same commit, where deltalake would leave files in the table, because it spells their paths differently."""
    if features := not_written(Traits.of(planned.table), bare=True, takes=True):
        raise refusal(
            target.info,
            f"the table uses what polarpod does not write: {', '.join(features)}",
            "Use RESTORE of the engine that writes to it.",
        )
    done = put_entry(
        target.output.uri,
        storage,
        int(planned.table.version()) + 1,
        now=now,
        info=info,
        transactions=transactions,
        last_updated=last_updated(appended=target.output.append, now=now),
        adds=[
            {
                "path": a["path"],
                "size": a.get("size") or 0,
                "partition": a.get("partitionValues") or {},
                "stats": a.get("stats") or "{}",
            }
            for a in planned.comes
        ],
        removes=[
            {"spelled": a["path"], "size_bytes": a.get("size") or 0, "partition": a.get("partitionValues") or {}}
            for a in planned.goes
        ],
    )
    if not done:
        raise _raced(target)


def check_table(target: Target, table: DeltaTable, goes: Actions, comes: Actions) -> None:
    """Raises PolarpodError where the table rejects such a commit, or would have other rows after it than before the run."""
    traits = Traits.of(table)
    if goes and traits.says("delta.appendOnly"):
        raise refusal(
            target.info,
            "the Delta table is append-only, and takes no file out",
            "Set its property delta.appendOnly to false, undo, and set it to true again; or append rows that correct it.",
        )
    in_use = "deletionVectors" in traits.reader_features and table.deletion_vectors().read_all().num_rows
    if in_use or any(action.get("deletionVector") for action in [*goes, *comes]):
        raise refusal(
            target.info,
            "rows of the Delta table are deleted by deletion vectors, which polarpod does not write",
            "Use RESTORE of the engine that deleted them.",
        )


def _carried_on(
    target: Target,
    state: State,
    storage: Storage,
    table: DeltaTable,
    added: dict[str, dict[str, Any]],
    lost: int,
    made: int,
) -> dict[str, dict[str, Any]]:
    """The add actions of the files that now contain the commit's rows, and no others.

    Raises:
        PolarpodError: the commit has been undone already, or its rows cannot be separated from others.
    """
    later = list(since(Folder(target.output.uri, storage), made, table.version()))
    found = undo_reach.carried(added, later)
    if undo_reach.taken_back(found, target.wrote):
        raise refusal(target.info, "it has been taken back already", "Run the job to publish again.")
    if found.barred or found.unknown:
        raise refusal(
            target.info,
            f"{lost} of its files have been replaced or compacted since",
            undo_remedies.of_barred(undo_reach.to_undo_first(found, later), target, table, made, state, storage),
            evidence=undo_reach.why(found),
        )
    return found.adds


def _not_in_log(target: Target, storage: Storage) -> Exception:
    info = target.info
    stands = newest_commit(target.output, storage, job=info.job, run_key=info.run_key)
    standing = stands.uid if stands and not stands.undone and stands.uid != target.wrote else None
    uri = normal(target.output.uri)
    if read(Folder(uri, storage), 0) is None:
        return not_in(target, f"what is left of the log of {uri}, whose beginning has been cleaned up,", standing)
    return not_in(target, f"the log of {uri}", standing)


def _raced(target: Target) -> Exception:
    return refusal(target.info, "somebody else wrote to the table just now", "Try again.")


def _uid_of(entry: dict[str, Any]) -> str | None:
    text = entry.get(METADATA)
    return json.loads(text).get("uid") if text else None


def _is_there(uri: str, path: str, storage: Storage) -> bool:
    if not is_absolute(path):
        return Folder(uri, storage).head(path) is not None
    parent, _, name = (place(uri, path) or "").rpartition("/")
    # a path in another kind of store is not checked
    return not name or Folder(parent or "/", storage).head(name) is not None


def _with_statistics(folder: Folder, version: int, removed: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Remove actions of a version as add actions: a file's statistics are in the entry that added it."""
    found = {path: {**action, "stats": None} for path, action in removed.items()}
    wanted = set(found)
    for earlier in range(version - 1, -1, -1):
        if not wanted:
            break
        before = read(folder, earlier)
        for path in wanted & (before.adds.keys() if before else set()):
            found[path]["stats"] = before.adds[path].get("stats") if before else None
            wanted.discard(path)
    return found
