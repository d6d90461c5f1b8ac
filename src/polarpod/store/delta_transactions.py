"""The application transactions of a run in a Delta table: their names, contents and retention.

A run writes a few, and 50,000 runs make a checkpoint of 6.8 MB. By the protocol a transaction expires by its `lastUpdated`
where the table has a retention for transactions; deltalake and Spark then omit it from checkpoints. A run that replaces or
merges can be repeated, so its transactions may expire once no attempt is left to fence off: the longest deadline of an
attempt is a week. An append's are kept for ever, or a late retry would double its rows.

https://github.com/delta-io/delta/blob/master/PROTOCOL.md#transaction-identifiers
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Mapping

RETENTION_PROPERTY = "delta.setTransactionRetentionDuration"
# set on tables that polarpod creates; equals the default retention of a plane's run documents
RETENTION = "interval 90 days"
# the longest deadline, plus a day for its grace period, its receipt and clock skew
SHORTEST = dt.timedelta(days=8)
# The year 9999, in milliseconds since 1970. deltalake keeps a transaction without a time for ever, Spark does not keep it.
FOR_EVER = 253_370_764_800_000

# in place of a fingerprint: the run was taken back, and only its number remains, which fences off superseded attempts
UNDONE = "undone"
# enough of a SHA-256 that two contents of one run key do not collide; every checkpoint of the table holds the id
_FINGERPRINT_DIGITS = 24
# A transaction's version has 63 bits: 44 for the last digits of a uid, which identify its files among millions of others,
# and 19 for the number of files. A commit with more files is looked up in the log.
UID_DIGITS = 11
COUNT_BITS = 19

_INTERVAL = re.compile(r"\s*(?:interval\s+)?(\d+)\s+(second|minute|hour|day|week)s?\s*", re.IGNORECASE)


def last_updated(*, appended: bool, now: int) -> int:
    """`lastUpdated` of a run's transactions, in milliseconds since 1970."""
    return FOR_EVER if appended else now


def retention_of(properties: Mapping[str, str]) -> dt.timedelta | None:
    """How long the table keeps a transaction; None for ever. An interval that cannot be parsed counts as zero."""
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
    """The transaction that holds the table version of the run's last commit."""
    return f"{transaction_id(job, run_key)}#commit"


def files_id(job: str, run_key: str) -> str:
    """The transaction that holds the naming and the number of the files of the run's last commit."""
    return f"{transaction_id(job, run_key)}#files"


def files_number(uid: str, files: int) -> int:
    """A uid's last digits and a number of files, packed as a transaction's version."""
    named: int = int(uid[-UID_DIGITS:], 16) << COUNT_BITS
    return named | min(files, (1 << COUNT_BITS) - 1)


def owner_id(owned: dict[str, str]) -> str:
    """The transaction that records the last attempt that replaced a partition: runs of several jobs or keys may own it."""
    return "polarpod@" + "/".join(f"{column}={value}" for column, value in sorted(owned.items()))


def owner_number(job: str, run_key: str, number: int) -> int:
    """An attempt as a transaction's version: 60 bits of its digest, since a version has 63 bits."""
    return int(hashlib.sha256(f"{transaction_id(job, run_key)}#{number}".encode()).hexdigest()[:15], 16)
