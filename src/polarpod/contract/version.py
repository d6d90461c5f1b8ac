"""The version of the wire protocol, independent of the package's version.

`major` changes when a reader of the old documents would misunderstand a new one; `minor` when only fields are added.
A reader accepts any document of its own major version and ignores unknown fields. Types that people write (job specs,
datasets, checks, storage) are strict wherever they are nested, so that a typo is an error: they never cross releases,
because a worker refuses a context of another code version.
"""

from __future__ import annotations

PROTOCOL = "1.0"


def major(version: str) -> int | None:
    """The major number of a protocol version such as "1.0", or None where the text is not a version."""
    head, dot, tail = version.partition(".")
    if not (dot and head.isascii() and head.isdigit() and tail.isascii() and tail.isdigit()):
        return None
    # no version has more digits: a hostile document must not cause a huge int conversion
    return int(head) if len(head) <= 6 else None


def speaks(version: str) -> bool:
    """Whether this package can read a document of that protocol version."""
    return major(version) == major(PROTOCOL)
