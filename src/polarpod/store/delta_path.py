"""File paths as spelled in a Delta log, and the places they refer to.

By the protocol a log holds URIs: relative to the table or absolute, percent-encoded. Writers differ in what they encode:
Spark leaves `city=Zürich` as it is, deltalake writes `city=Z%C3%BCrich`. Two spellings are one file to the store and two to
the log, whose remove actions are matched by their text; so the spelling is kept beside the decoded path.
"""

from __future__ import annotations

import re
from urllib.parse import quote, unquote

from polarpod.store.location import is_local, join, normal

# the characters that deltalake does not encode in an action's path, besides letters and digits
_KEPT = "!$&'()+,-./:;=@_~"
_ABSOLUTE = re.compile(r"/|[A-Za-z][A-Za-z0-9+.-]*:/")

_READ = ("s3://", "s3a://")


def meaning(spelled: str) -> str:
    """The decoded path of a log's spelling: relative to the table, or an absolute URI."""
    return unquote(spelled)


def deltalake_spells(path: str) -> str:
    """The spelling of this path in an action that deltalake writes."""
    return quote(path, safe=_KEPT)


def deltalake_can_name(spelled: str) -> bool:
    """Whether an action that deltalake writes has exactly this spelling, and so refers to the same file in the log."""
    return deltalake_spells(meaning(spelled)) == spelled


def is_absolute(path: str) -> bool:
    """Whether a path may be outside of its table: a shallow clone names its source's files by absolute paths."""
    return bool(_ABSOLUTE.match(path))


def place(uri: str, path: str) -> str | None:
    """The absolute place of a table's file, or None where it is in another kind of store than the table."""
    if not is_absolute(path):
        return join(normal(uri), path)
    if is_local(path) != is_local(uri):
        return None
    if path.startswith("file:"):
        # unquoted already: a local path must not be decoded twice
        return "/" + path.removeprefix("file:").lstrip("/")
    return normal(path) if is_local(path) or path.startswith(_READ) else None
