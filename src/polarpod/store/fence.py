"""Which run a table holds: decides whether an attempt is skipped, adopts a commit or is refused.

A Delta table records this in application transactions: under the run key's id the number of the attempt that committed
last, and under the id with the fingerprint appended the number of the attempt that last committed exactly that content.
Both numbers are written in the commit that publishes the rows. They outlive the rows, which a RESTORE, a delete or another
job's replace removes; so two more transactions hold the commit's version and the naming of its files, and the table's active
files are checked for them. A plain Parquet dataset records it in its manifest. Neither needs the state store: losing that
loses history, not safety. Neither records files that were deleted from the store directly, so the files of a run that would
be skipped are checked for presence.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple


class Standing(NamedTuple):
    """What a table holds of one run key.

    Attributes:
        number: the attempt that committed last, or None.
        same: whether that commit had the given fingerprint, and its rows are in the table.
        undone: whether only the number of that commit is left: it was taken back, or its rows were removed.
        partial: whether some of its rows were removed and others are still there.
        restored: whether a RESTORE has brought back rows of an earlier attempt, or of one that was taken back.
        lost: files with rows of it that the table or dataset names, and that are missing in the store or differ in size.
        changes: later commits by other writers that may have changed values in its rows, as text for a person.
    """

    number: int | None
    same: bool
    undone: bool = False
    partial: bool = False
    restored: bool = False
    lost: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()


class Newest(NamedTuple):
    """The newest attempt of a run that committed, as recorded in the output.

    Attributes:
        uid: of that attempt; None where the log entry that records it has been cleaned up.
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
    # its own commit: the store applied it and the response was lost
    if standing.number == number:
        return Decision.ADOPT
    if standing.undone:
        return Decision.PUBLISH
    # An append would double the rows once the lost files, which the log still names, are restored. And a merge, which
    # deltalake does, cannot read the table without them.
    if standing.lost and mode != "replace":
        return Decision.LOST
    if standing.same and not force:
        return Decision.ADOPT
    # replace and merge can be repeated; a second append of one run key would double its rows, forced or not
    return Decision.APPENDED_ALREADY if mode == "append" else Decision.PUBLISH
