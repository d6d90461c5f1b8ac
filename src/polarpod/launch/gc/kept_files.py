"""Files that a sweep keeps: they may be the only copy of published rows, and no log or manifest states whether they are."""

from __future__ import annotations

from typing import NamedTuple

from polarpod.contract.verdict import Budget, Category, PolarpodError
from polarpod.launch.attempt_records import AttemptInfo
from polarpod.store import parquet_manifest as manifest
from polarpod.store.folder import Entry, Folder
from polarpod.store.location import normal

# nothing is known to be lost: there may never have been a table
UNSURE = Category.RECEIPT_MISSING
_NAMED = 3


class Names(NamedTuple):
    """The document that states which files of a place are published, and its wording in messages."""

    key: str
    words: str
    whole: str


LOG = Names("_delta_log", "log of a Delta table", "table")
MANIFEST = Names(manifest.KEY, "manifest of a Parquet dataset", "dataset")


class Kept:
    """Files of one place that are not swept, and their attempts.

    Attributes:
        uids: of those attempts.
    """

    def __init__(self, names: Names, folder: Folder) -> None:
        self._names = names
        self._folder = folder
        self.uids: set[str] = set()
        self._attempts: list[str] = []
        self._files = 0

    def of(self, info: AttemptInfo, own: list[Entry], sweep: list[Entry]) -> list[Entry]:
        """Keeps an attempt's own files except those that may be swept, which it returns."""
        kept = [entry for entry in own if entry not in sweep and not self._folder.is_marker(entry)]
        if kept:
            self.uids.add(info.uid)
            self._attempts.append(f"attempt {info.number} of {info.job}/{info.run_key}, uid {info.uid}")
            self._files += len(kept)
        return sweep

    def verdict(self, *, gone: bool) -> PolarpodError | None:
        """The report on them; None where there are none.

        Args:
            gone: whether there is no log or manifest; else there is one that should reference them and does not.
        """
        if not self._files:
            return None
        more = len(self._attempts) - _NAMED
        whose = [*self._attempts[:_NAMED], *([f"and {more:,} more attempts"] if more > 0 else [])]
        count = f"{self._files:,} {'file' if self._files == 1 else 'files'}"
        evidence = [f"{self._folder.uri}/{self._names.key}", *whose]
        if gone:
            return PolarpodError(
                UNSURE,
                f"{count} may have been published: there is no {self._names.words}, and no receipt says that they were not",
                evidence=evidence,
                remedy="Run the job again: once its rows are published, a sweep knows which files are not wanted. Where the "
                f"{self._names.whole} was deleted on purpose, delete its folder.",
            )
        return PolarpodError(
            Category.PUBLISH_REFUSED,
            f"{count} of attempts that have published there are not known to the {self._names.words}: it is not the "
            "one they published to",
            evidence=evidence,
            remedy="Restore the one before from a backup or the bucket's versions where its rows are wanted. Where not, "
            "delete the files: their names have the attempt's uid.",
        )


def has_published(info: AttemptInfo, uri: str, *, itself: bool = False) -> bool:
    """Whether an attempt has published good or bad rows in a place.

    Args:
        itself: counts its own files only, and not those of an attempt whose rows it has adopted.
    """
    receipt = info.receipt
    if itself and receipt and receipt.published and receipt.published.adopted_from:
        return False
    places = (
        receipt and receipt.published and receipt.published.uri,
        receipt and receipt.checks and receipt.checks.quarantine_uri,
    )
    return any(place and normal(place) == uri for place in places)


def may_have_published(info: AttemptInfo) -> bool:
    """Whether no document rules out that an attempt has published.

    Without a receipt it may have died right after its commit; where the store failed, its commit may have been accepted and
    the answer lost.
    """
    receipt = info.receipt
    if receipt is None:
        return True
    verdict = receipt.verdict
    return receipt.published is None and (verdict.budget is Budget.PLATFORM or verdict.category is Category.PUBLISH_REFUSED)


def refuse_without(names: Names, ended: list[AttemptInfo], folder: Folder, entries: list[Entry]) -> None:
    """Raises PolarpodError where an attempt has published to a place without a log or manifest: its files may be the only
    copy of published rows, and are kept until that is restored."""
    published = next((info for info in ended if has_published(info, folder.uri)), None)
    if published and not all(map(folder.is_marker, entries)):
        raise PolarpodError(
            Category.PUBLISH_REFUSED,
            f"the {names.words} is gone, so that nobody can say which of its files are published",
            evidence=[
                f"{folder.uri}/{names.key}",
                f"attempt {published.number} of {published.job}/{published.run_key} has published there",
            ],
            remedy="Restore it from a backup or the bucket's versions. Where there is none, run again the runs that "
            f"published there; `polarpod runs JOB` lists them. Where the {names.whole} was deleted on purpose, delete its "
            "folder.",
        )
