"""Which run a table holds: the question behind skipping, adopting and refusing.

A Delta table answers from its own application transactions: under the run key's id it keeps the number of the attempt
that committed last, and under the id with the fingerprint appended the number of the attempt that last committed exactly
that content. Both numbers are written in the commit that publishes the rows. They outlive the rows, which a RESTORE, a
delete or another job's replace takes out; so two more transactions say which version the commit made and how its files are
named, and the table's files are asked whether they are still there. A plain Parquet dataset answers from its manifest.
Neither needs the state store: losing that loses history, not safety. And neither knows what was deleted from the store
behind its back, so a run that would be skipped has its files looked for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Set
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from polarpod.contract.context import Storage
from polarpod.contract.dataset import Delta, Output
from polarpod.store import parquet_manifest as manifest
from polarpod.store.delta_log import file_sizes, open_output, transaction_version
from polarpod.store.delta_rows import Rows, Survival, came_back, read, since, surviving
from polarpod.store.folder import Folder
from polarpod.store.presence import missing, missing_of_table

if TYPE_CHECKING:
    from deltalake import DeltaTable

# in a fingerprint's place: the run was taken back, so that nothing of it stands but the number that fences zombies off
UNDONE = "undone"
# enough of a sha256 that two contents of one run key never share it; the id is kept in every checkpoint of the table
_FINGERPRINT_DIGITS = 24
# A transaction's version has 63 bits: 44 for the last digits of a uid, which tell its files among millions of others, and
# 19 for how many files there are. A commit of more is looked up in the log.
_UID_DIGITS = 11
_UID_LENGTH = 32
_COUNT_BITS = 19


class Standing(NamedTuple):
    """What a table holds of one run key.

    Attributes:
        number: the attempt that committed last, or None.
        same: whether that commit had the fingerprint asked about, and its rows are in the table.
        undone: whether nothing of that commit is left but its number: it was taken back, or its rows were taken out.
        partial: whether some of its rows were taken out and others are still there.
        restored: whether a RESTORE has brought back rows of an earlier attempt, or of one that was taken back.
        lost: files with rows of it that the table or dataset names, and that the store does not have or not as large as they
            were.
        changes: commits that others made since and that may have given rows of it other values, for a person.
    """

    number: int | None
    same: bool
    undone: bool = False
    partial: bool = False
    restored: bool = False
    lost: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()


class Newest(NamedTuple):
    """The attempt that an output knows as the last of a run that committed.

    Attributes:
        uid: whose rows they are; None where the log entry that says so has been cleaned up.
        undone: whether it has been taken back.
    """

    number: int
    uid: str | None
    undone: bool


class Decision(Enum):
    """What an attempt may do, given what the table holds."""

    PUBLISH = "publish"
    ADOPT = "adopt"
    SUPERSEDED = "superseded"
    LOST = "lost"
    APPENDED_ALREADY = "appended_already"


def decide(standing: Standing, *, number: int, mode: str, force: bool) -> Decision:
    """Whether an attempt may publish.

    >>> decide(Standing(None, False), number=1, mode="append", force=False)
    <Decision.PUBLISH: 'publish'>
    """
    if standing.number is None:
        return Decision.PUBLISH
    if standing.number > number:
        return Decision.SUPERSEDED
    # its own commit: the store took it and the answer was lost
    if standing.number == number:
        return Decision.ADOPT
    if standing.undone:
        return Decision.PUBLISH
    # An append would double the rows once the lost files, which the log still names, are back. And deltalake, which makes a
    # merge, cannot read the table without them.
    if standing.lost and mode != "replace":
        return Decision.LOST
    if standing.same and not force:
        return Decision.ADOPT
    # replace and merge can be repeated; a second append of one run key would double its rows, forced or not
    return Decision.APPENDED_ALREADY if mode == "append" else Decision.PUBLISH


def transaction_id(job: str, run_key: str) -> str:
    return f"polarpod/{job}/{run_key}"


def content_id(job: str, run_key: str, fingerprint: str) -> str:
    return f"{transaction_id(job, run_key)}#{fingerprint[:_FINGERPRINT_DIGITS]}"


def commit_id(job: str, run_key: str) -> str:
    """The transaction that says which version of the table the run's last commit made."""
    return f"{transaction_id(job, run_key)}#commit"


def files_id(job: str, run_key: str) -> str:
    """The transaction that says how the files of the run's last commit are named, and how many they are."""
    return f"{transaction_id(job, run_key)}#files"


def files_number(uid: str, files: int) -> int:
    """A uid's last digits and a number of files, packed as a transaction's version."""
    named: int = int(uid[-_UID_DIGITS:], 16) << _COUNT_BITS
    return named | min(files, (1 << _COUNT_BITS) - 1)


def owner_id(owned: dict[str, str]) -> str:
    """The transaction that says who replaced a partition last: runs of other jobs or parameters may own the same one."""
    return "polarpod@" + "/".join(f"{column}={value}" for column, value in sorted(owned.items()))


def owner_number(job: str, run_key: str, number: int) -> int:
    """An attempt as a transaction's version: 60 bits of its digest, since a version is a number of 63."""
    return int(hashlib.sha256(f"{transaction_id(job, run_key)}#{number}".encode()).hexdigest()[:15], 16)


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
        # it is published again whatever is left of it
        return Standing(number, False)
    found = _found_in(table, output, storage, job=job, run_key=run_key)
    if found.rows is Rows.UNKNOWN:
        # a replace can be repeated, so it is; a second append could double its rows, and a late merge undo newer ones
        return Standing(number, same and output.replace is None)
    if found.rows is Rows.NONE:
        return _gone(table, output, storage, number, job=job, run_key=run_key)
    if same and (lost := _lost_of(table, output, storage, found.files)):
        return Standing(number, False, lost=tuple(lost))
    changes = tuple(entry.author for entry in found.changes)
    return Standing(number, same and found.rows is Rows.ALL, partial=found.rows is Rows.SOME, changes=changes)


def _lost_of(table: DeltaTable, output: Delta, storage: Storage, files: Set[str]) -> list[str]:
    """Those of the files that readers would not find, or not whole."""
    if not files:
        return []
    sizes = file_sizes(table)
    return missing_of_table(output.uri, storage, {path: sizes.get(path) for path in files})


def _gone(table: DeltaTable, output: Delta, storage: Storage, number: int, *, job: str, run_key: str) -> Standing:
    """Of a run whose last commit is not in the table. An append must not be published beside rows of an earlier one."""
    version = transaction_version(table, commit_id(job, run_key))
    restored = (
        output.append
        and version is not None
        and came_back(Folder(output.uri, storage), version, table.version(), lambda entry: entry.run == (job, run_key))
    )
    return Standing(number, False, undone=not restored, restored=restored)


def _found_in(table: DeltaTable, output: Delta, storage: Storage, *, job: str, run_key: str) -> Survival:
    """What became of the run's last commit."""
    version, newest = transaction_version(table, commit_id(job, run_key)), table.version()
    if version is None:
        return Survival(Rows.UNKNOWN)
    folder = Folder(output.uri, storage)
    if version != newest and (own := _own_files(table, job=job, run_key=run_key)):
        return Survival(Rows.ALL, own)
    entry = read(folder, version)
    return surviving(entry.adds, version, since(folder, version, newest)) if entry else Survival(Rows.UNKNOWN)


def _own_files(table: DeltaTable, *, job: str, run_key: str) -> frozenset[str]:
    """Paths of the files that polarpod named for the last commit, where all are in the table as they were; else none."""
    packed = transaction_version(table, files_id(job, run_key)) or 0
    ending, count = f"{packed >> _COUNT_BITS:0{_UID_DIGITS}x}", packed & ((1 << _COUNT_BITS) - 1)
    # where rows can be deleted without their file, a file that is there says nothing of its rows
    if not count or "deletionVectors" in (table.protocol().reader_features or ()):
        return frozenset()
    root = str(table.table_uri).removeprefix("file://").rstrip("/") + "/"
    # below the root a path is as the store has it; the names that polarpod gives have nothing that would be escaped again
    found = [uri for uri in table.file_uris() if uri.rpartition("/")[2][:_UID_LENGTH].endswith(ending)]
    return frozenset(uri.removeprefix(root) for uri in found) if len(found) == count else frozenset()


def standing_of(found: manifest.Manifest | None, *, job: str, run_key: str, fingerprint: str) -> Standing:
    """What a Parquet dataset's manifest holds of a run key."""
    for entry in found.entries if found else []:
        if entry.is_of(job, run_key):
            return Standing(entry.number, entry.fingerprint == fingerprint, entry.fingerprint == "")
    return Standing(None, False)


def standing_in_dataset(
    found: manifest.Manifest | None, folder: Folder, *, job: str, run_key: str, fingerprint: str
) -> Standing:
    """As `standing_of`, and whether the store still has the files of a run that would pass for standing."""
    held = standing_of(found, job=job, run_key=run_key, fingerprint=fingerprint)
    if not held.same or found is None:
        return held
    files = {file.path: file.bytes for entry in found.entries if entry.is_of(job, run_key) for file in entry.files}
    lost = missing(folder, files)
    # the next attempt's entry takes the place of this one as a whole, so that even an append can be repeated
    return held._replace(same=False, undone=True, lost=tuple(lost)) if lost else held


def standing(output: Output, storage: Storage, *, job: str, run_key: str, fingerprint: str) -> Standing:
    """What the output at its place holds of a run key, whatever its format."""
    if isinstance(output, Delta):
        table = open_output(output.uri, storage)
        if table is None:
            return Standing(None, False)
        return standing_in(table, output, storage, job=job, run_key=run_key, fingerprint=fingerprint)
    folder = Folder(output.uri, storage)
    found = manifest.read(folder)
    return standing_in_dataset(found.manifest if found else None, folder, job=job, run_key=run_key, fingerprint=fingerprint)


def newest_commit(output: Output, storage: Storage, *, job: str, run_key: str) -> Newest | None:
    """Who has committed last of a run, as the output itself says; None where it knows of nobody.

    The state store is not asked: what it has lost is found here.
    """
    if isinstance(output, Delta):
        table = open_output(output.uri, storage)
        number = transaction_version(table, transaction_id(job, run_key)) if table else None
        if table is None or number is None:
            return None
        undone = transaction_version(table, content_id(job, run_key, UNDONE)) == number
        version = transaction_version(table, commit_id(job, run_key))
        entry = read(Folder(output.uri, storage), version) if version is not None else None
        return Newest(number, entry.uid if entry and entry.run == (job, run_key) else None, undone)
    found = manifest.read(Folder(output.uri, storage))
    entry_of_run = next((entry for entry in found.manifest.entries if entry.is_of(job, run_key)), None) if found else None
    return Newest(entry_of_run.number, entry_of_run.uid, not entry_of_run.facts) if entry_of_run else None
