"""The table version that a commit to a Delta table is based on, and whether it still holds after a lost race."""

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


def delta_of(output: Output) -> Delta:
    """The output, as the only format whose publisher is this one."""
    assert isinstance(output, Delta)
    return output


def commits_files(output: Output) -> bool:
    """Whether staged files are committed unchanged; else deltalake reads them back and writes its own."""
    output = delta_of(output)
    return output.append or isinstance(output.replace, dict)


class Base(NamedTuple):
    """The base of a commit: a table and the log entry of its version, which identifies the table.

    A table may be dropped and created again; it then has other entries under the same numbers.
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
    """Returns the base, updated to the newest version, where the decision to publish still holds; else None.

    Of fifty runs that commit at once, each loses a dozen races: opening the table and deciding anew takes ten times as long
    as reading the entries it lost to, and a slow attempt loses again. Commits of other runs do not affect the decision.
    After any other entry the caller must decide anew with the whole table.
    """
    table, folder = base.table, Folder(commit.uri, commit.storage)
    if table is None or base.entry is None or delta_rows.read(folder, base.entry.version) != base.entry:
        return None
    try:
        catch_up(table)
    except PolarpodError:
        return None  # a log that was cleaned up meanwhile may still open; the caller tries, and reports the failure
    ours = transaction_id(commit.job, commit.run_key)
    newest = None
    for entry in delta_rows.since(folder, base.entry.version, int(table.version())):
        if entry is None or entry.run is None or entry.alters or ours in entry.transactions:
            return None
        newest = entry
    # Without a newer entry no other commit landed, so the failure was not a lost race.
    return Base(table, newest) if newest else None
