"""Nothing that comes after the verdict changes it: the record, the log, the notes, the caller's callbacks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.launch.kubernetes.attempts import CONTEXT
from tests.launch.loop import AWAY, DENIED, Broken, Loop, ended, receipt_of, verdict

from polarpod.contract.verdict import Category, PolarpodError
from polarpod.launch.listener import Listener
from polarpod.launch.recording import record
from polarpod.launch.run import Clock
from polarpod.launch.state import State


def recorded(state: State, **end: Any) -> tuple[Category, list[str]]:
    """The verdict on an attempt that published, and the warnings."""
    warnings: list[str] = []
    state.put_context(CONTEXT)
    state.receipt = lambda *_: receipt_of(CONTEXT)  # type: ignore[method-assign]  # as its worker left it
    made = ended(judge=lambda receipt: receipt.verdict if receipt else verdict(Category.WORKER_LOST), log=b"a line\n", **end)
    ran = record(CONTEXT, made, state, Clock(pause=lambda *_: None), warnings.append)
    return ran.verdict.category, warnings


@pytest.mark.parametrize(
    ("call", "words"),
    [
        pytest.param("put_record", "the verdict of attempt 3 could not be recorded", id="the record"),
        pytest.param("put_log", "the log could not be stored", id="the log"),
        pytest.param(
            "put_standing", "the note that lets the next run be skipped could not be written", id="the standing note"
        ),
    ],
)
@pytest.mark.parametrize(
    "error",
    [
        pytest.param(AWAY, id="away"),
        pytest.param(DENIED, id="denied"),
        pytest.param(PolarpodError(Category.DISK_FULL, "no space"), id="full"),
        pytest.param(UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates not allowed"), id="of any kind"),
    ],
)
def test_a_published_run_stays_green_and_says_what_was_not_written(
    call: str, words: str, error: Exception, tmp_path: Path
) -> None:
    category, warnings = recorded(Broken(tmp_path, **{call: [error] * 100}))
    assert category is Category.SUCCEEDED
    (warning,) = warnings
    assert warning.startswith(f"{words}: ")


@pytest.mark.parametrize("call", [pytest.param("put_log", id="the log"), pytest.param("put_standing", id="the note")])
def test_a_store_that_is_away_for_a_moment_is_asked_again(call: str, tmp_path: Path) -> None:
    state = Broken(tmp_path, **{call: [AWAY]})
    assert recorded(state) == (Category.SUCCEEDED, [])
    assert state.calls == [call, call]


def raising(*_: Any) -> None:
    raise BrokenPipeError("the terminal is closed")


@pytest.mark.parametrize("name", ["on_attempt", "on_verdict", "on_log", "on_message"])
def test_a_callback_that_raises_ends_no_run(name: str, tmp_path: Path) -> None:
    loop = Loop(Broken(tmp_path))
    loop.listener = loop.listener._replace(**{name: raising})
    assert loop.run(ended(Category.EVICTED), ended()).verdict.category is Category.SUCCEEDED
    if name != "on_message":
        (warning,) = loop.warnings
        assert warning.endswith(" could not be shown: BrokenPipeError: the terminal is closed")


def test_a_warning_that_cannot_be_shown_ends_nothing(tmp_path: Path) -> None:
    loop = Loop(Broken(tmp_path, put_record=[DENIED]))
    loop.listener = Listener(on_log=raising, on_warning=raising)
    assert loop.run(ended()).verdict.category is Category.SUCCEEDED


def test_what_is_meant_to_end_a_run_is_no_callbacks_error() -> None:
    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Listener(on_log=stop).guarded().on_log(b"")


def test_an_error_without_words_is_told_by_its_type() -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise ValueError

    def fail(*_: Any) -> None:
        raise Mute

    warnings: list[str] = []
    Listener(on_log=fail, on_warning=warnings.append).guarded().on_log(b"")
    assert warnings == ["the worker's log could not be shown: Mute"]


@pytest.mark.parametrize("seen", [pytest.param(True, id="was seen"), pytest.param(False, id="is only believed")])
def test_the_record_says_whether_the_workers_end(seen: bool, tmp_path: Path) -> None:
    state = Broken(tmp_path)
    state.claim(CONTEXT.job.name, CONTEXT.run_key, CONTEXT.attempt.uid)
    recorded(state, seen=seen)
    (info,) = state.attempts(CONTEXT.job.name, CONTEXT.run_key)
    assert info.record is not None
    assert info.record.worker_ended is seen


def test_an_empty_log_is_not_written(tmp_path: Path) -> None:
    state = Broken(tmp_path, put_log=[])
    record(CONTEXT, ended(), state, Clock())
    assert state.calls == []


def test_a_failure_leaves_no_note_for_the_next_run(tmp_path: Path) -> None:
    state = Broken(tmp_path, put_standing=[], note_success=[])
    state.receipt = lambda *_: receipt_of(CONTEXT, Category.CHECKS_FAILED)  # type: ignore[method-assign]  # its worker's
    ran = record(CONTEXT, ended(Category.CHECKS_FAILED), state, Clock())
    assert ran.receipt is not None
    assert state.calls == []


def test_a_receipt_needs_no_heartbeat_to_explain_it(tmp_path: Path) -> None:
    state = Broken(tmp_path, heartbeat=[])
    state.receipt = lambda *_: receipt_of(CONTEXT)  # type: ignore[method-assign]  # as its worker left it
    record(CONTEXT, ended(), state, Clock())
    assert state.calls == []
