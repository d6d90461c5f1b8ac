"""Takes back what one attempt published, as a new commit: readers go from its rows to the rows before, in one step.

A Delta commit is undone from its own log entry: the files it added are removed, the files it removed are added again,
provided that nobody has touched the first, but for a compaction of them alone, or vacuumed the second since. A manifest
remembers what an entry replaced. Either way the undoing takes an attempt number of its own, so a zombie of the undone
attempt stays fenced off.
"""

from __future__ import annotations

import datetime as dt
import json
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote

from polarpod.contract.context import Context, Storage
from polarpod.contract.dataset import Delta
from polarpod.contract.verdict import Category, PolarpodError, Verdict
from polarpod.launch import undo_reach
from polarpod.launch.run import Clock
from polarpod.launch.state import AttemptInfo, Record, State
from polarpod.store import parquet_manifest as manifest
from polarpod.store.delta_damage import damaged_entry
from polarpod.store.delta_features import Traits
from polarpod.store.delta_log import active_files, history, open_table
from polarpod.store.delta_path import deltalake_can_name
from polarpod.store.delta_rows import METADATA, since
from polarpod.store.fence import UNDONE, content_id, transaction_id
from polarpod.store.folder import Folder
from polarpod.store.location import normal
from polarpod.store.store_errors import answer

if TYPE_CHECKING:
    from deltalake import DeltaTable


class Undone(NamedTuple):
    """What an undo did: the place, its new version, files taken away and files brought back."""

    uri: str
    version: int
    removed: int
    restored: int


def undo(info: AttemptInfo, state: State, storage: Storage, clock: Clock) -> Undone:
    """Takes back an attempt's publish.

    Raises:
        PolarpodError: it published nothing, something newer stands on it, or the earlier files are gone.
    """
    context = info.context
    if info.damaged and (context is None or info.receipt is None):
        raise _refuse(
            info,
            "a document that tells what it published is damaged",
            "Restore it from a backup, or correct the rows by another run.",
            evidence=list(info.damaged),
        )
    if context is None or info.receipt is None or info.receipt.published is None:
        raise _refuse(info, "it published nothing", "`polarpod runs` shows which runs did.")
    uid = info.receipt.published.adopted_from or info.uid
    new_uid = clock.new_uid()
    number = state.claim(info.job, info.run_key, new_uid, above=info.number)
    try:
        if isinstance(context.job.output, Delta):
            done = _undo_delta(info, context, uid, storage, number)
        else:
            done = _undo_parquet(info, context, uid, storage, number, clock.now())
    except PolarpodError as error:
        if error.verdict.category is Category.PUBLISH_REFUSED:
            # nothing was committed under this number; kept, it would pass for an attempt that was lost
            with suppress(PolarpodError):
                state.release(info.job, info.run_key, number)
        raise
    state.clear_standing(info.job, info.run_key)
    note = f"took back attempt {info.number} (uid {info.uid})"
    verdict = Verdict(category=Category.SUCCEEDED, summary=note)
    state.put_record(
        info.job,
        info.run_key,
        new_uid,
        Record(
            verdict=verdict,
            memory_limit_bytes=0,
            memory_peak_bytes=0,
            judged_at=clock.now(),
            worker_ended=True,
            took_back=info.uid,
        ),
    )
    # last: what is wrong with the bad rows' dataset must not leave the good ones' undoing unrecorded
    if context.job.checks and context.job.checks.quarantine:
        _undo_quarantine(Folder(context.job.checks.quarantine, storage), uid, number, clock.now())
    return done


def _undo_delta(info: AttemptInfo, context: Context, uid: str, storage: Storage, number: int) -> Undone:
    from deltalake import CommitProperties, Transaction
    from deltalake.exceptions import CommitFailedError
    from deltalake.transaction import AddAction, RemoveAction

    uri = normal(context.job.output.uri)
    table = open_table(uri, storage)
    commit = next((entry for entry in history(table) if _uid_of(entry) == uid), None) if table else None
    if table is None or commit is None:
        raise _refuse(
            info, "its commit is not in the table's history", "Use the table's own time travel, if it goes back so far."
        )
    folder, made = Folder(uri, storage), int(commit["version"])
    added, removed = _actions(folder, made)
    active = {action["path"] for action in active_files(table, {})}
    if lost := [action["path"] for action in added if action["path"] not in active]:
        added = _carried_on(info, context, folder, added, lost, (made, table.version()), uid)
    _check_table(info, table, added, removed)
    if gone := [action["path"] for action in removed if folder.head(action["path"]) is None]:
        raise _refuse(
            info,
            f"{len(gone)} of the files before it have been vacuumed",
            "Run the job with the earlier release instead.",
        )
    now = int(time.time() * 1000)
    takes = [
        RemoveAction(a["path"], True, now, size=a.get("size"), partition_values=a.get("partitionValues") or {})
        for a in added
    ]
    brings = [
        AddAction(a["path"], a.get("size") or 0, a.get("partitionValues") or {}, now, data_change=True, stats=a["stats"])
        for a in removed
    ]
    version = table.version() + 1
    try:
        table.create_write_transaction(
            [*takes, *brings],
            mode="append",
            schema=table.schema(),
            partition_by=table.metadata().partition_columns,
            commit_properties=CommitProperties(
                custom_metadata={"polarpod_undo": json.dumps({"uid": uid, "number": number})},
                max_commit_retries=0,
                app_transactions=[
                    Transaction(transaction_id(info.job, info.run_key), number),
                    Transaction(content_id(info.job, info.run_key, UNDONE), number),
                ],
            ),
        )
    except CommitFailedError as error:
        if "Failed to commit transaction" in str(error):
            raise _refuse(info, "somebody else wrote to the table just now", "Try again.") from error
        raise _refuse(
            info,
            f"the table does not take the commit: {answer(error).words}",
            "Change the property or the feature that is named, or correct the rows by another run.",
        ) from error
    return Undone(uri, version, len(takes), len(brings))


def _carried_on(
    info: AttemptInfo,
    context: Context,
    folder: Folder,
    added: list[dict[str, Any]],
    lost: list[str],
    versions: tuple[int, int],
    uid: str,
) -> list[dict[str, Any]]:
    """The add actions of the files that hold the commit's rows now, and nothing else.

    Raises:
        PolarpodError: there are none, or rows of others are in them.
    """
    assert isinstance(context.job.output, Delta)
    own = {action["path"]: action for action in added}
    found = undo_reach.carried(own, since(folder, *versions))
    if undo_reach.taken_back(found, uid):
        raise _refuse(info, "it has been taken back already", "Run the job to publish again.")
    if found.barred or found.unknown:
        raise _refuse(
            info,
            f"{len(lost)} of its files have been replaced or compacted since",
            undo_reach.remedy(found, folder.uri, versions[0], context.job.output),
            evidence=undo_reach.why(found),
        )
    # what is named so deltalake would leave in the table, and the run could append its rows again
    if other := [add["path"] for path, add in found.adds.items() if path not in own and not deltalake_can_name(add["path"])]:
        raise _refuse(
            info,
            "its files have been compacted into some whose names deltalake writes in another way, and so cannot take out",
            "Use RESTORE of the engine that compacted them, or correct the rows by another run.",
            evidence=[f"its log names {other[0]}"],
        )
    return [{**add, "path": path} for path, add in found.adds.items()]


def _check_table(info: AttemptInfo, table: DeltaTable, added: list[dict[str, Any]], removed: list[dict[str, Any]]) -> None:
    """Raises PolarpodError where the table takes no such commit, or would have other rows after it than before the run."""
    traits = Traits.of(table)
    if added and traits.says("delta.appendOnly"):
        raise _refuse(
            info,
            "the Delta table is append-only, and takes no file out",
            "Set its property delta.appendOnly to false, undo, and set it to true again; or append rows that correct it.",
        )
    in_use = "deletionVectors" in traits.reader_features and table.deletion_vectors().read_all().num_rows
    if in_use or any(action.get("deletionVector") for action in [*added, *removed]):
        raise _refuse(
            info,
            "rows of the Delta table are deleted by deletion vectors, which polarpod does not write",
            "Use RESTORE of the engine that deleted them.",
        )


def _undo_parquet(info: AttemptInfo, context: Context, uid: str, storage: Storage, number: int, now: dt.datetime) -> Undone:
    folder = Folder(context.job.output.uri, storage)
    found = manifest.read(folder)
    entry = next((entry for entry in found.manifest.entries if entry.uid == uid), None) if found else None
    if entry and not entry.facts:
        # what an undo leaves of a first publish: a fence without rows
        raise _refuse(info, "it has been taken back already", "Run the job to publish again.")
    new = manifest.without_entry(found.manifest, uid, number=number, now=now) if found else None
    if found is None or entry is None or new is None:
        raise _refuse(info, "something newer has replaced it", "Undo that first.")
    if not manifest.swap(folder, new, expected=found.tag):
        raise _refuse(info, "somebody else wrote to the dataset just now", "Try again.")
    return Undone(folder.uri, new.version, len(entry.files), sum(len(old.files) for old in entry.replaced))


def _undo_quarantine(folder: Folder, uid: str, number: int, now: dt.datetime) -> None:
    """The bad rows go with the good ones. A lost race leaves them; the next run of the key replaces them anyway."""
    found = manifest.read(folder)
    if found and (new := manifest.without_entry(found.manifest, uid, number=number, now=now)):
        manifest.swap(folder, new, expected=found.tag)


def _uid_of(entry: dict[str, Any]) -> str | None:
    text = entry.get(METADATA)
    return json.loads(text).get("uid") if text else None


def _actions(folder: Folder, version: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The add and remove actions of one log entry; a removed file's statistics come from the entry that had added it."""
    added, removed = _entry(folder, version)
    wanted = {action["path"]: action for action in removed}
    for action in removed:
        action["stats"] = "{}"
    for earlier in range(version - 1, -1, -1):
        if not wanted:
            break
        for action in _entry(folder, earlier)[0]:
            if found := wanted.pop(action["path"], None):
                found["stats"] = action.get("stats") or "{}"
    return added, removed


def _entry(folder: Folder, version: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    document = folder.read(f"_delta_log/{version:020d}.json")
    try:
        lines = [json.loads(line) for line in (document.data if document else b"").splitlines() if line]
    except ValueError as error:
        raise damaged_entry(folder.uri, version, error) from error
    # the log escapes paths once more than the store spells them
    for action in (line[kind] for line in lines for kind in ("add", "remove") if kind in line):
        action["path"] = unquote(action["path"])
    return [line["add"] for line in lines if "add" in line], [line["remove"] for line in lines if "remove" in line]


def _refuse(info: AttemptInfo, why: str, remedy: str, *, evidence: list[str] | None = None) -> PolarpodError:
    return PolarpodError(
        Category.PUBLISH_REFUSED,
        f"attempt {info.number} of {info.job}/{info.run_key} cannot be taken back: {why}",
        evidence=[f"uid {info.uid}", *(evidence or [])],
        remedy=remedy,
    )
