"""Which run a table holds: the question behind skipping, adopting and refusing.

A Delta table answers from its own application transactions: under the run key's id it keeps the number of the attempt
that committed last, and under the id with the fingerprint appended the number of the attempt that last committed exactly
that content. Both numbers are written in the commit that publishes the rows. They outlive the rows, which a RESTORE, a
delete or another job's replace takes out; so two more transactions say which version the commit made and how its files are
named, and the table's files are asked whether they are still there. A plain Parquet dataset answers from its manifest.
Neither needs the state store: losing that loses history, not safety.
"""

from __future__ import annotations

import hashlib
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from polarpod.contract.context import Storage
from polarpod.contract.dataset import Delta, Output
from polarpod.store import parquet_manifest as manifest
from polarpod.store.delta_log import open_output, transaction_version
from polarpod.store.delta_rows import Rows, came_back, read, since, surviving
from polarpod.store.folder import Folder

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
    """

    number: int | None
    same: bool
    undone: bool = False
    partial: bool = False
    restored: bool = False


class Decision(Enum):
    """What an attempt may do, given what the table holds."""

    PUBLISH = "publish"
    ADOPT = "adopt"
    SUPERSEDED = "superseded"
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
    rows = _rows_in(table, output, storage, job=job, run_key=run_key)
    if rows is Rows.UNKNOWN:
        # a replace can be repeated, so it is; a second append could double its rows, and a late merge undo newer ones
        return Standing(number, same and output.replace is None)
    if rows is Rows.NONE:
        return _gone(table, output, storage, number, job=job, run_key=run_key)
    return Standing(number, same and rows is Rows.ALL, partial=rows is Rows.SOME)


def _gone(table: DeltaTable, output: Delta, storage: Storage, number: int, *, job: str, run_key: str) -> Standing:
    """Of a run whose last commit is not in the table. An append must not be published beside rows of an earlier one."""
    version = transaction_version(table, commit_id(job, run_key))
    restored = (
        output.append
        and version is not None
        and came_back(Folder(output.uri, storage), version, table.version(), lambda entry: entry.run == (job, run_key))
    )
    return Standing(number, False, undone=not restored, restored=restored)


def _rows_in(table: DeltaTable, output: Delta, storage: Storage, *, job: str, run_key: str) -> Rows:
    """How much of the run's last commit is in the table."""
    version, newest = transaction_version(table, commit_id(job, run_key)), table.version()
    if version is None:
        return Rows.UNKNOWN
    if version == newest:
        return Rows.ALL
    packed = transaction_version(table, files_id(job, run_key)) or 0
    uid, count = f"{packed >> _COUNT_BITS:0{_UID_DIGITS}x}", packed & ((1 << _COUNT_BITS) - 1)
    names = [uri.rpartition("/")[2] for uri in table.file_uris()] if count else []
    if count and sum(name[:_UID_LENGTH].endswith(uid) for name in names) == count:
        return Rows.ALL
    folder = Folder(output.uri, storage)
    entry = read(folder, version)
    return surviving(entry.adds, version, since(folder, version, newest)) if entry else Rows.UNKNOWN


def standing_of(found: manifest.Manifest | None, *, job: str, run_key: str, fingerprint: str) -> Standing:
    """What a Parquet dataset's manifest holds of a run key."""
    for entry in found.entries if found else []:
        if entry.is_of(job, run_key):
            return Standing(entry.number, entry.fingerprint == fingerprint, entry.fingerprint == "")
    return Standing(None, False)


def standing(output: Output, storage: Storage, *, job: str, run_key: str, fingerprint: str) -> Standing:
    """What the output at its place holds of a run key, whatever its format."""
    if isinstance(output, Delta):
        table = open_output(output.uri, storage)
        if table is None:
            return Standing(None, False)
        return standing_in(table, output, storage, job=job, run_key=run_key, fingerprint=fingerprint)
    found = manifest.read(Folder(output.uri, storage))
    return standing_of(found.manifest if found else None, job=job, run_key=run_key, fingerprint=fingerprint)
