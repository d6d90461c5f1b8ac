"""The start of an attempt: an earlier one to attach to, else a new number, uid and context."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from typing import NamedTuple

from polarpod.contract.codec import encode
from polarpod.contract.context import Attempt, Context
from polarpod.launch.clock import Clock
from polarpod.launch.plan import Plan
from polarpod.launch.planes.plane import Plane
from polarpod.launch.state import State


class RunOptions(NamedTuple):
    """The options of a run.

    Attributes:
        force: run although the same run's receipt stands.
        labels: the caller's labels, for the receipt.
        until: the end of the caller's own time, which an attempt must not outlive.
    """

    force: bool = False
    labels: Mapping[str, str] = {}
    until: dt.datetime | None = None


class AttemptHandle(NamedTuple):
    """An attempt to start or to attach to.

    Attributes:
        data: the context's bytes, for a worker that is to be started; None for one that was started before.
        orphaned: the launcher that started it is known to be dead, and this one replaces it.
        outdated: it would not publish what is requested, and must end before another is started.
    """

    context: Context
    data: bytes | None
    reason: str
    orphaned: bool = False
    outdated: bool = False


def begin(
    plan: Plan,
    plane: Plane,
    state: State,
    options: RunOptions,
    clock: Clock,
    *,
    started: Collection[str] = (),
    prepared: set[str] | None = None,
) -> AttemptHandle:
    """An attempt to attach to, else a new one.

    Two attempts of one run never run at once where that can be detected: an earlier one that would publish other rows is
    ended where it is this caller's own, and waited for where it is another's.

    Args:
        started: uids of attempts that this launcher has started.
        prepared: uids of attempts whose context it may have written; updated in place.
    """
    prepared = set() if prepared is None else prepared
    if again := _written_before(plan, options, prepared, started):
        return again
    if ended := _ended_before(plan, plane):
        return ended
    running = plan.unjudged.context if plan.unjudged and plane.capabilities.outlives_launcher else None
    # one on another plane cannot be observed from here; the table keeps only the newer attempt's rows
    if running and running.plane == plan.plane:
        ours = running.attempt.uid in started or _same_caller(running.labels, options.labels)
        reason = f"attempt {running.attempt.number} was started before and has no verdict yet"
        if differs := _differs(running, plan, options):
            reason = f"{reason}; it runs {differs}, so it is {'ended' if ours else 'waited for'} first"
        return AttemptHandle(running, None, reason, orphaned=ours, outdated=differs is not None)
    context, data = prepare(plan, plane, state, options, clock, prepared=prepared)
    return AttemptHandle(context, data, plan.size.reason)


def _written_before(
    plan: Plan, options: RunOptions, prepared: Collection[str], started: Collection[str]
) -> AttemptHandle | None:
    """An attempt of this launcher whose context was written although the store's answer was lost: it has no worker yet."""
    if plan.unjudged is None or plan.unjudged.uid not in prepared or plan.unjudged.uid in started:
        return None
    context = plan.unjudged.context
    if context is None or _differs(context, plan, options) or context.resources != plan.size.resources:
        return None
    return AttemptHandle(context, encode(context), plan.size.reason)


def _ended_before(plan: Plan, plane: Plane) -> AttemptHandle | None:
    """An attempt whose worker's end is noted and not recorded: it comes first, as the next one's size depends on it."""
    if plan.unjudged is None or plan.unjudged.context is None or plan.unjudged.context.plane != plan.plane:
        return None
    path = plane.exit_record(plan.unjudged.uid)
    if path is None or not path.is_file():
        return None
    reason = f"attempt {plan.unjudged.number} has ended and has no verdict yet; it is recorded first"
    return AttemptHandle(plan.unjudged.context, None, reason, orphaned=True, outdated=True)


def prepare(
    plan: Plan, plane: Plane, state: State, options: RunOptions, clock: Clock, *, prepared: set[str] | None = None
) -> tuple[Context, bytes]:
    """Takes an attempt number and writes the context."""
    uid, now = clock.new_uid(), clock.now()
    if prepared is not None:
        # before anything is written: an answer may be lost
        prepared.add(uid)
    number = state.claim(plan.job.name, plan.run_key, uid, above=plan.standing.number or 0, at=now)
    context = context_of(plan, plane, state, options, attempt=Attempt(number=number, uid=uid), now=now)
    _, data = state.put_context(context)
    return context, data


def context_of(
    plan: Plan, plane: Plane, state: State, options: RunOptions, *, attempt: Attempt, now: dt.datetime
) -> Context:
    """The context of an attempt. Writes nothing."""
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
        deadline_seconds=_deadline(plan.job.deadline_seconds, options.until, now),
        grace_seconds=plan.job.grace_seconds,
        attempt_uri=state.attempt_uri(plan.job.name, plan.run_key, attempt.uid),
        fingerprint=plan.fingerprint,
        force=options.force,
        storage=plane.storage_of_workers,
        created_at=now,
        labels=dict(options.labels),
    )


def _differs(running: Context, plan: Plan, options: RunOptions) -> str | None:
    """How an attempt that may still run differs from the request; None where both would publish the same.

    By the fingerprint, and not by the versions of tables: a commit to another partition of an input changes no row.
    """
    if options.force and not running.force:
        return "without --force"
    if running.fingerprint == plan.fingerprint:
        return None
    if running.fingerprint is None:  # of an older release: by the fields of its context
        same = (running.code_version, running.job.inputs, running.job.output, running.pins)
        if same == (plan.code_version, plan.job.inputs, plan.job.output, plan.pins):
            return None
    if running.job.inputs != plan.job.inputs or running.job.output != plan.job.output:
        return "with another declaration of the job"
    if running.dependencies != plan.dependencies:
        return "with other code or another environment"
    return "with other files of its inputs"


def _same_caller(one: Mapping[str, str], other: Mapping[str, str]) -> bool:
    """Whether the same caller requested two attempts, such as one task instance in two tries.

    An orchestrator runs one try at a time, so the earlier try's launcher is dead then.
    """
    varies = "airflow.try_number"
    named = {name: value for name, value in one.items() if name != varies}
    return bool(named) and named == {name: value for name, value in other.items() if name != varies}


def _deadline(seconds: int, until: dt.datetime | None, now: dt.datetime) -> int:
    return seconds if until is None else max(1, min(seconds, int((until - now).total_seconds())))
