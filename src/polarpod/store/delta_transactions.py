"""How long a Delta table remembers its application transactions.

A run writes a few, and 50,000 runs make a checkpoint of 6.8 MB. The protocol lets a transaction expire by the time in it,
where the table has a retention for them; deltalake and Spark then leave it out of their checkpoints. A run that replaces or
merges can be repeated, so its transactions may go once there is no attempt left for them to fence off: the longest deadline
of an attempt is a week. An append has to be known for ever, or a late retry would double its rows.

https://github.com/delta-io/delta/blob/master/PROTOCOL.md#transaction-identifiers
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping

RETENTION_PROPERTY = "delta.setTransactionRetentionDuration"
# of a table that polarpod makes; as long as a plane keeps the documents of its runs by default
RETENTION = "interval 90 days"
# the longest deadline, and a day for its grace period, its receipt and clocks that differ
SHORTEST = dt.timedelta(days=8)
# The year 9999, in milliseconds since 1970. No time at all would mean for ever to deltalake, and not at all to Spark.
FOR_EVER = 253_370_764_800_000

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
