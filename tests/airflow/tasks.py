"""One task, run by Airflow's own task runner in this process; what it would tell its supervisor is kept."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import signal
import traceback
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any, NamedTuple
from unittest import mock

import airflow
import structlog
from airflow.sdk import DAG
from airflow.sdk.api.datamodels import _generated as models
from airflow.sdk.exceptions import ErrorType
from airflow.sdk.execution_time import comms, task_runner

DAY = dt.datetime(2013, 2, 1, tzinfo=dt.UTC)


class Deferral(NamedTuple):
    """A task that waits in the triggerer: everything here went through Airflow's database, as JSON."""

    trigger: Any
    method: str
    kwargs: dict[str, Any]
    # the arguments of the trigger, as they are stored
    stored: str


class End(NamedTuple):
    """How a task ended: `state` is the one Airflow gives the task instance, `text` all it would show of an error."""

    state: str
    error: BaseException | None
    xcom: Any
    deferral: Deferral | None = None

    @property
    def text(self) -> str:
        return "".join(traceback.format_exception(self.error)) if self.error else ""


class _Supervisor:
    """The other end of the task runner's socket. Knows no connections."""

    def __init__(self) -> None:
        self.sent: list[Any] = []

    def send(self, msg: Any) -> Any:
        self.sent.append(msg)
        if isinstance(msg, comms.GetConnection):
            return comms.ErrorResponse(error=ErrorType.CONNECTION_NOT_FOUND, detail={"conn_id": msg.conn_id})
        return None


def a_dag(dag_id: str = "shop", **kwargs: Any) -> DAG:
    return DAG(dag_id, schedule=None, start_date=DAY, **kwargs)


def run_task(task: Any, *, try_number: int = 1, map_index: int = -1, woken: tuple[Deferral, Any] | None = None) -> End:
    """Runs a task of a DAG once: to its end, or until it is deferred.

    Args:
        woken: what it was deferred with, and the event of the trigger.
    """
    instance = _instance(task, try_number, map_index, woken)
    supervisor = _Supervisor()
    with mock.patch.object(task_runner, "SUPERVISOR_COMMS", supervisor, create=True), _own_signals():
        state, message, error = task_runner.run(instance, instance.get_template_context(), structlog.get_logger())
    xcoms = [message.value for message in supervisor.sent if type(message).__name__ == "SetXCom"]
    deferral = _deferral(message) if isinstance(message, comms.DeferTask) else None
    return End(str(getattr(state, "value", state)), error, xcoms[-1] if xcoms else None, deferral)


def run_deferrable(task: Any, *, try_number: int = 1, woken: tuple[Deferral, Any] | None = None) -> End:
    """Runs a task to its end, and its triggers, as the triggerer does."""
    end = run_task(task, try_number=try_number, woken=woken)
    while end.deferral:
        # no scheduler is here that would have to hear of the deferral first
        with mock.patch("polarpod.airflow.planes.kubernetes.trigger._SETTLED_SECONDS", 0.0):
            event = asyncio.run(first_event(end.deferral.trigger))
        end = run_task(task, try_number=try_number, woken=(end.deferral, event))
    return end


async def first_event(trigger: Any) -> Any:
    async for event in trigger.run():
        return event.payload
    raise AssertionError("the trigger has ended without an event")


def _deferral(message: Any) -> Deferral:
    stored = json.dumps(message.trigger_kwargs)
    module, _, name = message.classpath.rpartition(".")
    trigger = getattr(import_module(module), name)(**json.loads(stored))
    return Deferral(trigger, message.next_method, json.loads(json.dumps(message.next_kwargs)), stored)


def _next(woken: tuple[Deferral, Any] | None) -> dict[str, Any]:
    """What the API server tells a task that goes on; each Airflow has its own way of writing it."""
    if woken is None:
        return {}
    deferral, event = woken
    kwargs = deferral.kwargs | {"event": event}
    if airflow.__version__.startswith("3.0."):
        from airflow.serialization.serialized_objects import BaseSerialization

        kwargs = BaseSerialization.serialize(kwargs)
    return {"next_method": deferral.method, "next_kwargs": kwargs}


def _instance(task: Any, try_number: int, map_index: int, woken: tuple[Deferral, Any] | None) -> Any:
    run = _build(
        models.DagRun,
        dag_id=task.dag_id,
        run_id="manual__2013-02-01",
        logical_date=DAY,
        data_interval_start=DAY,
        data_interval_end=DAY + dt.timedelta(days=1),
        run_after=DAY,
        start_date=DAY,
        run_type="manual",
        clear_number=0,
        consumed_asset_events=[],
        state="running",
        conf={},
    )
    context = _build(
        models.TIRunContext,
        dag_run=run,
        task_reschedule_count=0,
        max_tries=task.retries,
        should_retry=try_number <= task.retries,
        variables=[],
        connections=[],
        upstream_map_indexes={},
        xcom_keys_to_clear=[],
        **_next(woken),
    )
    return task_runner.RuntimeTaskInstance.model_construct(
        id=uuid.uuid4(),
        task_id=task.task_id,
        dag_id=task.dag_id,
        run_id=run.run_id,
        try_number=try_number,
        map_index=map_index,
        max_tries=task.retries,
        hostname="localhost",
        task=task,
        bundle_instance=mock.Mock(),
        start_date=dt.datetime.now(dt.UTC),
        end_date=None,
        state=None,
        is_mapped=False,
        log_url=None,
        rendered_map_index=None,
        dag_version_id=uuid.uuid4(),
        _ti_context_from_server=context,
    )


def _build(model: Any, **values: Any) -> Any:
    """A model of this Airflow, which has some of these fields, and in 3.3 others that must be given as None."""
    required = {name: None for name, field in model.model_fields.items() if field.is_required()}
    return model.model_validate(required | {name: value for name, value in values.items() if name in model.model_fields})


@contextmanager
def _own_signals() -> Iterator[None]:
    """The task runner installs handlers in what is its own process, elsewhere."""
    numbers = (signal.SIGTERM, signal.SIGALRM)
    before = {number: signal.getsignal(number) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
