"""The attempts that a name may identify, with as few requests as the name allows."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from polarpod.store.location import is_local
from polarpod.store.parallel_requests import at_once

if TYPE_CHECKING:
    from polarpod.launch.attempt_records import AttemptInfo
    from polarpod.launch.state import State

# as `JobSpec` and `run_key_of` define them; no other text becomes a path in the store
JOB = re.compile(r"[a-z][a-z0-9_]{0,47}")
_RUN_KEY = re.compile(r"[a-z0-9-]+")
_BEGINNING_OF_A_UID = re.compile(r"[0-9a-z]{0,32}")
# one more than are reported by name
MANY = 11


def matches(state: State, name: str) -> list[AttemptInfo]:
    """At most `MANY` attempts that match a uid or the beginning of one, a run key, or "job/run key"."""
    job, slash, key = name.partition("/")
    if slash:
        return _newest_of(state, [(job, run_key) for run_key in _run_keys(state, job, key)])
    index = state.index
    by_key = _newest_of(state, [(job, name) for job in index.jobs()]) if _RUN_KEY.fullmatch(name) else []
    by_uid = index.with_uid(name, MANY) if _BEGINNING_OF_A_UID.fullmatch(name) else []
    return [*by_key, *filter(None, at_once(state.attempt_of, by_uid))][:MANY]


def newest_runs(state: State, job: str | None, limit: int) -> list[AttemptInfo]:
    """The runs that began last, of one job or of all, newest first: each by its newest attempt."""
    index = state.index
    jobs = index.jobs() if job is None else [job] if JOB.fullmatch(job) else []
    wanted = limit
    while True:
        begun = [one for found in at_once(lambda name: index.newest(name, wanted), jobs) for one in found]  # noqa: B023  # at_once returns before the next turn
        begun = sorted(begun, key=lambda one: one.at, reverse=True)[:wanted]
        found = _newest_of(state, [(one.job, one.run_key) for one in begun])
        if len(found) >= limit or len(begun) < wanted:
            return found[:limit]
        # the index has entries of runs that are gone: search further back
        wanted *= 2


def _newest_of(state: State, runs: list[tuple[str, str]]) -> list[AttemptInfo]:
    found = at_once(lambda run: state.attempts(*run, newest=1), runs)
    return [info for newest in found for info in newest]


def _run_keys(state: State, job: str, key: str) -> list[str]:
    """The key itself, else those that start with it, else those that contain it: "clean_flights/2013-02-01"."""
    if not (JOB.fullmatch(job) and _RUN_KEY.fullmatch(key)):
        return []
    if state.claims(job, key):
        return [key]
    return _beginning(state, job, key) or [run_key for run_key in state.run_keys(job) if key in run_key][:MANY]


def _beginning(state: State, job: str, key: str) -> list[str]:
    """The run keys that start with `key`: one request for each, and one more. A local folder is read as a whole."""
    if is_local(state.folder.uri):
        return [run_key for run_key in state.run_keys(job) if run_key.startswith(key)][:MANY]
    folder = f"runs/{job}"
    found: list[str] = []
    after = f"{folder}/{key}"
    while len(found) < MANY:
        first = next(state.folder.keys_after(folder, after), "")
        run_key = first.removeprefix(f"{folder}/").partition("/")[0]
        if not run_key.startswith(key):
            break
        found.append(run_key)
        # after every key of that run: "0" is the character that follows "/"
        after = f"{folder}/{run_key}0"
    return found
