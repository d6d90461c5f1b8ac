"""The remedies where an undo is refused: only those that work in the state that was found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from polarpod.contract.verdict import PolarpodError
from polarpod.launch.undo_target import Target, command_of, refusal, unpublished
from polarpod.store.delta_features import Traits, not_written
from polarpod.store.delta_log import active_files, file_sizes, open_table
from polarpod.store.delta_path import deltalake_can_name, is_absolute
from polarpod.store.delta_rows import LogEntry
from polarpod.store.location import normal
from polarpod.store.partition_text import is_misspelled
from polarpod.store.presence import missing_of_table

if TYPE_CHECKING:
    from deltalake import DeltaTable

    from polarpod.contract.context import Storage
    from polarpod.launch.state import State

AGAIN = "Then a run publishes again."


def nobody_names_files(target: Target, names: str, place: str) -> PolarpodError:
    """The refusal where the log or the manifest is gone: the files may be the only copy of published rows."""
    remedy = (
        "Restore it from a backup or the bucket's versions, then undo. Where there is none, run again the runs that "
        "published there; `polarpod runs JOB` lists them."
    )
    return unpublished(target, f"there is no {names} at {place}", remedy) or refusal(
        target.info,
        f"the {names} is missing, so that nobody can say which of its files are published",
        remedy,
        evidence=[f"nothing is at {place}"],
    )


def of_barred(
    first: list[LogEntry] | None, target: Target, table: DeltaTable, made: int, state: State, storage: Storage
) -> str:
    """The remedy for a commit whose files later commits have removed.

    Args:
        first: the commits that have to be undone first; None where that is unknown.
        made: the version that the commit made.
    """
    commands = [entry.run and entry.uid and command_of(state, *entry.run, entry.uid) for entry in first or []]
    if commands and all(commands):
        return f"Undo what came after it first: {', then '.join(map(str, commands))}."
    if not _deltalake_writes(table):
        return (
            "Use RESTORE or DELETE of the engine that writes to the table, such as Spark: deltalake cannot, or names files "
            f"and partition values in another way and would leave rows in the table. {AGAIN}"
        )
    uri = normal(target.output.uri)
    opened = f"deltalake.DeltaTable({uri!r})"
    ways = [_deletion(opened, target)]
    if made > 0 and _can_restore(uri, made - 1, storage):
        ways.insert(
            0,
            "bring the whole table back to the version before it, which also takes back everything since: "
            f"{opened}.restore({made - 1})",
        )
    opening = "set its property delta.appendOnly to false first; then " if Traits.of(table).says("delta.appendOnly") else ""
    text = opening + "; or ".join(ways)
    return f"{text[0].upper()}{text[1:]}. {AGAIN}"


def _deletion(opened: str, target: Target) -> str:
    owned = target.output.replace
    if not isinstance(owned, dict) or not owned:
        return f"delete its rows by what tells them from others: {opened}.delete(PREDICATE)"
    # every name in quotes: unquoted, deltalake parses 1x as the value 1 with the alias x, and deletes all rows
    predicate = " AND ".join(
        f"{_quoted(column, chr(34))} = {_quoted(text, chr(39))}" for column, text in sorted(owned.items())
    )
    return f"delete the partition's rows: {opened}.delete({predicate!r})"


def _quoted(text: str, mark: str) -> str:
    return f"{mark}{text.replace(mark, mark * 2)}{mark}"


def _deltalake_writes(table: DeltaTable) -> bool:
    """Whether deltalake commits to the table, and finds the files that it is to remove."""
    return not not_written(Traits.of(table), bare=False, takes=True) and all(
        deltalake_can_name(file["spelled"])
        and not is_absolute(file["path"])
        and not any(map(is_misspelled, file["values"].values()))
        for file in active_files(table, {})
    )


def _can_restore(uri: str, version: int, storage: Storage) -> bool:
    """Whether an earlier version can still be read, and its files can be written into the log again."""
    try:
        earlier = open_table(uri, storage, version)
        return earlier is not None and _deltalake_writes(earlier) and not missing_of_table(uri, storage, file_sizes(earlier))
    except PolarpodError:
        return False
