"""The garbage in a Delta table's folder."""

from __future__ import annotations

from polarpod.contract.context import Storage
from polarpod.launch.attempt_records import AttemptInfo
from polarpod.launch.gc import kept_files
from polarpod.launch.gc.garbage import Past, Swept, by_uid, files_of, refuse_without
from polarpod.launch.outputs.delta.committed import Commits, commits_of, never_committed
from polarpod.store.delta_log import open_table
from polarpod.store.delta_transactions import transaction_id
from polarpod.store.folder import Folder


def garbage(uri: str, ended: list[AttemptInfo], storage: Storage, past: Past) -> Swept:
    """Files of ended attempts that never were in the table, and those that were staged to be read back.

    The log is read after the attempts have ended, so it contains everything that they have committed.
    """
    table = open_table(uri, storage)
    commits = commits_of(table, ended, now=past.now) if table is not None else None
    folder = Folder(uri, storage)
    entries = [entry for entry in folder.list() if not entry.key.startswith("_delta_log/")]
    if commits is None:
        refuse_without(kept_files.LOG, ended, past, folder, entries)
    by_uid_of = by_uid(entry for entry in entries if commits is None or entry.key not in commits.active)
    found, kept = [], kept_files.Kept(kept_files.LOG, folder)
    for info in ended:
        own = by_uid_of[info.uid]
        staged = [entry for entry in own if entry.key.startswith("_polarpod/staging/")]
        if commits is None:
            # without a log only the receipt states whether they were published
            own = kept.of(info, own, staged) if kept_files.may_have_published(info) else own
        elif never_committed(info, commits):
            # a log of its time would contain the publish that the receipt reports
            lost = kept_files.has_published(info, uri, itself=True) and not _was_made_again(info, commits)
            own = kept.of(info, own, staged) if lost else own
        else:
            own = staged
        found += files_of(info, folder, own)
    return Swept(found, kept.uids, left=kept.verdict(gone=commits is None))


def _was_made_again(info: AttemptInfo, commits: Commits) -> bool:
    """Whether a log that has all commits of its table has one of a newer attempt of the same run."""
    number = commits.numbers[transaction_id(info.job, info.run_key)]
    return commits.since is None and number is not None and number > info.number
