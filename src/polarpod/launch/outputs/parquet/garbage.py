"""The garbage in a published Parquet dataset's folder."""

from __future__ import annotations

import datetime as dt

from polarpod.contract.context import Storage
from polarpod.launch.attempt_records import AttemptInfo
from polarpod.launch.gc import kept_files
from polarpod.launch.gc.garbage import Past, Swept, by_uid, files_of, refuse_without
from polarpod.store import parquet_manifest as manifest
from polarpod.store.folder import Folder
from polarpod.store.location import normal


def garbage(uri: str, ended: list[AttemptInfo], storage: Storage, past: Past) -> Swept:
    """Files of ended attempts that the manifest does not reference: never published, or replaced twice longer ago than
    readers may use them. An undo reaches back one publish."""
    folder = Folder(uri, storage)
    # listed first: the manifest that is read next references what is published in between
    listed = folder.list("data")
    current = manifest.read(folder)
    if current is None:
        refuse_without(kept_files.MANIFEST, ended, past, folder, listed)
    named = _kept(current, past.now)
    # of any attempt: files that were published when a sweep completed it may have been replaced since
    unnamed = [entry for entry in listed if entry.key not in named]
    over = [info for info in past.owners(entry.key for entry in unnamed) if past.over(info)]
    if over:
        # read again: an attempt that has ended since may have published files that were not referenced before
        current = manifest.read(folder)
        named = _kept(current, past.now)
    by_uid_of = by_uid(entry for entry in unnamed if entry.key not in named)
    found, kept = [], kept_files.Kept(kept_files.MANIFEST, folder)
    for info in over:
        own = by_uid_of[info.uid]
        if kept_files.may_have_published(info) if current is None else _is_older(info, uri, current.manifest, past.now):
            own = kept.of(info, own, [])
        found += files_of(info, folder, own)
    held = named - (manifest.named_files(current.manifest) if current else set())
    waits = any(entry.key in held for entry in listed)
    return Swept(found, kept.uids, waits=waits, left=kept.verdict(gone=current is None))


def _is_older(info: AttemptInfo, uri: str, current: manifest.Manifest, now: dt.datetime) -> bool:
    """Whether this manifest is not the one that the attempt published to, which would reference or keep its files."""
    if any(entry.is_of(info.job, info.run_key) and entry.number > info.number for entry in current.entries):
        return False  # the run was made again since
    if info.receipt is None or not kept_files.has_published(info, uri, itself=True):
        return False
    published = info.receipt.published
    counted = published is not None and normal(published.uri) == uri and published.version > current.version
    return counted or now - info.receipt.finished_at < manifest.RETENTION


def _kept(found: manifest.Found | None, now: dt.datetime) -> set[str]:
    return manifest.kept_files(found.manifest, now) if found else set()
