"""One run from request to verdict: plan, skip or claim, launch, judge, record, and again while a budget allows.

The only place where these meet. Clock and uids are passed in.
"""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import NamedTuple, TypeVar

import msgspec

from polarpod.contract.context import Attempt, Context
from polarpod.contract.message import FIRST_SECONDS, Message, last_heard
from polarpod.contract.receipt import Receipt
from polarpod.contract.verdict import Budget, Category, PolarpodError, Verdict
from polarpod.launch.budgets import DEFAULT, pause_seconds, try_again
from polarpod.launch.heartbeats import Heartbeats
from polarpod.launch.launcher import launcher_of
from polarpod.launch.pause import pause
from polarpod.launch.plan import Plan
from polarpod.launch.plane import Plane
from polarpod.launch.state import Record, StandingNote, State
from polarpod.launch.worker import Ended, HandedOver, Launcher, LostSight, Watcher

T = TypeVar("T")

# A worker that has ended leaves only what its launcher saw: worth waiting for a store that is away, as it may have been what
# ended the worker. Beyond that the next launcher judges, with less to go by.
_STORE_SECONDS = 60.0
_STORE_AGAIN_SECONDS = 1.0


class Ran(NamedTuple):
    """How a run ended.

    Attributes:
        receipt: of the last attempt, or of the standing one where the run was skipped.
        attempts: how many workers were started, or waited for.
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
    pause: Callable[[float, Callable[[], bool]], None] = pause


class Listener(NamedTuple):
    """What a caller wants to hear of a run."""

    on_attempt: Callable[[Context, str], None] = lambda context, reason: None
    on_verdict: Callable[[Verdict, bool], None] = lambda verdict, again: None
    on_message: Callable[[Message], None] = lambda message: None
    on_log: Callable[[bytes], None] = lambda lines: None
    stop: Callable[[], bool] = lambda: False


class Asked(NamedTuple):
    """How a caller wants its run.

    Attributes:
        force: run although the same run's receipt stands.
        labels: the caller's own words, for the receipt.
        until: when the caller's own time is over, which an attempt must not outlive.
    """

    force: bool = False
    labels: Mapping[str, str] = {}
    until: dt.datetime | None = None


class Begun(NamedTuple):
    """An attempt that is to be seen through.

    Attributes:
        data: the context's bytes, for a worker that is to be started; None for one that another launcher started.
        orphaned: that launcher is known to be dead.
    """

    context: Context
    data: bytes | None
    reason: str
    orphaned: bool = False


def execute(
    make_plan: Callable[[], Plan],
    *,
    plane: Plane,
    state: State,
    asked: Asked = Asked(),  # noqa: B008  # immutable
    make_launcher: Callable[[Plane], Launcher] = launcher_of,
    allowed: Mapping[Budget, int] = DEFAULT,
    listener: Listener | None = None,
    ports: Ports | None = None,
    spent: dict[Budget, int] | None = None,
    begun: Begun | None = None,
) -> Ran:
    """Runs until there is a verdict that no budget answers with another attempt.

    Args:
        make_plan: plans anew before each attempt, since a failed one changes the size and inputs may have moved.
        make_launcher: how workers are started; only asked where one is needed.
        allowed: retries by budget.
        spent: of them, so far; what is spent here is added.
        begun: an attempt to see through first, of a run that was handed over and is taken up again.

    Raises:
        HandedOver: by a launcher that does not wait itself.
    """
    listener, ports = listener or Listener(), ports or Ports()
    watcher = Watcher(listener.on_message, listener.on_log, listener.stop)
    spent = {} if spent is None else spent
    launcher: Launcher | None = None
    while True:
        if begun is None:
            plan = make_plan()
            if nothing := nothing_to_do(plan, state, asked):
                # each attempt but a run's last has cost one retry
                return nothing._replace(attempts=sum(spent.values()))
        launcher = launcher or make_launcher(plane)
        if begun is None:
            begun = begin(plan, plane, state, asked, ports)
            listener.on_attempt(begun.context, begun.reason)
        ran = see_through(begun, launcher, state, watcher, ports)
        begun = None
        again = not listener.stop() and try_again(ran.verdict, spent, allowed)
        listener.on_verdict(ran.verdict, again)
        if not again:
            return ran._replace(attempts=sum(spent.values()) + 1)
        ports.pause(pause_seconds(ran.verdict, spent), listener.stop)
        spent[ran.verdict.budget] = spent.get(ran.verdict.budget, 0) + 1


def nothing_to_do(plan: Plan, state: State, asked: Asked) -> Ran | None:
    """The answer where no worker is needed, or none can help."""
    if not asked.force and (skipped := skip(plan, state)):
        return skipped
    return Ran(plan.size.stop, None, 0) if plan.size.stop else None


def begin(plan: Plan, plane: Plane, state: State, asked: Asked, ports: Ports) -> Begun:
    """An attempt to attach to, else a new one."""
    running = plan.unjudged.context if plan.unjudged and plane.outlives_launcher else None
    if running and _would_publish_the_same(running, plan, asked):
        reason = f"attempt {running.attempt.number} was started before and has no verdict yet"
        return Begun(running, None, reason, orphaned=_same_caller(running.labels, asked.labels))
    context, data = prepare(plan, plane, state, asked, ports)
    return Begun(context, data, plan.size.reason)


def see_through(begun: Begun, launcher: Launcher, state: State, watcher: Watcher, ports: Ports) -> Ran:
    """Starts the worker, or finds the one that was started, and records how it ended."""
    job, run_key, uid = begun.context.job.name, begun.context.run_key, begun.context.attempt.uid
    watcher = watcher._replace(heartbeat=Heartbeats(lambda: state.heartbeat(job, run_key, uid)).new)
    try:
        if begun.data is None:
            ended = launcher.attach(begun.context, watcher, orphaned=begun.orphaned)
        else:
            ended = launcher.run(begun.context, begun.data, watcher)
    except HandedOver:
        raise
    except LostSight as error:
        return Ran(error.verdict, None, 1)
    except PolarpodError as error:
        verdict = error.verdict
        if begun.data is None:
            # it was started once, and may well go on although it cannot be looked for just now
            return Ran(verdict, None, 1)
        # it could not be started; the attempt has a number, so it gets a verdict all the same
        ended = Ended(lambda receipt: receipt.verdict if receipt else verdict, None, b"")
    except BaseException:
        # a timeout or a second Ctrl-C in this process: the worker was ended, and may have left its receipt
        _record_receipt(begun.context, state, ports)
        raise
    return record(begun.context, ended, state, ports)


def _would_publish_the_same(context: Context, plan: Plan, asked: Asked) -> bool:
    """Whether an attempt that may still run is what is asked for: then it is waited for, not run twice."""
    running = (context.plane, context.code_version, context.job.inputs, context.job.output, context.pins, context.force)
    return running == (plan.plane, plan.code_version, plan.job.inputs, plan.job.output, plan.pins, asked.force)


def _same_caller(one: Mapping[str, str], other: Mapping[str, str]) -> bool:
    """Whether two attempts were asked for by the same caller, such as one task instance in two tries.

    An orchestrator runs one try at a time, so the earlier try's launcher is dead then.
    """
    varies = "airflow.try_number"
    named = {name: value for name, value in one.items() if name != varies}
    return bool(named) and named == {name: value for name, value in other.items() if name != varies}


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


def prepare(plan: Plan, plane: Plane, state: State, asked: Asked, ports: Ports) -> tuple[Context, bytes]:
    """Takes an attempt number and writes the context."""
    uid = ports.new_uid()
    number = state.claim(plan.job.name, plan.run_key, uid, above=plan.standing.number or 0)
    context = context_of(plan, plane, state, asked, attempt=Attempt(number=number, uid=uid), now=ports.now())
    _, data = state.put_context(context)
    return context, data


def context_of(plan: Plan, plane: Plane, state: State, asked: Asked, *, attempt: Attempt, now: dt.datetime) -> Context:
    """What an attempt's worker would be told. Writes nothing."""
    return Context(
        job=plan.job,
        pins=plan.pins,
        params=plan.params,
        run_key=plan.run_key,
        attempt=attempt,
        code_version=plan.code_version,
        dependencies=dict(plan.dependencies),
        plane=plan.plane,
        image=plan.image,
        resources=plan.size.resources,
        deadline_seconds=_deadline(plan.job.deadline_seconds, asked.until, now),
        grace_seconds=plan.job.grace_seconds,
        attempt_uri=state.attempt_uri(plan.job.name, plan.run_key, attempt.uid),
        force=asked.force,
        storage=plane.storage_of_workers,
        created_at=now,
        labels=dict(asked.labels),
    )


def _deadline(seconds: int, until: dt.datetime | None, now: dt.datetime) -> int:
    return seconds if until is None else max(1, min(seconds, int((until - now).total_seconds())))


def record(context: Context, ended: Ended, state: State, ports: Ports) -> Ran:
    """Judges an attempt and writes the judgement beside its receipt."""
    job, run_key, uid = context.job.name, context.run_key, context.attempt.uid
    try:
        receipt = _patiently(lambda: state.receipt(job, run_key, uid), ports)
    except PolarpodError as error:
        if error.verdict.category is Category.STORAGE_UNAVAILABLE:
            raise
        # unreadable is as good as none: it proves nothing
        receipt = None
    verdict = ended.judge(receipt)
    message = ended.message
    if receipt is None and message is None and (message := _heartbeat(context, state)):
        # its plane has nothing of the worker's own; what it wrote into the state store is left
        verdict = msgspec.structs.replace(verdict, evidence=[*verdict.evidence, last_heard(message)])
    peaks = [receipt.usage.memory_peak_bytes if receipt else 0, message.memory_peak_bytes if message else 0]
    judged = Record(
        verdict=verdict,
        memory_limit_bytes=context.resources.memory_bytes,
        memory_peak_bytes=max(peaks),
        judged_at=ports.now(),
        worker_ended=ended.seen,
    )
    _patiently(lambda: state.put_record(job, run_key, uid, judged), ports)
    if ended.log:
        state.put_log(job, run_key, uid, ended.log)
    if verdict.succeeded and receipt:
        note = StandingNote(number=context.attempt.number, uid=uid, fingerprint=receipt.fingerprint)
        state.put_standing(job, run_key, note)
    _clear_heartbeat(context, state, ports)
    return Ran(verdict, receipt, 1, ended.log)


def _heartbeat(context: Context, state: State) -> Message | None:
    """What a worker said last in the state store. Never raises: it only helps to explain."""
    with suppress(PolarpodError):
        return state.heartbeat(context.job.name, context.run_key, context.attempt.uid)
    return None


def _clear_heartbeat(context: Context, state: State, ports: Ports) -> None:
    """Takes the document of a worker away that is gone. Never raises: `polarpod gc` takes what is left."""
    if (ports.now() - context.created_at).total_seconds() < FIRST_SECONDS:
        return  # it was over before the first
    with suppress(PolarpodError):
        state.clear_heartbeat(context.job.name, context.run_key, context.attempt.uid)


def _patiently(work: Callable[[], T], ports: Ports) -> T:
    """Asks a store that is away again, for a while."""
    import tenacity  # 30 ms that a run which is skipped need not pay

    again = tenacity.Retrying(
        retry=tenacity.retry_if_exception(_is_away),
        wait=tenacity.wait_fixed(_STORE_AGAIN_SECONDS),
        stop=tenacity.stop_after_delay(_STORE_SECONDS),
        sleep=lambda seconds: ports.pause(seconds, lambda: False),
        reraise=True,
    )
    return again(work)


def _is_away(error: BaseException) -> bool:
    return isinstance(error, PolarpodError) and error.verdict.category is Category.STORAGE_UNAVAILABLE


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
