"""One task, run by Airflow's own task runner in this process; what it would tell its supervisor is kept."""

from __future__ import annotations

import datetime as dt
import signal
import traceback
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple
from unittest import mock

import structlog
from airflow.sdk import DAG
from airflow.sdk.api.datamodels import _generated as models
from airflow.sdk.execution_time import task_runner

DAY = dt.datetime(2013, 2, 1, tzinfo=dt.UTC)


class End(NamedTuple):
    """How a task ended: `state` is the one Airflow gives the task instance, `text` all it would show of an error."""

    state: str
    error: BaseException | None
    xcom: Any

    @property
    def text(self) -> str:
        return "".join(traceback.format_exception(self.error)) if self.error else ""


class _Supervisor:
    """The other end of the task runner's socket. Knows the outputs of upstream tasks."""

    def __init__(self) -> None:
        self.sent: list[Any] = []

    def send(self, msg: Any) -> None:
        self.sent.append(msg)

    # 3.0's name for it
    def send_request(self, _log: Any, msg: Any) -> None:
        self.sent.append(msg)


def a_dag(dag_id: str = "shop", **kwargs: Any) -> DAG:
    return DAG(dag_id, schedule=None, start_date=DAY, **kwargs)


def run_task(task: Any, *, try_number: int = 1) -> End:
    """Runs a task of a DAG once."""
    instance = _instance(task, try_number)
    supervisor = _Supervisor()
    with mock.patch.object(task_runner, "SUPERVISOR_COMMS", supervisor, create=True), _own_signals():
        state, _, error = task_runner.run(instance, instance.get_template_context(), structlog.get_logger())
    xcoms = [message.value for message in supervisor.sent if type(message).__name__ == "SetXCom"]
    return End(str(getattr(state, "value", state)), error, xcoms[-1] if xcoms else None)


def _instance(task: Any, try_number: int) -> Any:
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
    )
    return task_runner.RuntimeTaskInstance.model_construct(
        id=uuid.uuid4(),
        task_id=task.task_id,
        dag_id=task.dag_id,
        run_id=run.run_id,
        try_number=try_number,
        map_index=-1,
        max_tries=task.retries,
        hostname="localhost",
        task=task,
        bundle_instance=mock.Mock(),
        start_date=DAY,
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
