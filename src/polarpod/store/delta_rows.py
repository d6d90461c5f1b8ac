"""Whether the rows of a commit are still in their Delta table, which decides whether a run is skipped or appended again.

The table's application transactions record that a run has committed. They outlive its rows: a RESTORE, a delete or another
job's replace removes the files and leaves the transactions. So the files are checked. Where all of them are active, no log
entry is read. Otherwise the entries since the commit are read: a compaction, an update or a merge moves rows into new files,
a delete or an overwrite does not. An update or a merge may change their values, which is reported.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from enum import Enum
from typing import Any, NamedTuple

from polarpod.store.delta_damage import damaged_entry
from polarpod.store.delta_path import meaning
from polarpod.store.folder import Folder

# the commitInfo key that records which run made a commit
METADATA = "polarpod"
# Each entry is one request to the store. With more entries than this, the state of the rows counts as unknown.
_ENTRIES = 1000
# operations that rewrite a file row by row: the rows they do not change are in the file that they add
_REWRITES = frozenset({"MERGE", "UPDATE"})
# a clause of a merge, in JSON that is a string within JSON
_DELETES = re.compile(r'actionType[\\\s":]+delete', re.IGNORECASE)


class Rows(Enum):
    """How much of a commit is still in its table. UNKNOWN: the log entries that record it are gone."""

    ALL = "all"
    SOME = "some"
    NONE = "none"
    UNKNOWN = "unknown"


class Survival(NamedTuple):
    """What is left of a commit in its table.

    Attributes:
        files: paths, as in the store, of the files that hold its rows now; they may hold other rows too.
        changes: later commits that may have changed values in its rows, in order.
    """

    rows: Rows
    files: frozenset[str] = frozenset()
    changes: tuple[LogEntry, ...] = ()


class LogEntry(NamedTuple):
    """One commit of a log.

    Attributes:
        info: its commitInfo, {} where it has none.
        adds: path (as in the store) -> the add action.
        removes: path (as in the store) -> the remove action.
        transactions: ids of its application transactions.
        alters: whether it sets the table's columns, properties or features.
    """

    version: int
    info: dict[str, Any]
    adds: dict[str, dict[str, Any]]
    removes: dict[str, dict[str, Any]]
    transactions: frozenset[str] = frozenset()
    alters: bool = False

    @property
    def facts(self) -> dict[str, Any]:
        """The facts that the committing run recorded; {} where no polarpod run made this commit."""
        return self.told(METADATA)

    def told(self, key: str) -> dict[str, Any]:
        """The object that the commitInfo holds as JSON text under a polarpod key; {} where there is none."""
        try:
            facts = json.loads(self.info.get(key) or "null")
        except ValueError:
            return {}
        return facts if isinstance(facts, dict) else {}

    @property
    def run(self) -> tuple[str, str] | None:
        """Job and run key of the run that made this commit, or None."""
        facts = self.facts
        return (str(facts.get("job")), str(facts.get("run_key"))) if facts else None

    @property
    def uid(self) -> str | None:
        """The uid of the attempt that made this commit, or None."""
        uid = self.facts.get("uid")
        return uid if isinstance(uid, str) else None

    @property
    def author(self) -> str:
        """The operation, the run where known, and the version, as text for a person."""
        operation = str(self.info.get("operation") or "a commit")
        by = "/".join(self.run) if self.run else ""
        return f"{operation}{f' by {by}' if by else ''} in version {self.version}"


def parse(version: int, data: bytes) -> LogEntry:
    """One log entry from its JSON lines. Raises ValueError where a line is not JSON."""
    actions = [json.loads(line) for line in data.splitlines() if line.strip()]
    info: dict[str, Any] = next((action["commitInfo"] for action in actions if "commitInfo" in action), {})
    files: dict[str, dict[str, dict[str, Any]]] = {"add": {}, "remove": {}}
    for action in actions:
        for kind, found in files.items():
            if kind in action:
                found[meaning(action[kind]["path"])] = action[kind]
    transactions = frozenset(str(action["txn"]["appId"]) for action in actions if "txn" in action)
    alters = any("metaData" in action or "protocol" in action for action in actions)
    return LogEntry(version, info, files["add"], files["remove"], transactions, alters)


def read(folder: Folder, version: int) -> LogEntry | None:
    """An entry of the log of the table in this folder, or None where it has been cleaned up.

    Raises:
        PolarpodError: `publish_refused`: the entry is damaged.
    """
    document = folder.read(f"_delta_log/{version:020d}.json")
    try:
        return parse(version, document.data) if document else None
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise damaged_entry(folder.uri, version, error) from error


def since(folder: Folder, version: int, newest: int) -> Iterator[LogEntry | None]:
    """Yields the entries after a version, None for each that has been cleaned up or exceeds the limit."""
    if newest - version > _ENTRIES:
        yield None
    for number in range(max(version, newest - _ENTRIES) + 1, newest + 1):
        yield read(folder, number)


def came_back(folder: Folder, last: int, newest: int, is_ours: Callable[[LogEntry], bool]) -> bool:
    """Whether a RESTORE has, or may have, brought back rows of commits whose rows had been removed from the table.

    Args:
        last: version of the newest of these commits. When it was made, no rows of the older ones were in the table:
            otherwise it would have been refused.
        is_ours: whether an entry is one of these commits.
    """
    restores = [_restored_to(entry) for entry in since(folder, last, newest) if entry]
    targets = [version for version in restores if version is not None]
    if not targets:
        return False
    entries = list(since(folder, -1, newest))
    known = [entry.version for entry in entries if entry]
    if not known or min(targets) < min(known):
        return True  # restored to a version whose commits have been cleaned up
    for index, entry in enumerate(entries):
        if entry and is_ours(entry) and surviving(entry.adds, entry.version, entries[index + 1 :]).rows is not Rows.NONE:
            return True
    return False


class _State(NamedTuple):
    """Active files that hold rows of the commit; files that lost rows of it, in the last or an earlier step; and the commits
    that may have changed values."""

    files: frozenset[str]
    cut: frozenset[str] = frozenset()
    changes: tuple[LogEntry, ...] = ()


def surviving(committed: Iterable[str], version: int, entries: Iterable[LogEntry | None]) -> Survival:
    """What these later entries left of a commit.

    Args:
        committed: paths of the files it added.
        version: the commit's version.
        entries: every later entry in order; None where one or more are missing.
    """
    whole = frozenset(committed)
    # the state after a restore to before the commit, also for a commit without files: an emptied partition is full again
    nothing = _State(frozenset(), frozenset({"restored"}))
    state: _State | None = _State(whole)
    states: dict[int, _State | None] = {version: state}
    for entry in entries:
        if entry is None:
            state = None
            continue
        restored = _restored_to(entry)
        if restored is not None and restored < version:
            state = nothing
        elif restored is not None and restored in states:
            state = states[restored]
        elif state is not None:
            state = _after(state, whole, entry)
        states[entry.version] = state
    if state is None:
        return Survival(Rows.UNKNOWN)
    if state.cut:
        return Survival(Rows.SOME if state.files else Rows.NONE, state.files)
    return Survival(Rows.ALL, state.files, state.changes)


def _after(state: _State, whole: frozenset[str], entry: LogEntry) -> _State:
    """The state of the rows after one more commit."""
    taken = state.files & entry.removes.keys()
    files, cut, changes = state.files - taken, state.cut, state.changes
    if taken:
        partitions = [entry.removes[path].get("partitionValues") for path in taken]
        beside = frozenset(
            path for path, add in entry.adds.items() if None in partitions or add.get("partitionValues") in partitions
        )
        if not beside and entry.info.get("operation") in _REWRITES:
            # rows whose partition value changed are in the files of the other partition
            beside = frozenset(entry.adds)
        compacted = all(entry.removes[path].get("dataChange") is False for path in taken)
        kept = compacted or _keeps_rows(entry.info)
        if not kept:
            cut |= taken
        elif not compacted and _changes_rows(entry.info):
            changes = (*changes, entry)
        if kept or _leaves_rows(entry.info):
            files |= beside
    back = whole & (entry.adds.keys() - entry.removes.keys())
    return _State(files | back, cut - back, changes)


def _keeps_rows(info: dict[str, Any]) -> bool:
    """Whether every row of a file that a commit rewrites is in the files that it adds, possibly with other values.

    A merge can also delete. Where its metrics do not count deleted rows, its clauses show whether it may have.
    """
    if info.get("operation") not in _REWRITES:
        return False
    deleted = _count(info, "num_target_rows_deleted", "numTargetRowsDeleted")
    if deleted is None:
        return not _DELETES.search(json.dumps(info.get("operationParameters") or {}))
    return deleted == 0


def _changes_rows(info: dict[str, Any]) -> bool:
    """Whether a commit that keeps rows may have changed values in them. A commit without a count is assumed to have."""
    return _count(info, "num_updated_rows", "numUpdatedRows", "num_target_rows_updated", "numTargetRowsUpdated") != 0


def _count(info: dict[str, Any], *names: str) -> int | None:
    """A number of a commit's metrics, under the first of these names (engines differ); None where it is missing."""
    metrics = info.get("operationMetrics")
    found = next((metrics[name] for name in names if name in metrics), None) if isinstance(metrics, dict) else None
    return int(str(found)) if str(found).isdigit() else None


def _leaves_rows(info: dict[str, Any]) -> bool:
    """Whether a commit that removes rows may rewrite other rows of their files; polarpod's commits remove whole files."""
    operation, parameters = info.get("operation"), info.get("operationParameters") or {}
    return operation not in ("WRITE", "RESTORE") or "predicate" in parameters


def _restored_to(entry: LogEntry) -> int | None:
    if entry.info.get("operation") != "RESTORE":
        return None
    version = (entry.info.get("operationParameters") or {}).get("version")
    return int(version) if version is not None and str(version).isdigit() else None
