"""The sinks that a recorded attempt is written to. A sink changes no verdict: its failure is a warning."""

from __future__ import annotations

from contextlib import suppress
from typing import NamedTuple, Protocol

from polarpod.contract.context import Context
from polarpod.contract.message import FIRST_SECONDS
from polarpod.contract.receipt import Receipt
from polarpod.contract.verdict import PolarpodError
from polarpod.launch.attempt_records import StandingNote
from polarpod.launch.clock import Clock
from polarpod.launch.memory_sizing import Success
from polarpod.launch.state import State


class Recorded(NamedTuple):
    """An attempt whose verdict is in the state store.

    Attributes:
        receipt: the worker's; None where it left none.
        log: the end of the worker's log.
        published: whether the verdict is a success, so that the receipt's rows stand.
    """

    context: Context
    receipt: Receipt | None
    log: bytes
    published: bool


class ReceiptSink(Protocol):
    """One destination of recorded attempts.

    Attributes:
        failure: the warning where it could not be written.
    """

    @property
    def failure(self) -> str: ...

    def write(self, recorded: Recorded, state: State, clock: Clock) -> None:
        """Writes its part of an attempt. Raises any error."""
        ...


class LogSink:
    """The end of the worker's log, for `polarpod logs`."""

    failure = "the log could not be stored"

    def write(self, recorded: Recorded, state: State, _clock: Clock) -> None:
        if recorded.log:
            context = recorded.context
            state.put_log(context.job.name, context.run_key, context.attempt.uid, recorded.log)


class StandingSink:
    """The note of which attempt's rows stand, by which the next run is skipped."""

    failure = "the note that lets the next run be skipped could not be written"

    def write(self, recorded: Recorded, state: State, _clock: Clock) -> None:
        if recorded.published and recorded.receipt:
            context = recorded.context
            attempt, fingerprint = context.attempt, recorded.receipt.fingerprint
            note = StandingNote(number=attempt.number, uid=attempt.uid, fingerprint=fingerprint)
            state.put_standing(context.job.name, context.run_key, note)


class MemorySink:
    """The memory that the job has needed, by which its next run is sized."""

    failure = "the note of how much memory the job needs could not be written"

    def write(self, recorded: Recorded, state: State, _clock: Clock) -> None:
        if recorded.published and recorded.receipt:
            job, resources = recorded.context.job, recorded.context.resources
            used = Success(resources.memory_bytes, recorded.receipt.usage.memory_peak_bytes)
            state.note_success(job.name, used, declared_bytes=job.resources.memory_bytes)


class HeartbeatSink:
    """Deletes the heartbeat of a worker that is gone. `polarpod gc` deletes one that is left."""

    failure = "the heartbeat could not be taken away"

    def write(self, recorded: Recorded, state: State, clock: Clock) -> None:
        context = recorded.context
        if (clock.now() - context.created_at).total_seconds() < FIRST_SECONDS:
            return  # it ended before the first heartbeat
        with suppress(PolarpodError):
            state.clear_heartbeat(context.job.name, context.run_key, context.attempt.uid)


SINKS: tuple[ReceiptSink, ...] = (LogSink(), StandingSink(), MemorySink(), HeartbeatSink())
