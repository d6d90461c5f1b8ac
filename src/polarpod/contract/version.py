"""The version of the wire protocol, apart from the package's version.

`major` changes when a reader of the old documents would misunderstand a new one; `minor` when only fields were added.
A reader takes any document of its own major and ignores fields it does not know. What people write (job specs, datasets,
checks, storage) stays strict wherever it is nested, so that a slip is an error: between releases nothing of it travels,
because a worker refuses a context of another code version.
"""

from __future__ import annotations

PROTOCOL = "1.0"


def major(version: str) -> int | None:
    """The major number of a protocol version such as "1.0", or None where the text is not a version."""
    head, dot, tail = version.partition(".")
    if not (dot and head.isascii() and head.isdigit() and tail.isascii() and tail.isdigit()):
        return None
    # more digits than any version has: a hostile document should not buy a huge int conversion
    return int(head) if len(head) <= 6 else None


def speaks(version: str) -> bool:
    """Whether this package can read a document of that protocol version."""
    return major(version) == major(PROTOCOL)
