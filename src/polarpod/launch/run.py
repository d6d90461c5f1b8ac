"""One run from request to verdict: plan, skip or claim, launch, judge, record, and again while a budget allows.

The only place where these meet. Clock and uids are passed in.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import NamedTuple

from polarpod.contract.context import Attempt, Context
from polarpod.contract.message import Message
from polarpod.contract.receipt import Receipt
from polarpod.contract.verdict import Budget, Category, PolarpodError, Verdict
from polarpod.launch.budgets import DEFAULT, try_again
from polarpod.launch.judge import judge
from polarpod.launch.plan import Plan
from polarpod.launch.planes import Plane
from polarpod.launch.process import Ended, Watcher, run_worker
from polarpod.launch.state import Record, StandingNote, State


class Ran(NamedTuple):
    """How a run ended.

    Attributes:
        receipt: of the last attempt, or of the standing one where the run was skipped.
        attempts: how many workers were started.
        log: the end of the last worker's log.
    """

    verdict: Verdict
    receipt: Receipt | None
    attempts: int
    log: bytes = b""


class Ports(NamedTuple):
    """The world, as far as deciding needs it."""

    now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC)
    new_uid: Callable[[], str] = lambda: uuid.uuid4().hex


class Listener(NamedTuple):
    """What a caller wants to hear of a run."""

    on_attempt: Callable[[Context, str], None] = lambda context, reason: None
    on_verdict: Callable[[Verdict, bool], None] = lambda verdict, again: None
    on_message: Callable[[Message], None] = lambda message: None
    on_log: Callable[[bytes], None] = lambda lines: None
    stop: Callable[[], bool] = lambda: False


def execute(
    make_plan: Callable[[], Plan],
    *,
    plane: Plane,
    state: State,
    force: bool = False,
    allowed: Mapping[Budget, int] = DEFAULT,
    labels: Mapping[str, str] | None = None,
    listener: Listener | None = None,
    ports: Ports | None = None,
) -> Ran:
    """Runs until there is a verdict that no budget answers with another attempt.

    Args:
        make_plan: plans anew before each attempt, since a failed one changes the size and inputs may have moved.
        allowed: retries by budget; empty for a caller that retries by itself.
        force: run although the same run's receipt stands.
    """
    listener, ports = listener or Listener(), ports or Ports()
    spent: dict[Budget, int] = {}
    attempts = 0
    while True:
        plan = make_plan()
        if not force and (skipped := skip(plan, state)):
            return skipped._replace(attempts=attempts)
        if plan.size.stop:
            return Ran(plan.size.stop, None, attempts)
        context, data = prepare(plan, plane, state, force=force, labels=labels or {}, ports=ports)
        listener.on_attempt(context, plan.size.reason)
        watcher = Watcher(listener.on_message, listener.on_log, listener.stop)
        try:
            ended = run_worker(context, data, plane, watcher=watcher)
        except BaseException:
            # a timeout or a second Ctrl-C in this process: the worker was ended, and may have left its receipt
            _record_receipt(context, state, ports)
            raise
        attempts += 1
        ran = record(context, ended, state, ports)
        again = not listener.stop() and try_again(ran.verdict, spent, allowed)
        listener.on_verdict(ran.verdict, again)
        if not again:
            return ran._replace(attempts=attempts)
        spent[ran.verdict.budget] = spent.get(ran.verdict.budget, 0) + 1


def skip(plan: Plan, state: State) -> Ran | None:
    """The standing receipt's answer, where nothing that decides the rows has changed and the rows are still there.

    The table is asked, not only the state store: a table that somebody deleted must not stay green.
    """
    if not plan.standing.same or plan.standing.number is None:
        return None
    note = state.standing(plan.job.name, plan.run_key)
    if note is None or note.fingerprint != plan.fingerprint:
        return None
    receipt = state.receipt(plan.job.name, plan.run_key, note.uid)
    if receipt is None or receipt.status != "succeeded":
        return None
    verdict = Verdict(
        category=Category.SKIPPED,
        summary="code, parameters and inputs are unchanged; the receipt stands",
        evidence=[f"attempt {note.number}, uid {note.uid}, finished {receipt.finished_at:%Y-%m-%d %H:%M:%S %Z}"],
    )
    return Ran(verdict, receipt, 0)


def prepare(
    plan: Plan, plane: Plane, state: State, *, force: bool, labels: Mapping[str, str], ports: Ports
) -> tuple[Context, bytes]:
    """Takes an attempt number and writes the context."""
    uid = ports.new_uid()
    number = state.claim(plan.job.name, plan.run_key, uid, above=plan.standing.number or 0)
    context = Context(
        job=plan.job,
        pins=plan.pins,
        params=plan.params,
        run_key=plan.run_key,
        attempt=Attempt(number=number, uid=uid),
        code_version=plan.code_version,
        plane=plan.plane,
        resources=plan.size.resources,
        deadline_seconds=plan.job.deadline_seconds,
        grace_seconds=plan.job.grace_seconds,
        attempt_uri=state.attempt_uri(plan.job.name, plan.run_key, uid),
        force=force,
        storage=plane.storage,
        created_at=ports.now(),
        labels=dict(labels),
    )
    _, data = state.put_context(context)
    return context, data


def record(context: Context, ended: Ended, state: State, ports: Ports) -> Ran:
    """Judges an attempt and writes the judgement beside its receipt."""
    job, run_key, uid = context.job.name, context.run_key, context.attempt.uid
    try:
        receipt = state.receipt(job, run_key, uid)
    except PolarpodError:
        # unreadable is as good as none: it proves nothing
        receipt = None
    verdict = judge(ended.end, ended.message, receipt, uid=uid)
    peaks = [receipt.usage.memory_peak_bytes if receipt else 0, ended.message.memory_peak_bytes if ended.message else 0]
    state.put_record(
        job,
        run_key,
        uid,
        Record(
            verdict=verdict,
            memory_limit_bytes=context.resources.memory_bytes,
            memory_peak_bytes=max(peaks),
            judged_at=ports.now(),
        ),
    )
    if ended.log:
        state.put_log(job, run_key, uid, ended.log)
    if verdict.succeeded and receipt:
        note = StandingNote(number=context.attempt.number, uid=uid, fingerprint=receipt.fingerprint)
        state.put_standing(job, run_key, note)
    return Ran(verdict, receipt, 1, ended.log)


def _record_receipt(context: Context, state: State, ports: Ports) -> None:
    """Judges an attempt by its receipt alone, for a launcher that has no time for more. Never raises."""
    with suppress(PolarpodError):
        receipt = state.receipt(context.job.name, context.run_key, context.attempt.uid)
        if receipt is not None:
            limit, peak = context.resources.memory_bytes, receipt.usage.memory_peak_bytes
            state.put_record(
                context.job.name,
                context.run_key,
                context.attempt.uid,
                Record(verdict=receipt.verdict, memory_limit_bytes=limit, memory_peak_bytes=peak, judged_at=ports.now()),
            )
