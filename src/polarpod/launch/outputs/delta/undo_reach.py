"""What of a Delta commit can still be taken back, after what others have done to its files.

A compaction of files that hold a run's rows alone carries them on as a whole: taking out the new files is as exact as taking
out the old ones. Where other rows went into the same file, or values were changed, no file holds just these rows any more.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from polarpod.store.delta_rows import LogEntry

# where the commit of an undo says what it took back
UNDO = "polarpod_undo"
_NAMED = 3


class Carried(NamedTuple):
    """Where the rows of a commit are.

    Attributes:
        adds: path -> add action, of files that hold these rows and no others.
        barred: commits that took files of it out otherwise, in order.
        unknown: whether entries are missing that would tell.
    """

    adds: dict[str, dict[str, Any]]
    barred: tuple[LogEntry, ...] = ()
    unknown: bool = False


def carried(added: dict[str, dict[str, Any]], entries: Iterable[LogEntry | None]) -> Carried:
    """Follows the files of a commit through every later entry of the log."""
    own, ever = dict(added), dict(added)
    # each with what it has broken up: where all of that comes back, by an undo or a RESTORE, it bars nothing any more
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
    """Every later commit that has to be taken back before this one, newest first; None where that cannot be told.

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
    """The files that a compaction wrote in place of these, where it put no other rows beside theirs; else None."""
    if any(entry.removes[path].get("dataChange") is not False for path in taken):
        return None
    partitions = [entry.removes[path].get("partitionValues") for path in taken]
    if None in partitions or any(
        path not in own for path, gone in entry.removes.items() if gone.get("partitionValues") in partitions
    ):
        return None
    new = {path: add for path, add in entry.adds.items() if add.get("partitionValues") in partitions}
    # a commit may hold rows of its own besides what it compacts
    return new if all(add.get("dataChange") is False for add in new.values()) else None


def taken_back(found: Carried, uid: str) -> bool:
    """Whether an undo has taken the commit back."""
    return any(entry.told(UNDO).get("uid") == uid for entry in found.barred)


def why(found: Carried) -> list[str]:
    """What took its files out, for a person: the newest last."""
    lines = [f"{_what(entry)}: {entry.author}" for entry in found.barred[-_NAMED:]]
    return [*lines, "the log entries that would tell more have been cleaned up"] if found.unknown else lines


def _what(entry: LogEntry) -> str:
    if entry.info.get("operation") in ("OPTIMIZE", "Z-ORDER"):
        return "compacted together with rows of others, which cannot be told apart since"
    return "taken out or written anew"
