"""Finds the damaged file in a Delta table's log. deltalake reports that a log is damaged, with a parser error and a stack,
but not the file; and it reads an entry that a crash left empty as a commit without actions."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from polarpod.contract.context import Storage
from polarpod.contract.verdict import Category, PolarpodError
from polarpod.store.folder import Entry, Folder
from polarpod.store.location import is_local, local_path

LOG = "_delta_log"
_HINT = f"{LOG}/_last_checkpoint"
_ENTRY = re.compile(rf"{LOG}/(\d{{20}})\.json")
_CHECKPOINT = re.compile(rf"{LOG}/(\d{{20}})\.checkpoint\..*\b(?:parquet|json)")
# the bytes that a Parquet file begins and ends with
_MAGIC = b"PAR1"
# in deltalake's error for a checkpoint that has both magic numbers and is damaged in between
_OF_A_CHECKPOINT = re.compile(r"Arrow|Parquet|Checkpoint")
# Entries after the last checkpoint are read one by one, so a table that can be read in practice has few of them.
_ENTRIES = 1000

_NO_BYTE = "has no byte"
_RESTORE = "Bring this file back from a backup or the bucket's versions."
_WHOLE_TABLE = f"{_RESTORE} Else restore the whole table."
_TAKE_BACK = f"{_RESTORE} Or delete it, which takes this newest commit back: then run the job that made it again."
_FROM_THE_FIRST = "the log still has every entry from the first, and readers then take those."


class _Damage(NamedTuple):
    """One file of a log, and how it is damaged."""

    key: str
    what: str
    remedy: str

    def told(self, uri: str, words: list[str], category: Category = Category.INPUT_UNREADABLE) -> PolarpodError:
        return PolarpodError(
            category,
            f"the log of the Delta table {uri} is damaged",
            evidence=[f"{uri}/{self.key}: {self.what}", *words],
            remedy=self.remedy,
        )


class _Log(NamedTuple):
    """The files of the log that a reader of a version needs: entries by number, and the checkpoint before them."""

    entries: dict[int, Entry]
    checkpoint: list[Entry]
    first: int
    whole: bool

    @classmethod
    def of(cls, folder: Folder, version: int | None, *, after: str | None = None) -> _Log:
        listed = folder.list(LOG, after=after)
        numbered = {int(match[1]): entry for entry in listed if (match := _ENTRY.fullmatch(entry.key))}
        checkpoints: dict[int, list[Entry]] = {}
        for entry in listed:
            if match := _CHECKPOINT.fullmatch(entry.key):
                checkpoints.setdefault(int(match[1]), []).append(entry)
        newest = max(numbered, default=-1) if version is None else version
        start = max((number for number in checkpoints if number <= newest), default=-1)
        entries = {number: entry for number, entry in sorted(numbered.items()) if start < number <= newest}
        whole = all(number in numbered for number in range(newest + 1))
        return cls(entries, checkpoints.get(start, []), start + 1, whole)


def refuse_empty_entries(uri: str, storage: Storage, version: int) -> None:
    """Raises PolarpodError (`input_unreadable`) where an opened table's log has an empty entry, whose rows are then missing.

    No writer makes an empty entry; a disk failure or a power loss leaves one.
    """
    if is_local(uri):
        # a look costs microseconds here, and importing obstore to list 10 ms
        newest = range(max(0, version - _ENTRIES), version + 1)
        if 0 not in (_size_of(local_path(uri) / _key(number)) for number in newest):
            return
    after = f"{LOG}/{version - _ENTRIES:020d}" if version > _ENTRIES else None
    for number, entry in _Log.of(Folder(uri, storage), version, after=after).entries.items():
        if not entry.size:
            raise _Damage(entry.key, _NO_BYTE, _TAKE_BACK if number == version else _WHOLE_TABLE).told(uri, [])


def _size_of(path: Path) -> int | None:
    with suppress(OSError):
        return path.stat().st_size
    return None


def damage(uri: str, storage: Storage, version: int | None, words: str) -> PolarpodError | None:
    """The verdict that names the damaged file of a table that cannot be opened; None where no damaged file is found.

    Args:
        words: deltalake's error message.
    """
    with suppress(PolarpodError):
        folder = Folder(uri, storage)
        if found := _find(folder, _Log.of(folder, version), words):
            return found.told(uri, [words])
    return None


def damaged_entry(uri: str, version: int, error: Exception) -> PolarpodError:
    """The verdict for a damaged entry that table readers no longer need, but polarpod needs to determine a run's outcome."""
    remedy = f"{_RESTORE} Or delete it: a checkpoint of the table has what it said, and polarpod takes it for cleaned up."
    found = _Damage(_key(version), f"is cut, or no JSON of a commit: {error}", remedy)
    return found.told(uri, [], Category.PUBLISH_REFUSED)


def _find(folder: Folder, log: _Log, words: str) -> _Damage | None:
    newest = max(log.entries, default=log.first)
    if gaps := set(range(log.first, newest)) - set(log.entries):
        return _Damage(_key(min(gaps)), "is not there, and later entries are", _WHOLE_TABLE)
    for number, entry in list(log.entries.items())[-_ENTRIES:]:
        if what := _fault(folder, entry):
            return _Damage(entry.key, what, _TAKE_BACK if number == newest else _WHOLE_TABLE)
    remedy = f"{_RESTORE} Or delete it and {_HINT}: {_FROM_THE_FIRST}" if log.whole else _WHOLE_TABLE
    for entry in log.checkpoint:
        if not _is_parquet(folder, entry):
            return _Damage(entry.key, f"is cut, or no Parquet file: {entry.size:,} bytes", remedy)
    if log.checkpoint and _OF_A_CHECKPOINT.search(words):
        return _Damage(log.checkpoint[0].key, "cannot be read", remedy)
    if "Had a _last_checkpoint hint" in words:
        remedy = f"Delete this file: {_FROM_THE_FIRST}" if log.whole else "Restore the checkpoint, or the whole table."
        return _Damage(_HINT, "names a checkpoint that is not there", remedy)
    return None


def _key(version: int) -> str:
    return f"{LOG}/{version:020d}.json"


def _fault(folder: Folder, entry: Entry) -> str | None:
    """What is wrong with an entry; None where each of its lines is a JSON object."""
    if not entry.size:
        return _NO_BYTE
    document = folder.read(entry.key)
    for number, line in enumerate(document.data.splitlines() if document else [], 1):
        try:
            is_action = not line.strip() or isinstance(json.loads(line), dict)
        except ValueError:
            is_action = False
        if not is_action:
            return f"is cut, or no JSON, from line {number} on"
    return None


def _is_parquet(folder: Folder, entry: Entry) -> bool:
    if not entry.key.endswith("parquet"):
        return True
    return entry.size > 2 * len(_MAGIC) and folder.end(entry.key, entry.size, len(_MAGIC)) == _MAGIC
