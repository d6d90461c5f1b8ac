"""The attempts that may own files of a Delta table, which a sweep must keep.

A file that the newest version does not reference may be a tombstone, which time travel, an undo and a reader that opened the
table a minute ago need; only VACUUM may delete it, after the table's own retention. The log records which attempts have
committed, but it is cleaned up (by deltalake after 30 days), so it proves nothing about older attempts. The run's
application transaction does: it keeps the number of the attempt that committed last, and numbers only grow.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from polarpod.launch.attempt_records import AttemptInfo
from polarpod.store.delta_log import active_files, history, transaction_version
from polarpod.store.delta_transactions import retention_of, transaction_id

if TYPE_CHECKING:
    from deltalake import DeltaTable

# tolerated difference between the clock of the launcher, which dates an attempt, and a writer's, which dates a commit
_CLOCKS = dt.timedelta(hours=1)


class Commits(NamedTuple):
    """The commits that a table's log still contains.

    Attributes:
        active: paths of the files in the newest version.
        uids: attempts whose commits the log still has.
        since: when the oldest commit that the log still has was made; None where it has all of them.
        numbers: run's transaction -> number of the attempt that committed last, None where the table has none.
        known_since: the time since which the table retains the transaction of every commit; None where it retains all.
    """

    active: frozenset[str]
    uids: frozenset[str]
    since: dt.datetime | None
    numbers: dict[str, int | None]
    known_since: dt.datetime | None


def commits_of(table: DeltaTable, infos: list[AttemptInfo], *, now: dt.datetime) -> Commits:
    """Reads the log of a table, as far as these attempts need it."""
    entries = history(table)
    oldest = min(entries, key=lambda entry: int(entry["version"])) if entries else None
    since = None
    if oldest is None or int(oldest["version"]) > 0:
        stamp = oldest.get("timestamp") if oldest else None
        # no date: nothing is proven for any attempt
        since = dt.datetime.fromtimestamp(stamp / 1000, dt.UTC) if stamp else dt.datetime.max.replace(tzinfo=dt.UTC)
    remembered = retention_of({key: value or "" for key, value in table.metadata().configuration.items()})
    runs = {transaction_id(info.job, info.run_key) for info in infos}
    return Commits(
        active=frozenset(str(action["path"]) for action in active_files(table, {})),
        uids=uids_of(entries),
        since=since,
        numbers={run: transaction_version(table, run) for run in runs},
        known_since=None if remembered is None else now - remembered,
    )


def uids_of(entries: Iterable[dict[str, Any]]) -> frozenset[str]:
    """The uids of the attempts that made these commits."""
    return frozenset(str(msgspec.json.decode(text)["uid"]) for entry in entries if (text := entry.get("polarpod")))


def never_committed(info: AttemptInfo, commits: Commits) -> bool:
    """Whether an attempt that has ended is proven to own no file of any version of the table."""
    if info.uid in commits.uids:
        return False
    number = commits.numbers[transaction_id(info.job, info.run_key)]
    if number is not None and number < info.number:
        return True
    return (number is None and _has_begun_after(commits.known_since, info)) or _has_begun_after(commits.since, info)


def _has_begun_after(since: dt.datetime | None, info: AttemptInfo) -> bool:
    """Whether an attempt began after the records do; None means that they are complete."""
    begun = info.context.created_at if info.context else None
    return since is None or (begun is not None and since < begun - _CLOCKS)
