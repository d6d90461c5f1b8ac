"""File paths as a Delta log spells them, and the places they mean.

The protocol has a log hold URIs: relative to the table or absolute, percent-encoded. Writers differ in what they encode:
Spark leaves `city=Zürich` as it is, deltalake writes `city=Z%C3%BCrich`. Two spellings mean one file to the store and two to
the log, whose remove actions are matched by their text; so the text is kept beside the path it means.
"""

from __future__ import annotations

import re
from urllib.parse import quote, unquote

from polarpod.store.location import is_local, join, normal

# what deltalake leaves as it is when it writes an action's path, besides letters and digits
_KEPT = "!$&'()+,-./:;=@_~"
_ABSOLUTE = re.compile(r"/|[A-Za-z][A-Za-z0-9+.-]*:/")

_READ = ("s3://", "s3a://")


def meaning(spelled: str) -> str:
    """The path that a log's spelling means: relative to the table, or an absolute URI."""
    return unquote(spelled)


def deltalake_spells(path: str) -> str:
    """How deltalake spells this path where it writes an action."""
    return quote(path, safe=_KEPT)


def deltalake_can_name(spelled: str) -> bool:
    """Whether an action that deltalake writes can have exactly this spelling, and so means the same file to the log."""
    return deltalake_spells(meaning(spelled)) == spelled


def is_absolute(path: str) -> bool:
    """Whether a path stands outside of its table: a shallow clone names its source's files so."""
    return bool(_ABSOLUTE.match(path))


def place(uri: str, path: str) -> str | None:
    """Where a file of a table is, or None where that is another kind of store than the table's."""
    if not is_absolute(path):
        return join(normal(uri), path)
    if is_local(path) != is_local(uri):
        return None
    if path.startswith("file:"):
        # unquoted already: a local path needs no second reading
        return "/" + path.removeprefix("file:").lstrip("/")
    return normal(path) if is_local(path) or path.startswith(_READ) else None
