"""Whether an attempt has ended, as far as its documents prove it."""

from __future__ import annotations

import datetime as dt

from polarpod.launch.attempt_records import AttemptInfo

# beyond deadline and grace, which the worker enforces itself; an hour covers clock differences
_SLACK = dt.timedelta(hours=1)


def is_over(info: AttemptInfo, now: dt.datetime) -> bool:
    """Whether no launcher waits for an attempt any more: it has a verdict, or its worker has ended."""
    return info.record is not None or has_ended(info, now)


def has_ended(info: AttemptInfo, now: dt.datetime) -> bool:
    """Whether an attempt's worker has ended, and so can no longer write.

    The receipt is its last write. Without one its launcher must have observed its end, or its time must be over: a worker
    starts before it is judged, and ends by itself after its deadline and grace.
    """
    if info.receipt or (info.record and info.record.worker_ended):
        return True
    if info.context is None:
        return False
    lifetime = dt.timedelta(seconds=info.context.deadline_seconds + info.context.grace_seconds)
    started_by = info.record.judged_at if info.record else info.context.created_at
    return now > started_by + lifetime + _SLACK
