"""What `gc` finds in the state store itself: numbers without a context, and nothing that may still be needed."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from tests.support.sweeping import delete, find_garbage

from polarpod.launch.planes.process.config import ProcessPlane
from polarpod.launch.state import State

NOW = dt.datetime(2026, 11, 21, tzinfo=dt.UTC)
BEFORE = NOW - dt.timedelta(days=1)


def test_a_number_whose_launcher_died_at_once_goes_after_another_has_overtaken_it(tmp_path: Path) -> None:
    state, plane = State(str(tmp_path)), ProcessPlane(state=str(tmp_path))
    state.claim("job", "all-1", "a" * 32, at=BEFORE)
    assert find_garbage(state, plane.storage, now=NOW) == [], "its launcher may be about to write the context"
    state.claim("job", "all-1", "b" * 32, at=BEFORE)
    (found,) = find_garbage(state, plane.storage, now=NOW)
    assert (found.uid, found.keys) == ("a" * 32, ["runs/job/all-1/claims/00000001"])
    delete([found], state, plane.storage)
    assert state.claim("job", "all-1", "c" * 32) == 3, "a number is never handed out twice"


def test_an_attempt_that_got_its_context_keeps_its_number(tmp_path: Path) -> None:
    state, plane = State(str(tmp_path)), ProcessPlane(state=str(tmp_path))
    state.claim("job", "all-1", "a" * 32)
    # of a newer polarpod perhaps: nobody here can read it, and nobody may take it away
    state.folder.write(f"runs/job/all-1/{'a' * 32}/context.json", b'{"protocol": "9.0"}')
    state.claim("job", "all-1", "b" * 32)
    assert find_garbage(state, plane.storage, now=NOW) == []


def test_what_a_doctor_left_that_was_killed_goes(tmp_path: Path) -> None:
    state, plane = State(str(tmp_path)), ProcessPlane(state=str(tmp_path))
    state.folder.write("doctor/abc/trial", b"one")
    (found,) = find_garbage(state, plane.storage, now=NOW)
    assert (found.run, found.keys) == ("doctor", ["doctor/abc/trial"])
