"""What failed attempts left behind: staged files that no table names, and scratch directories without an owner.

Only the files of attempts that are over are looked at, and only those that were never committed: a worker that died right
after its commit has no receipt, yet its files are the table's. The table is asked, not the receipt.
"""

from __future__ import annotations

import datetime as dt
import shutil
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

import msgspec

from polarpod.contract.context import Context, Storage
from polarpod.contract.dataset import Delta
from polarpod.launch.plane import Plane, ProcessPlane
from polarpod.launch.state import AttemptInfo, State
from polarpod.store import manifest
from polarpod.store.delta_log import active_files, history, open_table
from polarpod.store.folder import Entry, Folder
from polarpod.store.location import normal

# an attempt nobody has judged may still run until its deadline; an hour covers clocks that disagree
_SLACK = dt.timedelta(hours=1)


class Garbage(NamedTuple):
    """Files of one attempt in one place; `uid` "" for files that later runs replaced."""

    uid: str
    run: str
    uri: str
    keys: list[str]
    bytes: int


def find_garbage(state: State, plane: Plane, *, now: dt.datetime) -> list[Garbage]:
    """Everything a sweep would delete."""
    places: dict[str, list[AttemptInfo]] = defaultdict(list)
    over: set[str] = set()
    for job in state.jobs():
        for run_key in state.run_keys(job):
            for info in state.attempts(job, run_key):
                if info.context is None:
                    continue
                if is_over(info, now):
                    over.add(info.uid)
                for uri in _places(info.context):
                    places[uri].append(info)
    found = []
    for uri, infos in places.items():
        output = infos[0].context.job.output if infos[0].context else None
        delta = isinstance(output, Delta) and normal(output.uri) == uri
        found += _in_delta(uri, infos, over, plane.storage) if delta else _in_parquet(uri, infos, over, plane.storage)
    return found + _scratch(plane, over) + _stale_state(state)


def known_attempts(state: State) -> dict[str, AttemptInfo]:
    """Every attempt of a state store, by uid."""
    return {
        info.uid: info for job in state.jobs() for run_key in state.run_keys(job) for info in state.attempts(job, run_key)
    }


def is_over(info: AttemptInfo, now: dt.datetime) -> bool:
    """Whether an attempt can write nothing any more."""
    if info.record or info.receipt:
        return True
    assert info.context is not None
    lifetime = dt.timedelta(seconds=info.context.deadline_seconds + info.context.grace_seconds)
    return now > info.context.created_at + lifetime + _SLACK


def sweep(garbage: list[Garbage], storage: Storage) -> None:
    """Deletes it."""
    for item in garbage:
        if item.keys:
            Folder(item.uri, storage).delete(item.keys)
        else:
            shutil.rmtree(item.uri, ignore_errors=True)


def _places(context: Context) -> list[str]:
    checks = context.job.checks
    quarantine = [normal(checks.quarantine)] if checks and checks.quarantine else []
    return [normal(context.job.output.uri), *quarantine]


def _in_delta(uri: str, infos: list[AttemptInfo], over: set[str], storage: Storage) -> list[Garbage]:
    table = open_table(uri, storage)
    active: set[str] = set()
    committed: set[str] = set()
    if table is not None:
        active = {str(action["path"]) for action in active_files(table, {})}
        texts = [entry["polarpod"] for entry in history(table) if entry.get("polarpod")]
        committed = {str(msgspec.json.decode(text)["uid"]) for text in texts}
    entries = [entry for entry in Folder(uri, storage).list() if not entry.key.startswith("_delta_log/")]
    found = []
    for info in infos:
        if info.uid not in over:
            continue
        # what was staged to be read back is not needed after a commit either
        own = [
            entry
            for entry in entries
            if info.uid in entry.key
            and entry.key not in active
            and (info.uid not in committed or entry.key.startswith("_polarpod/staging/"))
        ]
        found += _garbage(info.uid, f"{info.job}/{info.run_key}", uri, own)
    return found


def _in_parquet(uri: str, infos: list[AttemptInfo], over: set[str], storage: Storage) -> list[Garbage]:
    """Also the files of entries that were replaced twice: an undo reaches back one publish."""
    folder = Folder(uri, storage)
    current = manifest.read(folder)
    entries = current.manifest.entries if current else []
    named = {file.path for entry in entries for kept in (entry, *entry.replaced) for file in kept.files}
    unnamed = [entry for entry in folder.list("data") if entry.key not in named]
    found = []
    for info in infos:
        if info.uid in over:
            own = [entry for entry in unnamed if entry.key.startswith(f"data/{info.uid}/")]
            found += _garbage(info.uid, f"{info.job}/{info.run_key}", uri, own)
    return found


def _garbage(uid: str, run: str, uri: str, entries: list[Entry]) -> list[Garbage]:
    if not entries:
        return []
    return [Garbage(uid, run, uri, [entry.key for entry in entries], sum(entry.size for entry in entries))]


def _stale_state(state: State) -> list[Garbage]:
    """Numbers that were taken by launchers which died before they wrote a context, and what a doctor left that died.

    A context follows its number within milliseconds. Only a number that another one has overtaken is looked at: taking it
    away cannot bring it back, since the next one counts on from the highest.
    """
    found = []
    for job in state.jobs():
        for run_key in state.run_keys(job):
            written = set(state.folder.children(f"runs/{job}/{run_key}"))
            for _, key in state.claims(job, run_key)[:-1]:
                document = state.folder.read(key)
                uid = document.data.decode(errors="replace") if document else ""
                if document and uid not in written:
                    found.append(Garbage(uid, f"{job}/{run_key}", state.folder.uri, [key], len(document.data)))
    return found + _garbage("", "doctor", state.folder.uri, state.folder.list("doctor"))


def _scratch(plane: Plane, over: set[str]) -> list[Garbage]:
    """Scratch directories whose launcher was killed before it could remove them."""
    if not isinstance(plane, ProcessPlane):
        return []
    parent = Path(plane.scratch or tempfile.gettempdir())
    found = []
    for uid in over:
        folder = parent / f"polarpod-{uid}"
        if folder.is_dir():
            size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
            found.append(Garbage(uid, "scratch", str(folder), [], size))
    return found
