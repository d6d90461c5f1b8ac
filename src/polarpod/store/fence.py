"""Which run a table holds: the question behind skipping, adopting and refusing.

A Delta table answers from its own application transactions: under the run key's id it keeps the number of the attempt
that committed last, and under the id with the fingerprint appended the number of the attempt that last committed exactly
that content. Both numbers are written in the commit that publishes the rows, so they cannot disagree with the data. A
plain Parquet dataset answers from its manifest. Neither needs the state store: losing that loses history, not safety.
"""

from __future__ import annotations

import hashlib
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from polarpod.contract.context import Storage
from polarpod.contract.dataset import Delta, Output
from polarpod.store import manifest
from polarpod.store.delta_log import open_table
from polarpod.store.folder import Folder

if TYPE_CHECKING:
    from deltalake import DeltaTable

# in a fingerprint's place: the run was taken back, so that nothing of it stands but the number that fences zombies off
UNDONE = "undone"
# enough of a sha256 that two contents of one run key never share it; the id is kept in every checkpoint of the table
_FINGERPRINT_DIGITS = 24


class Standing(NamedTuple):
    """What a table holds of one run key.

    Attributes:
        number: the attempt that committed last, or None.
        same: whether that commit had the fingerprint asked about, and no other run has replaced its partition since.
        undone: whether that commit was taken back.
    """

    number: int | None
    same: bool
    undone: bool = False


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


def owner_id(owned: dict[str, str]) -> str:
    """The transaction that says who replaced a partition last: runs of other jobs or parameters may own the same one."""
    return "polarpod@" + "/".join(f"{column}={value}" for column, value in sorted(owned.items()))


def owner_number(job: str, run_key: str, number: int) -> int:
    """An attempt as a transaction's version: 60 bits of its digest, since a version is a number of 63."""
    return int(hashlib.sha256(f"{transaction_id(job, run_key)}#{number}".encode()).hexdigest()[:15], 16)


def standing_in(table: DeltaTable, output: Delta, *, job: str, run_key: str, fingerprint: str) -> Standing:
    """What an opened Delta table holds of a run key."""
    number = table.transaction_version(transaction_id(job, run_key))
    if number is None:
        return Standing(None, False)
    same = table.transaction_version(content_id(job, run_key, fingerprint)) == number
    if same and isinstance(output.replace, dict):
        same = table.transaction_version(owner_id(output.replace)) == owner_number(job, run_key, number)
    return Standing(number, same, table.transaction_version(content_id(job, run_key, UNDONE)) == number)


def standing_of(found: manifest.Manifest | None, *, job: str, run_key: str, fingerprint: str) -> Standing:
    """What a Parquet dataset's manifest holds of a run key."""
    for entry in found.entries if found else []:
        if entry.is_of(job, run_key):
            return Standing(entry.number, entry.fingerprint == fingerprint, entry.fingerprint == "")
    return Standing(None, False)


def standing(output: Output, storage: Storage, *, job: str, run_key: str, fingerprint: str) -> Standing:
    """What the output at its place holds of a run key, whatever its format."""
    if isinstance(output, Delta):
        table = open_table(output.uri, storage)
        if table is None:
            return Standing(None, False)
        return standing_in(table, output, job=job, run_key=run_key, fingerprint=fingerprint)
    found = manifest.read(Folder(output.uri, storage))
    return standing_of(found.manifest if found else None, job=job, run_key=run_key, fingerprint=fingerprint)
