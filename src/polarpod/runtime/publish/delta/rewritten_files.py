"""Unreadable files of a Delta table that a predicate or a merge must read: those of another run or another engine."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from polarpod.contract.verdict import Category, PolarpodError
from polarpod.runtime.publish.commit import Commit
from polarpod.store.delta_log import file_sizes
from polarpod.store.presence import missing_of_table
from polarpod.store.store_errors import answer

if TYPE_CHECKING:
    from deltalake import DeltaTable

# deltalake's messages for an unreadable footer, and for unreadable data before it.
_FOOTER = re.compile(r"Failed to fetch metadata for file (.+?\.parquet): ")
_CONTENT = re.compile(r"Parquet(?: argument)? error: ")


def unreadable_file(commit: Commit, table: DeltaTable, error: Exception) -> PolarpodError | None:
    """Returns the error that names the file on which deltalake failed; None where no file is the cause.

    Raises:
        PolarpodError: the store is the cause.
    """
    words = answer(error).words
    sizes = file_sizes(table)
    what = "damaged in the Delta table"
    if lost := missing_of_table(commit.uri, commit.storage, sizes):
        what = "in the log of the Delta table and not, or not whole, in the store"
        evidence = f"gone, or cut: {lost[0]}" + (f", and {len(lost) - 1:,} more" if len(lost) > 1 else "")
    elif footer := _FOOTER.search(words):
        evidence = f"damaged: {next((path for path in sizes if footer[1].endswith(path)), footer[1])}"
    elif _CONTENT.search(words):
        evidence = f"damaged: one of its {len(sizes):,} files; pl.read_parquet fails on it, too"
    else:
        return None
    return PolarpodError(
        Category.PUBLISH_REFUSED,
        f"files that a {commit.mode} has to read are {what}; nothing was published",
        evidence=[commit.uri, evidence, words],
        remedy="Bring the files back from a backup or the bucket's versions. Or give their rows up: delete what is left of "
        f"them, take them out of the log with deltalake.DeltaTable({commit.uri!r}).repair(), then run again, and the runs "
        "that had made them, too.",
    )
