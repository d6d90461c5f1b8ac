"""The application transactions of a run in a Delta table: how they are named, what is in them, how long they are kept.

A run writes a few, and 50,000 runs make a checkpoint of 6.8 MB. The protocol lets a transaction expire by the time in it,
where the table has a retention for them; deltalake and Spark then leave it out of their checkpoints. A run that replaces or
merges can be repeated, so its transactions may go once there is no attempt left for them to fence off: the longest deadline
of an attempt is a week. An append has to be known for ever, or a late retry would double its rows.

https://github.com/delta-io/delta/blob/master/PROTOCOL.md#transaction-identifiers
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Mapping

RETENTION_PROPERTY = "delta.setTransactionRetentionDuration"
# of a table that polarpod makes; as long as a plane keeps the documents of its runs by default
RETENTION = "interval 90 days"
# the longest deadline, and a day for its grace period, its receipt and clocks that differ
SHORTEST = dt.timedelta(days=8)
# The year 9999, in milliseconds since 1970. No time at all would mean for ever to deltalake, and not at all to Spark.
FOR_EVER = 253_370_764_800_000

# in a fingerprint's place: the run was taken back, so that nothing of it stands but the number that fences zombies off
UNDONE = "undone"
# enough of a sha256 that two contents of one run key never share it; the id is kept in every checkpoint of the table
_FINGERPRINT_DIGITS = 24
# A transaction's version has 63 bits: 44 for the last digits of a uid, which tell its files among millions of others, and
# 19 for how many files there are. A commit of more is looked up in the log.
UID_DIGITS = 11
COUNT_BITS = 19

_INTERVAL = re.compile(r"\s*(?:interval\s+)?(\d+)\s+(second|minute|hour|day|week)s?\s*", re.IGNORECASE)


def last_updated(*, appended: bool, now: int) -> int:
    """The time in a run's transactions, in milliseconds since 1970."""
    return FOR_EVER if appended else now


def retention_of(properties: Mapping[str, str]) -> dt.timedelta | None:
    """How long the table remembers a transaction; None for ever. What cannot be read is no time at all."""
    text = properties.get(RETENTION_PROPERTY)
    if text is None:
        return None
    found = _INTERVAL.fullmatch(text)
    return dt.timedelta(**{f"{found[2].lower()}s": int(found[1])}) if found else dt.timedelta(0)


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
    named: int = int(uid[-UID_DIGITS:], 16) << COUNT_BITS
    return named | min(files, (1 << COUNT_BITS) - 1)


def owner_id(owned: dict[str, str]) -> str:
    """The transaction that says who replaced a partition last: runs of other jobs or parameters may own the same one."""
    return "polarpod@" + "/".join(f"{column}={value}" for column, value in sorted(owned.items()))


def owner_number(job: str, run_key: str, number: int) -> int:
    """An attempt as a transaction's version: 60 bits of its digest, since a version is a number of 63."""
    return int(hashlib.sha256(f"{transaction_id(job, run_key)}#{number}".encode()).hexdigest()[:15], 16)
