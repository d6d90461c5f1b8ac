"""The tests that the doctors of all kinds of planes share."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from polarpod.contract.context import Storage
from polarpod.contract.verdict import PolarpodError, Verdict
from polarpod.launch.planes.kind import Finding
from polarpod.store.location import is_local, join, local_path
from polarpod.store.store_check import try_out

# below the state store; a sweep deletes what a killed doctor has left there
FOLDER = "doctor"


def try_state(what: str, state: str, storage: Storage) -> Finding:
    """Whether the state store can be used from here."""
    with trial_below(state) as trial:
        try:
            try_out(trial, storage)
        except PolarpodError as error:
            return of_verdict(what, error.verdict)
    return Finding(what, "ok", f"{state} reads, writes and refuses the second of two creates")


@contextmanager
def trial_below(place: str) -> Iterator[str]:
    """A unique folder that is removed at the end: on a disk a deleted document leaves its folder and a lock."""
    trial = join(place, FOLDER, uuid.uuid4().hex)
    try:
        yield trial
    finally:
        if is_local(trial):
            shutil.rmtree(local_path(trial), ignore_errors=True)
            with suppress(OSError):  # another doctor may be using it
                local_path(trial).parent.rmdir()


def of_verdict(what: str, verdict: Verdict) -> Finding:
    return Finding(what, "failed", "; ".join([verdict.summary, *verdict.evidence]), verdict.remedy)
