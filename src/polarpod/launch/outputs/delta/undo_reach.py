"""The part of a Delta commit that can still be undone, after later commits to its files.

A compaction of files that contain only a run's rows keeps them separate: removing the new files is as exact as removing the
old ones. Where other rows went into the same file, or values were changed, no file contains only these rows any more.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from polarpod.store.delta_rows import LogEntry

# the key under which an undo's commit names the attempt that it undid
UNDO = "polarpod_undo"
_NAMED = 3


class Carried(NamedTuple):
    """The files that contain the rows of a commit now.

    Attributes:
        adds: path -> add action, of files that contain these rows and no others.
        barred: commits that removed files of it in another way, in order.
        unknown: whether log entries that would decide are missing.
    """

    adds: dict[str, dict[str, Any]]
    barred: tuple[LogEntry, ...] = ()
    unknown: bool = False


def carried(added: dict[str, dict[str, Any]], entries: Iterable[LogEntry | None]) -> Carried:
    """Follows the files of a commit through every later entry of the log."""
    own, ever = dict(added), dict(added)
    # each with the files before it: where an undo or a RESTORE brings all of those back, it bars nothing any more
    barred = list[tuple[LogEntry, frozenset[str]]]()
    for entry in entries:
        if entry is None:
            return Carried(own, tuple(each for each, _ in barred), unknown=True)
        own |= {path: ever[path] for path in entry.adds if path in ever}
        whole = next((at for at, (_, before) in enumerate(barred) if before <= own.keys()), len(barred))
        del barred[whole:]
        taken = own.keys() & entry.removes.keys() - entry.adds.keys()
        if not taken:
            continue
        new = _compacted(own, taken, entry)
        if new is None:
            barred.append((entry, frozenset(own)))
        own = {path: add for path, add in own.items() if path not in taken} | (new or {})
        ever |= new or {}
    return Carried(own, tuple(each for each, _ in barred))


def to_undo_first(found: Carried, entries: list[LogEntry | None]) -> list[LogEntry] | None:
    """Every later commit that has to be undone before this one, newest first; None where that is unknown.

    Args:
        entries: every later entry of the log.
    """
    wanted, chain = list(found.barred), dict[int, LogEntry]()
    if found.unknown:
        return None
    while wanted:
        entry = wanted.pop()
        if entry.version in chain:
            continue
        chain[entry.version] = entry
        later = carried(entry.adds, entries[entries.index(entry) + 1 :])
        if later.unknown:
            return None
        wanted += later.barred
    return [chain[version] for version in sorted(chain, reverse=True)]


def _compacted(own: dict[str, Any], taken: Iterable[str], entry: LogEntry) -> dict[str, dict[str, Any]] | None:
    """The files that a compaction wrote in place of these, where it added no other rows to them; else None."""
    if any(entry.removes[path].get("dataChange") is not False for path in taken):
        return None
    partitions = [entry.removes[path].get("partitionValues") for path in taken]
    if None in partitions or any(
        path not in own for path, gone in entry.removes.items() if gone.get("partitionValues") in partitions
    ):
        return None
    new = {path: add for path, add in entry.adds.items() if add.get("partitionValues") in partitions}
    # a commit may add rows of its own besides those that it compacts
    return new if all(add.get("dataChange") is False for add in new.values()) else None


def taken_back(found: Carried, uid: str) -> bool:
    """Whether the commit has been undone."""
    return any(entry.told(UNDO).get("uid") == uid for entry in found.barred)


def why(found: Carried) -> list[str]:
    """The commits that removed its files, as lines of evidence: the newest last."""
    lines = [f"{_what(entry)}: {entry.author}" for entry in found.barred[-_NAMED:]]
    return [*lines, "the log entries that would tell more have been cleaned up"] if found.unknown else lines


def _what(entry: LogEntry) -> str:
    if entry.info.get("operation") in ("OPTIMIZE", "Z-ORDER"):
        return "compacted together with rows of others, which cannot be told apart since"
    return "taken out or written anew"
