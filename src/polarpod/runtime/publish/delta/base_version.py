"""What a commit to a Delta table is decided on, and whether that still holds after a lost race."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from polarpod.contract.dataset import Delta, Output
from polarpod.contract.verdict import PolarpodError
from polarpod.runtime.publish.commit import Commit
from polarpod.store import delta_rows
from polarpod.store.delta_log import catch_up, open_output
from polarpod.store.delta_transactions import transaction_id
from polarpod.store.folder import Folder

if TYPE_CHECKING:
    import deltalake


def commits_files(output: Output) -> bool:
    """Whether staged files become the table's data as they are."""
    assert isinstance(output, Delta)
    return output.append or isinstance(output.replace, dict)


class Base(NamedTuple):
    """What a commit is decided on: a table and the log entry of its version, by which it is known again.

    A table may be dropped and made again, and then has other entries by the same numbers.
    """

    table: deltalake.DeltaTable | None
    entry: delta_rows.LogEntry | None

    @classmethod
    def newest(cls, commit: Commit) -> Base:
        table = open_output(commit.output.uri, commit.storage)
        if table is None or not commits_files(commit.output):
            return cls(table, None)
        return cls(table, delta_rows.read(Folder(commit.uri, commit.storage), int(table.version())))


def still_decided(commit: Commit, base: Base) -> Base | None:
    """A table that this run may publish to, brought up to date, where it still may; else None.

    Of fifty runs that commit at once, each loses a dozen races: opening the table and asking it everything anew takes ten
    times as long as reading the entries it lost to, and whoever takes long loses again. Commits of other runs change nothing
    of what was decided. Anything else is looked at with the whole table.
    """
    table, folder = base.table, Folder(commit.uri, commit.storage)
    if table is None or base.entry is None or delta_rows.read(folder, base.entry.version) != base.entry:
        return None
    try:
        catch_up(table)
    except PolarpodError:
        return None  # a log that was cleaned up meanwhile can be opened all the same; what fails then says why
    ours = transaction_id(commit.job, commit.run_key)
    newest = None
    for entry in delta_rows.since(folder, base.entry.version, int(table.version())):
        if entry is None or entry.run is None or entry.alters or ours in entry.transactions:
            return None
        newest = entry
    # a race that nobody has won was none
    return Base(table, newest) if newest else None
