"""The typed documents of a state store. A damaged one hides no other: it counts as absent, and is reported once.

A full disk, a power loss or a manual edit may leave half a document. The correctness of tables does not depend on the state
store, so a reader continues without the document, but never silently.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from polarpod.contract.codec import decode
from polarpod.contract.verdict import Category, PolarpodError, Verdict
from polarpod.store.folder import Folder

T = TypeVar("T")

_DELETE = "delete this one, as nothing needs it"
# what to do about each kind, by the file's name
_REMEDIES = {
    "context.json": "Restore it from a backup: without it what the attempt has staged is not swept. "
    "Where there is none, run it again, which needs no earlier context, and delete this one.",
    "receipt.json": "Run it again: a new attempt adopts the rows that are published, and leaves a new receipt. Then "
    f"{_DELETE}.",
    "verdict.json": f"Read the receipt beside it, or run it again to find out how it ended. Then {_DELETE}.",
    "standing.json": "Run it again: it adopts the rows that are published, and writes a new one.",
    "complete.json": "Run `polarpod gc --delete`, which writes the index anew; until then every run is read to find one.",
    "heartbeat.json": "Wait for the next one, at most 10 s where its worker lives; else delete it.",
}
_WRITTEN_ANEW = "Nothing: the job's next success writes a new one."


def nothing(damage: Verdict) -> None:
    """Discards a report."""


class Documents:
    """Reads typed documents of one folder.

    Attributes:
        damaged: place -> the damage of the document there, of all that were read so far and not fixed or deleted since.
        tell: called with each of them once, and again where one that was fixed is damaged anew.
    """

    def __init__(self, folder: Folder, tell: Callable[[Verdict], None] = nothing) -> None:
        self.folder = folder
        self.tell = tell
        self.damaged: dict[str, Verdict] = {}

    def read(self, key: str, kind: type[T], what: str) -> T | None:
        """The document, or None where it is absent or damaged.

        Args:
            what: its description, such as "receipt of sales/ds-1".
        """
        try:
            return self.demand(key, kind, what)
        except PolarpodError as error:
            if error.verdict.category is not Category.CONTEXT_INVALID:
                raise
            self.report(key, error.verdict)
            return None

    def demand(self, key: str, kind: type[T], what: str) -> T | None:
        """The document, or None where there is none.

        Raises:
            PolarpodError: `context_invalid`: it is damaged, or of an unknown protocol.
        """
        document = self.folder.read(key)
        if document is None:
            self.mended(key)
            return None
        remedy = _REMEDIES.get(key.rpartition("/")[2], _WRITTEN_ANEW)
        found = decode(document.data, kind, source=self.place(key), what=what, remedy=remedy)
        self.mended(key)
        return found

    def mended(self, key: str) -> None:
        """Removes the damage of a document that is usable again, or gone. A triggerer runs for weeks."""
        self.damaged.pop(self.place(key), None)

    def report(self, key: str, damage: Verdict) -> None:
        """Records the damage of a document, and reports it where it is new."""
        if self.damaged.setdefault(self.place(key), damage) is damage:
            self.tell(damage)

    def place(self, key: str) -> str:
        return f"{self.folder.uri}/{key}"


def in_words(damage: Verdict) -> str:
    """The damage of a document as text: summary, evidence and remedy. It ends no run, so the category is left out."""
    return "\n".join(
        [damage.summary, *(f"  evidence: {line}" for line in damage.evidence), f"  what to do: {damage.remedy}"]
    )
