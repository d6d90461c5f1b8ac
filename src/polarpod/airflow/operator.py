"""The operator: one task, one run. `launch` plans, starts and judges it, and relaunches while a budget allows."""

from __future__ import annotations

import datetime as dt
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from airflow.configuration import conf
from airflow.sdk import BaseOperator

from polarpod.airflow import task_identity
from polarpod.airflow.exceptions import AirflowException, AirflowFailException
from polarpod.airflow.parse_checks import Files, checked, values_of
from polarpod.airflow.planes.kind import airflow_kind
from polarpod.airflow.task_log import TaskLog
from polarpod.contract.redact import redact
from polarpod.contract.verdict import Budget, PolarpodError, is_retryable
from polarpod.launch.plan import make_plan
from polarpod.launch.planes.plane import Plane
from polarpod.launch.planes_file import choose_plane, load_planes, take_credentials
from polarpod.launch.run import AttemptHandle, Listener, RunOptions, RunResult, execute
from polarpod.launch.specs import from_release
from polarpod.launch.state import State
from polarpod.launch.state_documents import in_words
from polarpod.launch.worker import Deferred, Launcher


class _TakeUp(NamedTuple):
    """The attempt that a resumed task continues with."""

    run_key: str
    uid: str
    owned: bool
    outdated: bool

    def begun(self, state: State, job: str) -> AttemptHandle:
        context = state.context(job, self.run_key, self.uid)
        return AttemptHandle(context, None, "", orphaned=self.owned, outdated=self.outdated)


class RunJobOperator(BaseOperator):
    """Runs a job on a plane and returns its receipt's summary.

    Unknown jobs, planes and parameters are errors of the DAG file: the constructor raises them. A failure that a retry
    would repeat (code, data) fails the task at once. After an out-of-memory failure the run is relaunched with more memory
    while that can help, and after a platform failure unchanged; neither spends the task's `retries`.

    Args:
        job: a job of the release document.
        plane: a plane of planes.yaml.
        job_params: the job's parameters, templated. `run_job` takes them as `params`, a name that Airflow's own
            constructor uses.
        force: run even if the same run has succeeded already.
        deferrable: wait in the triggerer, without a worker slot, on planes of pods. The log then follows at the end.
    """

    template_fields = ("job_params",)
    template_fields_renderers = {"job_params": "json"}
    ui_color = "#d9e8f5"

    def __init__(
        self,
        *,
        job: str,
        plane: str,
        job_params: Any = None,
        force: bool = False,
        deferrable: bool | None = None,
        planes_file: str | None = None,
        release_file: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.job = job
        self.plane = plane
        self.job_params = job_params if job_params is not None else {}
        self.force = force
        default = conf.getboolean("operators", "default_deferrable", fallback=False)
        self.deferrable = default if deferrable is None else deferrable
        files = Files(Path(planes_file) if planes_file else None, Path(release_file) if release_file else None)
        # Airflow sets this on the task instance of a mapped task when it runs: there is no DAG code in the call stack then,
        # and execute finds errors, since it can fail without retries
        if getattr(self, "_BaseOperator__from_mapped", False):
            planes, release = files.found([Path(self.dag.fileloc).resolve().parent])
        else:
            planes, release = checked(job, plane, self.job_params, files)
        self.planes_file, self.release_file = str(planes), str(release)
        # a plain bool: a signal handler sets it, which may interrupt itself, and a lock could not be acquired twice
        self._stopping = False

    def execute(self, context: Mapping[str, Any]) -> dict[str, Any]:
        """Runs the job. Returns the receipt's summary, which becomes the task's XCom."""
        return self._run(context, task_identity.until(self.execution_timeout, context), {})

    def resume(
        self,
        context: Mapping[str, Any],
        event: Any,
        *,
        run_key: str,
        uid: str,
        spent: dict[str, int],
        until: str | None,
        attempts: int | None = None,
        owned: bool = True,
        outdated: bool = False,
    ) -> dict[str, Any]:
        """Continues when the trigger has fired: judges the attempt, and relaunches or ends.

        Args:
            event: the trigger's event; only its phase is logged, nothing depends on it.
            run_key, uid: the attempt.
            spent: retries so far, by budget.
            until: when the task's execution_timeout ends (ISO 8601); Airflow restarts it when a task resumes.
            attempts: the number so far, this one included; None in a deferral that an older release stored.
            owned: whether this task started the attempt, and so may end it.
            outdated: whether the attempt is only waited for, and another follows.
        """
        self.log.info("woken: the pod is %s", (event or {}).get("phase") or "to be looked at")
        left = dt.datetime.fromisoformat(until) if until else None
        take_up = _TakeUp(run_key, uid, owned=owned, outdated=outdated)
        counted = sum(spent.values()) + 1 if attempts is None else attempts
        return self._run(context, left, {Budget(name): count for name, count in spent.items()}, take_up, counted)

    def _run(
        self,
        context: Mapping[str, Any],
        until: dt.datetime | None,
        spent: dict[Budget, int],
        take_up: _TakeUp | None = None,
        attempts: int = 0,
    ) -> dict[str, Any]:
        words = TaskLog(self.log)
        try:
            ran = self._execute(context, until, spent, take_up, attempts, words)
        except Deferred as handed:
            return self._defer(handed, context, until, spent)
        except PolarpodError as error:
            ran = RunResult(error.verdict, None, 0)
        except BaseException as error:  # noqa: BLE001  # the task timeout, or an internal error; raised again below
            # Airflow 3.0 prints the variables of every frame of a traceback, and polarpod's hold the workers' environment:
            # so the traceback is logged here, without variables, and removed from the exception
            self.log.error("%s", redact("".join(traceback.format_exception(error))))
            raise error.with_traceback(None) from None
        if ran.verdict.succeeded and ran.receipt is not None:
            words.success(ran.verdict, ran.receipt)
            return ran.receipt.summary() | {"category": str(ran.verdict.category), "attempts": ran.attempts}
        self.log.error("%s", ran.verdict.text())
        raise _failure(ran) from None

    def _execute(
        self,
        context: Mapping[str, Any],
        until: dt.datetime | None,
        spent: dict[Budget, int],
        attempt: _TakeUp | None,
        attempts: int,
        words: TaskLog,
    ) -> RunResult:
        plane = self._plane()
        state = State(plane.state, plane.storage, on_damage=lambda damage: words.warning(in_words(damage)))
        specs, params = from_release(Path(self.release_file)), values_of(self.job_params)
        return execute(
            lambda: make_plan(self.job, params, specs=specs, plane_name=self.plane, plane=plane, state=state),
            plane=plane,
            state=state,
            options=RunOptions(self.force, task_identity.labels(context), until),
            make_launcher=lambda plane: self._launcher(plane, context, woken=attempt.uid if attempt else None),
            listener=Listener(words.attempt, words.verdict, words.message, words.log, lambda: self._stopping, words.warning),
            spent=spent,
            take_up=(lambda: attempt.begun(state, self.job)) if attempt else None,
            attempts=attempts,
        )

    def _launcher(self, plane: Plane, context: Mapping[str, Any], *, woken: str | None) -> Launcher:
        return airflow_kind(plane.kind).launcher(plane, context, deferrable=self.deferrable, woken=woken)

    def _defer(
        self, handed: Deferred, context: Mapping[str, Any], until: dt.datetime | None, spent: dict[Budget, int]
    ) -> dict[str, Any]:
        """Hands the wait over to the triggerer. Never returns: Airflow's `defer` raises."""
        plane = self._plane()
        attempt = handed.context
        return self.defer(
            trigger=airflow_kind(plane.kind).trigger(handed, plane, task_identity.task(context)),
            method_name="resume",
            kwargs={
                "run_key": attempt.run_key,
                "uid": attempt.attempt.uid,
                "spent": {str(budget): count for budget, count in spent.items()},
                "until": until.isoformat() if until else None,
                "attempts": handed.attempts,
                "owned": handed.owned,
                "outdated": handed.outdated,
            },
        )

    def _plane(self) -> Plane:
        plane = choose_plane(load_planes(Path(self.planes_file)), self.plane, source=self.planes_file)
        take_credentials(plane)
        return plane

    def on_kill(self) -> None:
        """Requests the worker's stop. Called in a signal handler, possibly twice; `execute` continues and reads the flag."""
        self._stopping = True


def _failure(ran: RunResult) -> Exception:
    """The exception that makes Airflow retry or fail the task according to the verdict's budget."""
    verdict = ran.verdict
    # memory: relaunches have raised memory as far as it helps; the task's own retries would only repeat the last one
    final = verdict.budget is Budget.MEMORY or not is_retryable(verdict.category)
    return (AirflowFailException if final else AirflowException)(verdict.text())
