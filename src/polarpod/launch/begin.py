"""The beginning of an attempt: an earlier one to attach to, else a number, a uid and a context."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from typing import NamedTuple

from polarpod.contract.context import Attempt, Context
from polarpod.launch.plan import Plan
from polarpod.launch.plane import Plane
from polarpod.launch.ports import Ports
from polarpod.launch.state import State


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
        data: the context's bytes, for a worker that is to be started; None for one that was started before.
        orphaned: the launcher that started it is known to be dead, and this one has taken its place.
    """

    context: Context
    data: bytes | None
    reason: str
    orphaned: bool = False


def begin(plan: Plan, plane: Plane, state: State, asked: Asked, ports: Ports, *, started: Collection[str] = ()) -> Begun:
    """An attempt to attach to, else a new one.

    Args:
        started: uids of attempts that this very launcher has started.
    """
    running = plan.unjudged.context if plan.unjudged and plane.outlives_launcher else None
    if running and _would_publish_the_same(running, plan, asked):
        reason = f"attempt {running.attempt.number} was started before and has no verdict yet"
        ours = running.attempt.uid in started or _same_caller(running.labels, asked.labels)
        return Begun(running, None, reason, orphaned=ours)
    context, data = prepare(plan, plane, state, asked, ports)
    return Begun(context, data, plan.size.reason)


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


def _deadline(seconds: int, until: dt.datetime | None, now: dt.datetime) -> int:
    return seconds if until is None else max(1, min(seconds, int((until - now).total_seconds())))
