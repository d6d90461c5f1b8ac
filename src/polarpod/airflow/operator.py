"""The operator: one task, one run. It plans, starts and judges through `launch`, which relaunches while a budget allows."""

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
    """The attempt that a woken task goes on with."""

    run_key: str
    uid: str
    owned: bool
    outdated: bool

    def begun(self, state: State, job: str) -> AttemptHandle:
        context = state.context(job, self.run_key, self.uid)
        return AttemptHandle(context, None, "", orphaned=self.owned, outdated=self.outdated)


class RunJobOperator(BaseOperator):
    """Runs a job on a plane and returns its receipt's summary.

    Unknown jobs, planes and parameters are errors of the DAG file: they are raised here in the constructor. A failure
    that a retry would repeat (code, data) fails the task at once. After an out-of-memory end the run is relaunched bigger
    while that can help, after a failure of the platform as it was, both without spending the task's `retries`.

    Args:
        job: a job of the release document.
        plane: a plane of planes.yaml.
        job_params: the job's parameters, templated. `run_job` takes them as `params`, a name that Airflow's own
            constructor would take away.
        force: run although the same run's receipt stands.
        deferrable: wait in the triggerer, without a worker slot, on planes of pods. The log then comes at the end.
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
        # Airflow sets this on a task that it makes of a mapped one, to run it: nobody's code is calling then, and what is
        # wrong is for execute to find, which can fail without retries
        if getattr(self, "_BaseOperator__from_mapped", False):
            planes, release = files.found([Path(self.dag.fileloc).resolve().parent])
        else:
            planes, release = checked(job, plane, self.job_params, files)
        self.planes_file, self.release_file = str(planes), str(release)
        # a plain bool: it is set in a signal handler, which may interrupt itself, and a lock could not be taken twice
        self._stopping = False

    def execute(self, context: Mapping[str, Any]) -> dict[str, Any]:
        """Runs the job; returns the receipt's summary, which becomes the task's XCom."""
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
        """Goes on when the trigger has fired: judges the attempt, and relaunches or ends.

        Args:
            event: the trigger's; only a wake-up call, nothing is decided by it.
            run_key, uid: the attempt.
            spent: retries so far, by budget.
            until: when the task's execution_timeout is over (ISO 8601): Airflow starts it anew.
            attempts: how many there were, this one included; None in a deferral that an older release stored.
            owned: whether this task started the attempt, and so may end it.
            outdated: the attempt is only waited for; another follows.
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
        except BaseException as error:  # noqa: BLE001  # a timeout of the task's, or a fault of ours; raised again below
            # Airflow 3.0 prints the variables of every frame that an exception has passed, and ours hold the workers'
            # environment: so the frames are told here, as lines, and go no further
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
        """Hands the wait over to the triggerer; never returns."""
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
        """Asks the worker to stop. Called in a signal handler, perhaps twice; `execute` goes on and sees the request."""
        self._stopping = True


def _failure(ran: RunResult) -> Exception:
    """The exception that makes Airflow do what the budget says."""
    verdict = ran.verdict
    # memory: the relaunches have grown as far as growing helps; the task's own retries would only repeat the last one
    final = verdict.budget is Budget.MEMORY or not is_retryable(verdict.category)
    return (AirflowFailException if final else AirflowException)(verdict.text())
