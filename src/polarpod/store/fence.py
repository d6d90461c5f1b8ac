"""Which run a table holds: the question behind skipping, adopting and refusing.

A Delta table answers from its own application transactions: under the run key's id it keeps the number of the attempt
that committed last, and under the id with the fingerprint appended the number of the attempt that last committed exactly
that content. Both numbers are written in the commit that publishes the rows. They outlive the rows, which a RESTORE, a
delete or another job's replace takes out; so two more transactions say which version the commit made and how its files are
named, and the table's files are asked whether they are still there. A plain Parquet dataset answers from its manifest.
Neither needs the state store: losing that loses history, not safety. And neither knows what was deleted from the store
behind its back, so a run that would be skipped has its files looked for.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple


class Standing(NamedTuple):
    """What a table holds of one run key.

    Attributes:
        number: the attempt that committed last, or None.
        same: whether that commit had the fingerprint asked about, and its rows are in the table.
        undone: whether nothing of that commit is left but its number: it was taken back, or its rows were taken out.
        partial: whether some of its rows were taken out and others are still there.
        restored: whether a RESTORE has brought back rows of an earlier attempt, or of one that was taken back.
        lost: files with rows of it that the table or dataset names, and that the store does not have or not as large as they
            were.
        changes: commits that others made since and that may have given rows of it other values, for a person.
    """

    number: int | None
    same: bool
    undone: bool = False
    partial: bool = False
    restored: bool = False
    lost: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()


class Newest(NamedTuple):
    """The attempt that an output knows as the last of a run that committed.

    Attributes:
        uid: whose rows they are; None where the log entry that says so has been cleaned up.
        undone: whether it has been taken back.
    """

    number: int
    uid: str | None
    undone: bool


class Decision(Enum):
    """What an attempt may do, given what the table holds."""

    PUBLISH = "publish"
    ADOPT = "adopt"
    SUPERSEDED = "superseded"
    LOST = "lost"
    APPENDED_ALREADY = "appended_already"


def decide(standing: Standing, *, number: int, mode: str, force: bool) -> Decision:
    """Whether an attempt may publish.

    >>> decide(Standing(None, False), number=1, mode="append", force=False)
    <Decision.PUBLISH: 'publish'>
    """
    if standing.number is None:
        return Decision.PUBLISH
    if standing.number > number:
        return Decision.SUPERSEDED
    # its own commit: the store took it and the answer was lost
    if standing.number == number:
        return Decision.ADOPT
    if standing.undone:
        return Decision.PUBLISH
    # An append would double the rows once the lost files, which the log still names, are back. And deltalake, which makes a
    # merge, cannot read the table without them.
    if standing.lost and mode != "replace":
        return Decision.LOST
    if standing.same and not force:
        return Decision.ADOPT
    # replace and merge can be repeated; a second append of one run key would double its rows, forced or not
    return Decision.APPENDED_ALREADY if mode == "append" else Decision.PUBLISH
