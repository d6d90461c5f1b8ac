"""The end of an attempt: its verdict, and the record of it in the state store.

The verdict is made before anything is written. A later failure is a warning and never another verdict.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import NamedTuple, TypeVar

import msgspec

from polarpod.contract.context import Context
from polarpod.contract.message import Message, last_heard
from polarpod.contract.receipt import Receipt
from polarpod.contract.verdict import Category, PolarpodError, Verdict
from polarpod.launch.attempt_records import Record
from polarpod.launch.clock import Clock
from polarpod.launch.listener import error_text
from polarpod.launch.receipt_sinks import SINKS, Recorded
from polarpod.launch.state import State
from polarpod.launch.worker import WorkerExit

T = TypeVar("T")

# The receipt and the record are retried while a store is unreachable, as its outage may have ended the worker. Both limits
# hold: the clock for a store that takes long to fail, the count for one that fails at once.
_STORE_SECONDS = 60.0
_STORE_AGAIN_SECONDS = 1.0
# The log and the notes are conveniences; the run's caller does not wait long for them.
_NOTE_SECONDS = 10.0


class RunResult(NamedTuple):
    """The result of a run.

    Attributes:
        receipt: of the last attempt, or of the standing one where the run was skipped.
        attempts: how many workers were started, or waited for.
        log: the end of the last worker's log.
        unrecorded: why the verdict is not in the state store; None where it is.
    """

    verdict: Verdict
    receipt: Receipt | None
    attempts: int
    log: bytes = b""
    unrecorded: Verdict | None = None


def record(
    context: Context, ended: WorkerExit, state: State, clock: Clock, warn: Callable[[str], None] = lambda text: None
) -> RunResult:
    """Judges an attempt, writes the verdict beside its receipt, and only then releases the evidence.

    Raises:
        PolarpodError: the store is unreachable, so that it is unknown whether there is a receipt: there is no verdict yet.
    """
    job, run_key, uid = context.job.name, context.run_key, context.attempt.uid
    try:
        receipt = patiently(lambda: state.receipt(job, run_key, uid), clock)
    except PolarpodError as error:
        if _is_away(error):
            raise
        # an unreadable one counts as none: it proves nothing
        receipt = None
    verdict = ended.judge(receipt)
    message = ended.message
    if receipt is None and message is None and (message := _heartbeat(context, state)):
        # the plane has no message of the worker; its last heartbeat in the state store is left
        verdict = msgspec.structs.replace(verdict, evidence=[*verdict.evidence, last_heard(message)])
    peaks = [receipt.usage.memory_peak_bytes if receipt else 0, message.memory_peak_bytes if message else 0]
    judged = Record(
        verdict=verdict,
        memory_limit_bytes=context.resources.memory_bytes,
        memory_peak_bytes=max(peaks),
        judged_at=clock.now(),
        worker_ended=ended.seen,
    )
    try:
        patiently(lambda: state.put_record(job, run_key, uid, judged), clock)
    except Exception as error:  # noqa: BLE001  # no error here changes how the worker ended
        unrecorded = _verdict_of(error)
        warn(f"the verdict of attempt {context.attempt.number} could not be recorded: {unrecorded.text()}")
        return RunResult(verdict, receipt, 1, ended.log, unrecorded)
    _note("what is left of the worker could not be removed", ended.release, clock, warn)
    recorded = Recorded(context, receipt, ended.log, published=verdict.succeeded)
    for sink in SINKS:
        _note(sink.failure, partial(sink.write, recorded, state, clock), clock, warn)
    return RunResult(verdict, receipt, 1, ended.log)


def record_receipt(context: Context, state: State, clock: Clock) -> None:
    """Records the verdict of an attempt's receipt, if there is one, for a launcher that is ending. Ignores store errors."""
    with suppress(PolarpodError):
        receipt = state.receipt(context.job.name, context.run_key, context.attempt.uid)
        if receipt is not None:
            limit, peak = context.resources.memory_bytes, receipt.usage.memory_peak_bytes
            state.put_record(
                context.job.name,
                context.run_key,
                context.attempt.uid,
                Record(verdict=receipt.verdict, memory_limit_bytes=limit, memory_peak_bytes=peak, judged_at=clock.now()),
            )


def patiently(work: Callable[[], T], clock: Clock, *, seconds: float = _STORE_SECONDS) -> T:
    """The result of `work`, which is retried for at most `seconds` while the store is unreachable."""
    import tenacity  # 30 ms that a skipped run need not spend

    again = tenacity.Retrying(
        retry=tenacity.retry_if_exception(_is_away),
        wait=tenacity.wait_fixed(_STORE_AGAIN_SECONDS),
        stop=tenacity.stop_after_delay(seconds) | tenacity.stop_after_attempt(int(seconds / _STORE_AGAIN_SECONDS)),
        sleep=lambda wait: clock.pause(wait, lambda: False),
        reraise=True,
    )
    return again(work)


def _heartbeat(context: Context, state: State) -> Message | None:
    """A worker's last heartbeat in the state store, or None. Ignores store errors: it only adds to an explanation."""
    with suppress(PolarpodError):
        return state.heartbeat(context.job.name, context.run_key, context.attempt.uid)
    return None


def _note(failure: str, write: Callable[[], object], clock: Clock, warn: Callable[[str], None]) -> None:
    try:
        patiently(write, clock, seconds=_NOTE_SECONDS)
    except Exception as error:  # noqa: BLE001  # no error here changes the recorded verdict
        warn(f"{failure}: {_verdict_of(error).text()}")


def _verdict_of(error: Exception) -> Verdict:
    if isinstance(error, PolarpodError):
        return error.verdict
    return Verdict(category=Category.INTERNAL_ERROR, summary=error_text(error))


def _is_away(error: BaseException) -> bool:
    return isinstance(error, PolarpodError) and error.verdict.category is Category.STORAGE_UNAVAILABLE
