"""What a store or a file system said of a path. Asked only where no line of the job's own code was running."""

from __future__ import annotations

from polarpod.contract.verdict import Category
from polarpod.runtime.failure.rule import PUBLISHING, Rule

_LOST_RACE = "Run it again: the next attempt sees what the other one has published."

STORAGE: list[Rule] = [
    Rule(
        Category.REQUEST_INVALID,
        "the bucket to write to does not exist",
        "Create the bucket, or correct the output's URI.",
        text=r"Error performing (?:PUT|POST)\b.*<Code>NoSuchBucket<",
    ),
    Rule(
        Category.INPUT_MISSING,
        "the bucket to read from does not exist",
        "Correct the input's URI, or the endpoint if the bucket is in another store.",
        text="<Code>NoSuchBucket<",
    ),
    Rule(
        # Locally deltalake says so as "table not found", so this is asked before what is missing.
        Category.STORAGE_DENIED,
        "the file system denied access",
        "Give the worker's user the right to this path, and mount what it writes to writable.",
        text=r"\(os error (?:1|13|30)\)|\[Errno (?:1|13|30)\]|kind: (?:PermissionDenied|ReadOnlyFilesystem)",
    ),
    Rule(
        Category.REQUEST_INVALID,
        "a path is a directory where a file belongs, or the other way round",
        "Correct the URI, or move what is in its way.",
        kinds=("builtins.IsADirectoryError", "builtins.NotADirectoryError"),
    ),
    Rule(
        # EIO, ENOTCONN and ESTALE: a disk or a network mount went away.
        Category.STORAGE_UNAVAILABLE,
        "the file system failed",
        "Run it again; if that lasts, look at the mount and its disk.",
        text=r"\(os error (?:5|107|116)\)|\[Errno (?:5|107|116)\]",
    ),
    Rule(
        # Somebody else's commit, manifest or table was there first: a failed precondition, never an accident.
        Category.PUBLISH_CONFLICT,
        "another run published to the same place at the same moment",
        _LOST_RACE,
        kinds=("obstore.exceptions.AlreadyExistsError", "obstore.exceptions.PreconditionError"),
    ),
    Rule(
        # deltalake raises the same type for what a table never takes, in other words
        Category.PUBLISH_CONFLICT,
        "another run published to the same place at the same moment",
        _LOST_RACE,
        kinds=("_internal.CommitFailedError",),
        text="Failed to commit transaction",
    ),
    Rule(
        Category.PUBLISH_CONFLICT,
        "another run created the table at the same moment",
        _LOST_RACE,
        kinds=("_internal.DeltaError",),  # deltalake's extension module names itself so
        text=r"table already exists at",
    ),
    Rule(
        # Staged under a name of this attempt alone: a clean-up took it, and staging again mends it.
        Category.STORAGE_UNAVAILABLE,
        "a file that this run had staged is gone",
        "Run it again, and keep clean-up jobs off files younger than the longest run.",
        kinds=("builtins.FileNotFoundError",),
        phases=PUBLISHING,
    ),
]
