"""Classifies the errors of a folder's store: as results or as verdicts."""

from __future__ import annotations

import errno
import re
from functools import cache
from typing import Any

from polarpod.contract.verdict import Category, PolarpodError
from polarpod.store.location import is_local
from polarpod.store.store_errors import answer, no_access, unavailable

# obstore fails to list a whole folder for one such name
_UNUSUAL_NAME = re.compile(r'Path "(.*?)"(?:: | contained)', re.DOTALL)
# EEXIST, ENOTDIR, EISDIR and ENAMETOOLONG, in Rust's and in Python's messages: a retry fails alike
_NO_PLACE = re.compile(r"\(os error (?:17|20|21|36)\)|\[Errno (?:17|20|21|36)\]")
_LOOP = re.compile(r"File system loop found: .*")


@cache
def client() -> Any:
    """obstore, imported at first use: a worker with only a local Delta table saves 30 ms before its job starts."""
    import obstore
    import obstore.exceptions
    import obstore.store

    return obstore


def lost() -> tuple[type[Exception], ...]:
    """Exceptions of a conditional write whose condition failed."""
    errors = client().exceptions
    return (errors.AlreadyExistsError, errors.PreconditionError)


def denied() -> tuple[type[Exception], ...]:
    errors = client().exceptions
    return (PermissionError, errors.PermissionDeniedError, errors.UnauthenticatedError)


def absent() -> tuple[type[Exception], ...]:
    """Exceptions of a read of a missing object."""
    return (FileNotFoundError, NotADirectoryError, client().exceptions.NotFoundError)


def below_a_file(error: BaseException) -> bool:
    """Whether a part of the key above its last is a file. The local store reports this only in the error's message."""
    return "(os error 20)" in str(error)  # ENOTDIR


def refusal(uri: str, key: str, verb: str, error: Exception) -> PolarpodError:
    """The verdict for an error of a store or a file system.

    Args:
        verb: the operation that failed: "read", "write", ...
    """
    said, place, local = answer(error), f"{uri}/{key}", is_local(uri)
    if isinstance(error, ValueError):
        return PolarpodError(
            Category.REQUEST_INVALID,
            f"{place} is not a name that an object store takes",
            evidence=[said.words],
            remedy="Use names without empty parts, . and .., and control characters.",
        )
    if (unusual := _UNUSUAL_NAME.search(str(error))) and isinstance(error, client().exceptions.InvalidPathError):
        return _unusual_name(uri, unusual[1])
    if loop := _LOOP.search(str(error)):
        return PolarpodError(
            Category.REQUEST_INVALID,
            f"{uri} has a link to a folder above itself",
            evidence=[loop[0]],
            remedy="Remove the link, or name a folder without it.",
        )
    if isinstance(error, denied()):
        said = said._replace(denied=True)
    if local and _NO_PLACE.search(str(error)):
        return PolarpodError(
            Category.REQUEST_INVALID,
            f"could not {verb} {place}: a file is above it, a folder is in its place, or its name is too long",
            evidence=[said.words],
            remedy="Name another place, or move away what is there.",
        )
    full = "No space left" in said.words or (isinstance(error, OSError) and error.errno == errno.ENOSPC)
    if full or (local and not said.denied):
        return PolarpodError(
            Category.DISK_FULL if full else Category.STORAGE_UNAVAILABLE,
            f"could not {verb} {place}",
            evidence=[said.words],
            remedy="Free space or mend the file system, then run again.",
        )
    return no_access(said, verb, place) or unavailable(said, verb, place)


def _unusual_name(uri: str, name: str) -> PolarpodError:
    return PolarpodError(
        Category.REQUEST_INVALID,
        f"below {uri} is a name that no object store client reads",
        evidence=[repr(name)],
        remedy="Rename or delete what has it: names with empty parts (//), parts . and .., control characters, and bytes "
        "that are not UTF-8 hide everything beside them. Or name a folder without it.",
    )
