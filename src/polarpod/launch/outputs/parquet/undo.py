"""An undo of a publish to plain Parquet: the manifest records what an entry has replaced."""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

from polarpod.contract.context import Storage
from polarpod.launch import undo_remedies
from polarpod.launch.state import State
from polarpod.launch.undo_target import Target, Undone, command_of, not_in, refusal
from polarpod.store import parquet_manifest as manifest
from polarpod.store.folder import Folder


class Planned(NamedTuple):
    folder: Folder
    found: manifest.Found
    entry: manifest.Entry


def plan_undo(target: Target, state: State, storage: Storage) -> Planned:
    """The entry that an undo would remove.

    Raises:
        PolarpodError: nothing of it stands, or the manifest is missing.
    """
    folder = Folder(target.output.uri, storage)
    found = manifest.read(folder)
    if found is None:
        raise undo_remedies.nobody_names_files(target, "manifest of the Parquet dataset", f"{folder.uri}/{manifest.KEY}")
    entry = next((entry for entry in found.manifest.entries if entry.uid == target.wrote), None)
    if entry is None:
        raise _not_named(target, found.manifest, folder, state)
    if not entry.facts:
        # what an undo leaves of a first publish: a fence without rows
        raise refusal(target.info, "it has been taken back already", "Run the job to publish again.")
    return Planned(folder, found, entry)


def within_undo(uri: str, storage: Storage) -> set[str]:
    current = manifest.read(Folder(uri, storage))
    entries = current.manifest.entries if current else []
    return {kept.uid for entry in entries for kept in (entry, *entry.replaced)}


def commit_undo(
    planned: Planned,
    target: Target,
    storage: Storage,  # noqa: ARG001  # the interface's; the plan has the folder
    *,
    number: int,
    now: dt.datetime,
) -> Undone:
    """Removes the entry and restores what it had replaced, in one step. Raises PolarpodError after a concurrent write."""
    folder, found, entry = planned
    new = manifest.without_entry(found.manifest, target.wrote, number=number, now=now)
    if new is None or not manifest.swap(folder, new, expected=found.tag):
        raise refusal(target.info, "somebody else wrote to the dataset just now", "Try again.")
    return Undone(folder.uri, new.version, len(entry.files), sum(len(old.files) for old in entry.replaced))


def undo_quarantine(folder: Folder, uid: str, number: int, now: dt.datetime) -> None:
    """Removes the bad rows with the good ones. A lost race leaves them; the next run of the key replaces them anyway."""
    found = manifest.read(folder)
    if found and (new := manifest.without_entry(found.manifest, uid, number=number, now=now)):
        manifest.swap(folder, new, expected=found.tag)


def _not_named(target: Target, current: manifest.Manifest, folder: Folder, state: State) -> Exception:
    """The refusal for an attempt that has no entry: another has replaced it, or the manifest never contained it."""
    heir = next((one for one in current.entries if any(old.uid == target.wrote for old in one.replaced)), None)
    if heir is None:
        standing = next((one for one in current.entries if one.is_of(target.info.job, target.info.run_key)), None)
        stands = standing.uid if standing and standing.facts else None
        return not_in(target, f"the manifest {folder.uri}/{manifest.KEY}", stands)
    command = command_of(state, heir.job, heir.run_key, heir.uid)
    return refusal(
        target.info,
        "something newer has replaced it",
        f"Undo that first: {command}." if command else "Correct the rows by another run: the newer one is not known here.",
        evidence=[f"replaced by attempt {heir.number} of {heir.job}/{heir.run_key}, uid {heir.uid}"],
    )
