"""Rules for errors of a store or a file system about a path. Applied only where no line of the job's code was running."""

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
        # On local paths deltalake reports this as "table not found", so this rule precedes those for missing inputs.
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
        # EIO, ENOTCONN and ESTALE: a disk or a network mount is gone.
        Category.STORAGE_UNAVAILABLE,
        "the file system failed",
        "Run it again; if that lasts, look at the mount and its disk.",
        text=r"\(os error (?:5|107|116)\)|\[Errno (?:5|107|116)\]",
    ),
    Rule(
        # A concurrent commit, manifest or table landed first: a failed precondition, never an accident.
        Category.PUBLISH_CONFLICT,
        "another run published to the same place at the same moment",
        _LOST_RACE,
        kinds=("obstore.exceptions.AlreadyExistsError", "obstore.exceptions.PreconditionError"),
    ),
    Rule(
        # deltalake raises the same type, with another message, for commits that a table never accepts.
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
        kinds=("_internal.DeltaError",),  # the name of deltalake's extension module
        text=r"table already exists at",
    ),
    Rule(
        # Staged under a name unique to this attempt: a clean-up removed it, and staging again fixes it.
        Category.STORAGE_UNAVAILABLE,
        "a file that this run had staged is gone",
        "Run it again, and keep clean-up jobs off files younger than the longest run.",
        kinds=("builtins.FileNotFoundError",),
        phases=PUBLISHING,
    ),
]
