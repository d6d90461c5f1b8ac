"""What failed attempts left behind in the stores: staged files that no table names, and documents without a use.

Only the files of attempts whose worker has ended are looked at, and only those that were never committed: a worker that died
right after its commit has no receipt, yet its files are the table's. The table is asked, not the receipt. A verdict proves
no end: a worker behind a broken network is judged lost, and may commit an hour later.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Set
from typing import NamedTuple

from polarpod.contract.context import Context, Storage
from polarpod.contract.dataset import Delta
from polarpod.contract.verdict import Category, PolarpodError, Verdict
from polarpod.launch import left_files
from polarpod.launch.attempt_end import has_ended
from polarpod.launch.committed import commits_of, never_committed
from polarpod.launch.state import AttemptInfo, State
from polarpod.store import parquet_manifest as manifest
from polarpod.store.delta_log import open_table
from polarpod.store.folder import Entry, Folder
from polarpod.store.location import normal

# what is wrong with one table or dataset, and says nothing about the others
_OF_ONE_PLACE = (
    Category.INPUT_UNREADABLE,
    Category.PUBLISH_REFUSED,
    Category.REQUEST_INVALID,
    left_files.UNSURE,
)


class Garbage(NamedTuple):
    """Files of one attempt in one place; `uid` "" for files that later runs replaced."""

    uid: str
    run: str
    uri: str
    keys: list[str]
    bytes: int


def find_garbage(
    state: State,
    storage: Storage,
    *,
    now: dt.datetime,
    alive: Set[str] = frozenset(),
    on_left: Callable[[Verdict], None] | None = None,
) -> list[Garbage]:
    """Everything a sweep would delete.

    Args:
        alive: uids of attempts whose worker exists on the plane, started or not.
        on_left: hears of each table and dataset that is damaged, and so left alone; without it the first one raises.
    """
    places: dict[str, list[AttemptInfo]] = defaultdict(list)
    over: set[str] = set()
    for job in state.jobs():
        for run_key in state.run_keys(job):
            for info in state.attempts(job, run_key):
                if info.context is None:
                    continue
                if info.uid not in alive and has_ended(info, now):
                    over.add(info.uid)
                for uri in _places(info.context):
                    places[uri].append(info)
    found = []
    for uri, infos in places.items():
        output = infos[0].context.job.output if infos[0].context else None
        delta = isinstance(output, Delta) and normal(output.uri) == uri
        ended = [info for info in infos if info.uid in over]
        try:
            swept, kept = (_in_delta if delta else _in_parquet)(uri, ended, storage, now)
            found += swept
            if kept:
                raise kept
        except PolarpodError as error:
            # a store that is away or refuses is away for all of them
            if on_left is None or error.verdict.category not in _OF_ONE_PLACE:
                raise
            on_left(error.verdict)
    return found + _stale_state(state) + _heartbeats(state, over)


def known_attempts(state: State) -> dict[str, AttemptInfo]:
    """Every attempt of a state store, by uid."""
    return {
        info.uid: info for job in state.jobs() for run_key in state.run_keys(job) for info in state.attempts(job, run_key)
    }


def sweep(garbage: list[Garbage], storage: Storage) -> None:
    """Deletes it."""
    for item in garbage:
        Folder(item.uri, storage).delete(item.keys)


def _places(context: Context) -> list[str]:
    checks = context.job.checks
    quarantine = [normal(checks.quarantine)] if checks and checks.quarantine else []
    return [normal(context.job.output.uri), *quarantine]


def _in_delta(
    uri: str, ended: list[AttemptInfo], storage: Storage, now: dt.datetime
) -> tuple[list[Garbage], PolarpodError | None]:
    """Files of ended attempts that never were in the table, and what was staged to be read back.

    The log is read after the attempts have ended, so it holds whatever they have committed. Second: what is left alone.
    """
    if not ended:
        return [], None
    table = open_table(uri, storage)
    commits = commits_of(table, ended, now=now) if table is not None else None
    folder = Folder(uri, storage)
    entries = [entry for entry in folder.list() if not entry.key.startswith("_delta_log/")]
    if commits is None:
        left_files.refuse_without(left_files.LOG, ended, folder, entries)
    found, kept = [], left_files.Kept(left_files.LOG, folder)
    for info in ended:
        own = [entry for entry in entries if info.uid in entry.key and (commits is None or entry.key not in commits.active)]
        staged = [entry for entry in own if entry.key.startswith("_polarpod/staging/")]
        if commits is None:
            # without a log nothing but the receipt says whether they were published
            own = kept.of(info, own, staged) if left_files.may_have_published(info) else own
        elif never_committed(info, commits):
            # what the receipt says was published there, a log of its time would know
            own = kept.of(info, own, staged) if left_files.has_published(info, uri, itself=True) else own
        else:
            own = staged
        found += _garbage(info.uid, f"{info.job}/{info.run_key}", folder, own)
    return found, kept.verdict(gone=commits is None)


def _in_parquet(
    uri: str, ended: list[AttemptInfo], storage: Storage, now: dt.datetime
) -> tuple[list[Garbage], PolarpodError | None]:
    """Files of ended attempts that the manifest does not name: never published, or replaced twice longer ago than readers
    may hold on to them. An undo reaches back one publish. Second: what is left alone."""
    if not ended:
        return [], None
    folder = Folder(uri, storage)
    # listed first: what is published in between is named by the manifest that is read next
    listed = folder.list("data")
    current = manifest.read(folder)
    named = manifest.kept_files(current.manifest, now) if current else set()
    if current is None:
        left_files.refuse_without(left_files.MANIFEST, ended, folder, listed)
    found, kept = [], left_files.Kept(left_files.MANIFEST, folder)
    for info in ended:
        own = [entry for entry in listed if entry.key.startswith(f"data/{info.uid}/") and entry.key not in named]
        if left_files.may_have_published(info) if current is None else _is_older(info, uri, current.manifest, now):
            own = kept.of(info, own, [])
        found += _garbage(info.uid, f"{info.job}/{info.run_key}", folder, own)
    return found, kept.verdict(gone=current is None)


def _is_older(info: AttemptInfo, uri: str, current: manifest.Manifest, now: dt.datetime) -> bool:
    """Whether an attempt has published there before this manifest was made, which would name its files or keep them."""
    if info.receipt is None or not left_files.has_published(info, uri, itself=True):
        return False
    published = info.receipt.published
    counted = published is not None and normal(published.uri) == uri and published.version > current.version
    return counted or now - info.receipt.finished_at < manifest.RETENTION


def _garbage(uid: str, run: str, folder: Folder, entries: list[Entry]) -> list[Garbage]:
    """Without markers of folders: they hold nothing, are nobody's attempt's, and cannot be deleted under the key that is
    listed, so that a sweep would find them for ever."""
    files = [entry for entry in entries if not folder.is_marker(entry)]
    if not files:
        return []
    return [Garbage(uid, run, folder.uri, [entry.key for entry in files], sum(entry.size for entry in files))]


def _stale_state(state: State) -> list[Garbage]:
    """Numbers that were taken by launchers which died before they wrote a context, and what a doctor left that died.

    A context follows its number within milliseconds. Only a number that another one has overtaken is looked at: taking it
    away cannot bring it back, since the next one counts on from the highest.
    """
    found = []
    for job in state.jobs():
        for run_key in state.run_keys(job):
            written = set(state.folder.children(f"runs/{job}/{run_key}"))
            for number, key in state.claims(job, run_key)[:-1]:
                uid = state.holder(job, run_key, number, key)
                if uid not in written and (entry := state.folder.head(key)):
                    found.append(Garbage(uid or "", f"{job}/{run_key}", state.folder.uri, [key], entry.size))
    return found + _garbage("", "doctor", state.folder, state.folder.list("doctor"))


def _heartbeats(state: State, over: set[str]) -> list[Garbage]:
    """Heartbeats of attempts that are over: their launcher died, or their worker wrote once more behind its back."""
    found = []
    for job in state.jobs():
        for run_key in state.run_keys(job):
            for entry in state.heartbeats(job, run_key):
                uid = entry.key.split("/")[-2]
                if uid in over:
                    found.append(Garbage(uid, f"{job}/{run_key}", state.folder.uri, [entry.key], entry.size))
    return found
