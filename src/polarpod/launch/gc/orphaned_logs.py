"""The log of an attempt, wherever it is: in the state store, or where a worker on this machine wrote it.

A launcher stores the log once its worker has ended. A killed launcher cannot; its worker continues for a moment and logs why
it stops, and that log stays in the scratch directory until it is swept.
"""

from __future__ import annotations

from contextlib import suppress

from polarpod.launch.attempt_records import AttemptInfo
from polarpod.launch.log_file import LogFile
from polarpod.launch.planes.plane import Plane
from polarpod.launch.state import State


def log_of(info: AttemptInfo, state: State, plane: Plane) -> bytes | None:
    """The end of an attempt's log; None where this process has no access to one."""
    return state.log(info.job, info.run_key, info.uid) or _left_log(info, plane)


def keep_log(info: AttemptInfo, state: State, plane: Plane) -> None:
    """Stores a worker's log on this machine before it is removed, unless its launcher has."""
    if (left := _left_log(info, plane)) and state.log(info.job, info.run_key, info.uid) is None:
        state.put_log(info.job, info.run_key, info.uid, left)


def _left_log(info: AttemptInfo, plane: Plane) -> bytes | None:
    """The log as a launcher would have stored it; None where there is none."""
    path = plane.log_file(info.uid)
    if path is None:
        return None
    log = LogFile(path, lambda lines: None)
    with suppress(OSError):  # of another user, whose scratch directories are not readable
        log.finish()
    return log.tail() or None
