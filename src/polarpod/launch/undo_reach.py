"""What of a Delta commit can still be taken back, after what others have done to its files.

A compaction of files that hold a run's rows alone carries them on as a whole: taking out the new files is as exact as taking
out the old ones. Where other rows went into the same file, or values were changed, no file holds just these rows any more.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, NamedTuple

from polarpod.contract.dataset import Delta
from polarpod.store.delta_rows import METADATA, LogEntry

_UNDO = "polarpod_undo"
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
    own, barred = dict(added), list[LogEntry]()
    for entry in entries:
        if entry is None:
            return Carried(own, tuple(barred), unknown=True)
        own |= {path: added[path] for path in entry.adds if path in added}
        taken = own.keys() & entry.removes.keys() - entry.adds.keys()
        if not taken:
            continue
        new = _compacted(own, taken, entry)
        if new is None:
            barred.append(entry)
        own = {path: add for path, add in own.items() if path not in taken} | (new or {})
    return Carried(own, tuple(barred))


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
    return any(_facts(entry, _UNDO).get("uid") == uid for entry in found.barred)


def why(found: Carried) -> list[str]:
    """What took its files out, for a person: the newest last."""
    lines = [f"{_what(entry)}: {entry.author}" for entry in found.barred[-_NAMED:]]
    return [*lines, "the log entries that would tell more have been cleaned up"] if found.unknown else lines


def _what(entry: LogEntry) -> str:
    if entry.info.get("operation") in ("OPTIMIZE", "Z-ORDER"):
        return "compacted together with rows of others, which cannot be told apart since"
    return "taken out or written anew"


def remedy(found: Carried, uri: str, version: int, output: Delta) -> str:
    """What still helps: undoing what came after, where all of that was runs; else statements for the table."""
    runs = [_facts(entry, METADATA).get("uid") for entry in found.barred]
    if runs and all(runs) and not found.unknown:
        commands = ", then ".join(f"`polarpod undo {uid[:12]}`" for uid in reversed(runs))
        return f"Undo what came after it first: {commands}."
    table = f"deltalake.DeltaTable({uri!r})"
    ways = []
    if version > 0:
        ways.append(
            f"bring the whole table back to the version before it, which also takes back everything since: "
            f"{table}.restore({version - 1})"
        )
    if isinstance(output.replace, dict) and output.replace:
        owned = " AND ".join(f"{column} = '{_quoted(value)}'" for column, value in sorted(output.replace.items()))
        ways.append(f"delete the partition's rows: {table}.delete({owned!r})")
    else:
        ways.append(f"delete its rows by what tells them from others: {table}.delete(PREDICATE)")
    text = "; or ".join(ways)
    return f"{text[0].upper()}{text[1:]}. Then a run publishes again."


def _quoted(value: str) -> str:
    return value.replace("'", "''")


def _facts(entry: LogEntry, key: str) -> dict[str, Any]:
    try:
        facts = json.loads(entry.info.get(key) or "null")
    except ValueError:
        return {}
    return facts if isinstance(facts, dict) else {}
