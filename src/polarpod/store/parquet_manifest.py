"""The manifest of a plain Parquet dataset: one document that names the files that are data.

Legacy readers have no table format, but they can read one JSON file. Data files are written to the attempt's own folder
and are invisible until one conditional put of the manifest names them; files that an earlier, larger run left behind are no
longer named and so are not data. The same put is the fence: the manifest records which attempt of which run key wrote each
entry.
"""

from __future__ import annotations

import datetime as dt
from typing import Any, NamedTuple

import msgspec

from polarpod.contract.codec import decode, encode
from polarpod.contract.verdict import Category, PolarpodError
from polarpod.contract.version import PROTOCOL
from polarpod.store.folder import Folder

KEY = "_polarpod/manifest.json"
# How long a file is kept after the last manifest that named it; Delta's default too. A reader that opened the dataset can
# read on, and so can one that pinned a version.
RETENTION = dt.timedelta(days=7)
_RESTORE = (
    "Do not edit it by hand; restore it from a backup or the bucket's versions: it alone says which files are published. "
    "Where there is none, delete it and run again every run that published there; `polarpod runs JOB` lists them."
)
# a manifest has about 200 bytes a file; this is enough for a million files
_MAXIMUM_BYTES = 256 * 2**20


class DataFile(msgspec.Struct, frozen=True, kw_only=True):
    """One Parquet file, its path relative to the dataset."""

    path: str
    rows: int
    bytes: int
    partition: dict[str, str | None] = {}


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """The files and facts that one run published.

    Attributes:
        job: part of the key: a run key identifies a job's parameters only, and jobs that share a dataset may share it.
        replace: the partition the run owns, or None where it appended.
        facts: receipt facts of the run, for a later attempt that adopts this entry.
        replaced: the entries that this one replaced, for an undo; what those had replaced is not kept.
    """

    job: str
    run_key: str
    number: int
    uid: str
    fingerprint: str
    replace: dict[str, str] | None
    files: list[DataFile]
    facts: dict[str, Any] = {}
    replaced: list[Entry] = []

    def is_of(self, job: str, run_key: str) -> bool:
        return self.job == job and self.run_key == run_key


class Tombstone(msgspec.Struct, frozen=True, kw_only=True):
    """A file that the manifest no longer names. Readers that opened the dataset before may still read it."""

    path: str
    removed_at: dt.datetime


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """All of a dataset's entries, in order of publication.

    Attributes:
        version: counts puts, from 1.
        tombstones: files removed within the last `RETENTION`.
    """

    protocol: str = PROTOCOL
    version: int
    schema: dict[str, str]
    partition_by: list[str] = []
    entries: list[Entry]
    tombstones: list[Tombstone] = []


class Found(NamedTuple):
    manifest: Manifest
    tag: str


def read(folder: Folder) -> Found | None:
    """The current manifest, or None where there is none.

    Raises:
        PolarpodError: `publish_refused`: it is damaged, so the published files are unknown.
    """
    document = folder.read(KEY)
    if document is None:
        return None
    try:
        found = decode(
            document.data,
            Manifest,
            source=f"{folder.uri}/{KEY}",
            what="manifest of a Parquet dataset",
            maximum_bytes=_MAXIMUM_BYTES,
            remedy=_RESTORE,
        )
    except PolarpodError as error:
        # not retryable, unlike `context_invalid`
        told = error.verdict
        raise PolarpodError(Category.PUBLISH_REFUSED, told.summary, evidence=told.evidence, remedy=told.remedy) from None
    return Found(found, document.tag)


def read_input(folder: Folder) -> Found | None:
    """As `read`, for an input: raises `input_unreadable` in place of `publish_refused`."""
    try:
        return read(folder)
    except PolarpodError as error:
        told = error.verdict
        if told.category is not Category.PUBLISH_REFUSED:
            raise
        raise PolarpodError(Category.INPUT_UNREADABLE, told.summary, evidence=told.evidence, remedy=told.remedy) from None


def swap(folder: Folder, manifest: Manifest, *, expected: str | None) -> bool:
    """Replaces the manifest with the tag `expected`. Returns False where a concurrent publish replaced it first."""
    return folder.swap(KEY, encode(manifest), expected=expected)


def with_entry(
    previous: Manifest | None, entry: Entry, *, schema: dict[str, str], partition_by: list[str], now: dt.datetime
) -> Manifest:
    """The manifest after one run: the files that the run owns are replaced, all others stay."""
    kept: list[Entry] = []
    gone: list[Entry] = []
    for old in previous.entries if previous else []:
        past = msgspec.structs.replace(old, replaced=[])
        if old.is_of(entry.job, entry.run_key):
            gone.append(past)
            continue
        left = [file for file in old.files if not _owns(entry.replace, file)]
        if len(left) == len(old.files):
            kept.append(old)
            continue
        gone.append(past)
        # The entry stays, even without files: its number still fences. Its content changed, so it has no fingerprint.
        kept.append(msgspec.structs.replace(past, files=left, fingerprint=""))
    new = Manifest(
        version=(previous.version if previous else 0) + 1,
        schema=schema,
        partition_by=partition_by,
        entries=[*kept, msgspec.structs.replace(entry, replaced=gone)],
    )
    return _remember(previous, new, now)


def named_files(manifest: Manifest) -> set[str]:
    """Paths of every file that is data, or would be again after an undo."""
    return {file.path for entry in manifest.entries for kept in (entry, *entry.replaced) for file in kept.files}


def kept_files(manifest: Manifest, now: dt.datetime) -> set[str]:
    """Paths of every file that a sweep must keep: those named, and those that readers may still read."""
    return named_files(manifest) | {stone.path for stone in manifest.tombstones if now - stone.removed_at < RETENTION}


def _remember(previous: Manifest | None, new: Manifest, now: dt.datetime) -> Manifest:
    """The new manifest with a tombstone for each file that it or an earlier one within the retention removed."""
    named = named_files(new)
    old = previous.tombstones if previous else []
    stones = [stone for stone in old if stone.path not in named and now - stone.removed_at < RETENTION]
    gone = named_files(previous) - named if previous else set()
    stones += [Tombstone(path=path, removed_at=now) for path in sorted(gone)]
    return msgspec.structs.replace(new, tombstones=stones)


def _owns(replace: dict[str, str] | None, file: DataFile) -> bool:
    """Whether a run that replaces this partition replaces this file, of any run; {} is the whole dataset."""
    return replace is not None and all(file.partition.get(column) == value for column, value in replace.items())


def without_entry(current: Manifest, uid: str, *, number: int, now: dt.datetime) -> Manifest | None:
    """The manifest with one attempt's entry undone and the entries that it replaced restored; None without such an entry.

    Args:
        number: the attempt number of the undo, which fences off every earlier attempt.
    """
    position = next((at for at, entry in enumerate(current.entries) if entry.uid == uid), None)
    if position is None:
        return None
    undone = current.entries[position]
    later = [entry.replace for entry in current.entries[position + 1 :]]

    def mine_to_give(files: list[DataFile]) -> list[DataFile]:
        """The files that no later run owns: a partition replaced since belongs to that run, even if no file was there."""
        return [file for file in files if not any(_owns(replace, file) for replace in later)]

    entries = []
    for entry in current.entries:
        own = entry.uid == uid
        old = next((past for past in undone.replaced if past.is_of(entry.job, entry.run_key)), None)
        if own:
            files = mine_to_give(old.files) if old else []
            past = old or msgspec.structs.replace(undone, facts={}, replaced=[])
            # a new number and no fingerprint, so that the next run publishes again
            entries.append(msgspec.structs.replace(past, number=number, fingerprint="", files=files))
        elif old is None or entry.number != old.number:
            # not replaced by this attempt, or published again since: the current entry is newer
            entries.append(entry)
        else:
            back = mine_to_give([file for file in old.files if _owns(undone.replace, file)])
            files = [file for file in old.files if file in back or file in entry.files]
            fingerprint = old.fingerprint if files == old.files else ""
            entries.append(msgspec.structs.replace(entry, files=files, fingerprint=fingerprint))
    return _remember(current, msgspec.structs.replace(current, version=current.version + 1, entries=entries), now)
