"""The operator: one task, one run. It plans, starts and judges through `launch`, and lets Airflow do the retrying."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from airflow.sdk import BaseOperator

from polarpod.airflow.exceptions import AirflowException, AirflowFailException
from polarpod.airflow.request import Files, checked
from polarpod.contract.context import Context
from polarpod.contract.message import Message
from polarpod.contract.param import Scalar
from polarpod.contract.receipt import Receipt
from polarpod.contract.resources import format_bytes
from polarpod.contract.verdict import Budget, Category, PolarpodError, Verdict, is_retryable
from polarpod.launch.plan import Plan, make_plan
from polarpod.launch.planes import choose_plane, load_planes
from polarpod.launch.run import Listener, Ran, execute
from polarpod.launch.specs import from_release
from polarpod.launch.state import State

# As many as the memory budget grows: 1 GiB reaches 8 GiB. Platform failures share them.
DEFAULT_RETRIES = 3
# a line in the task log now and then; the whole is in the heartbeat
_PROGRESS_SECONDS = 15.0


class RunJobOperator(BaseOperator):
    """Runs a job on a plane and returns its receipt's summary.

    Unknown jobs, planes and parameters are errors of the DAG file: they are raised here in the constructor. A failure
    that a retry would repeat (code, data) fails the task at once; memory and platform failures are retried by Airflow,
    and the retry after an out-of-memory end is bigger.

    Args:
        job: a job of the release document.
        plane: a plane of planes.yaml.
        job_params: the job's parameters, templated. `run_job` takes them as `params`, a name that Airflow's own
            constructor would take away.
        force: run although the same run's receipt stands.
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
        planes_file: str | None = None,
        release_file: str | None = None,
        **kwargs: Any,
    ) -> None:
        # Airflow has merged the DAG's and the task group's into these by now
        defaults = kwargs.get("default_args") or {}
        if "retries" not in kwargs and "retries" not in defaults:
            kwargs["retries"] = DEFAULT_RETRIES
        super().__init__(**kwargs)
        self.job = job
        self.plane = plane
        self.job_params = job_params if job_params is not None else {}
        self.force = force
        given = Files(Path(planes_file) if planes_file else None, Path(release_file) if release_file else None)
        # Airflow sets this on a task that it makes of a mapped one, to run it: nobody's code is calling then, and what is
        # wrong is for execute to find, which can fail without retries
        if getattr(self, "_BaseOperator__from_mapped", False):
            planes, release = given.found([Path(self.dag.fileloc).resolve().parent])
        else:
            planes, release = checked(job, plane, self.job_params, given)
        self.planes_file, self.release_file = str(planes), str(release)
        # a plain bool: it is set in a signal handler, which may interrupt itself, and a lock could not be taken twice
        self._stopping = False

    def execute(self, context: Mapping[str, Any]) -> dict[str, Any]:
        """Runs the job; returns the receipt's summary, which becomes the task's XCom."""
        try:
            ran = self._run(_labels(context))
        except PolarpodError as error:
            ran = Ran(error.verdict, None, 0)
        if ran.verdict.succeeded and ran.receipt is not None:
            self._say_success(ran.verdict, ran.receipt)
            return ran.receipt.summary() | {"category": str(ran.verdict.category), "attempts": ran.attempts}
        self.log.error("%s", ran.verdict.text())
        raise _failure(ran) from None

    def _run(self, labels: dict[str, str]) -> Ran:
        plane = choose_plane(load_planes(Path(self.planes_file)), self.plane, source=self.planes_file)
        state = State(plane.state, plane.storage)
        specs = from_release(Path(self.release_file))
        given = _given(self.job_params)

        def plan() -> Plan:
            return make_plan(self.job, given, specs=specs, plane_name=self.plane, plane=plane, state=state)

        return execute(
            plan,
            plane=plane,
            state=state,
            force=self.force,
            # Airflow retries: its history, its delays, its alerts. The state store tells the next try what this one met.
            allowed={},
            labels=labels,
            listener=Listener(
                on_attempt=self._say_attempt,
                on_message=_Throttled(self._say_progress),
                on_log=self._say_log,
                stop=lambda: self._stopping,
            ),
        )

    def on_kill(self) -> None:
        """Asks the worker to stop. Called in a signal handler, perhaps twice; `execute` goes on and sees the request."""
        self._stopping = True

    def _say_attempt(self, context: Context, reason: str) -> None:
        memory = format_bytes(context.resources.memory_bytes)
        run = f"{context.job.name}/{context.run_key}"
        self.log.info("%s attempt %s: %g cpu, %s (%s)", run, context.attempt.number, context.resources.cpu, memory, reason)
        self.log.info("receipt: %s/receipt.json", context.attempt_uri)

    def _say_success(self, verdict: Verdict, receipt: Receipt) -> None:
        self.log.info("%s", verdict.text())
        if receipt.published:
            done = receipt.published
            self.log.info("published: %s rows in %s, version %s", f"{done.rows:,}", done.uri, done.version)
        usage = receipt.usage
        limit = format_bytes(usage.memory_limit_bytes)
        self.log.info("used: %.1f s, %s of %s", usage.wall_seconds, format_bytes(usage.memory_peak_bytes), limit)

    def _say_progress(self, message: Message) -> None:
        self.log.info(
            "%s: %s rows, %s of %s, %.0f s",
            message.phase,
            f"{message.rows:,}",
            format_bytes(message.memory_bytes),
            format_bytes(message.memory_limit_bytes),
            message.elapsed_seconds,
        )

    def _say_log(self, lines: bytes) -> None:
        for line in lines.decode(errors="replace").splitlines():
            # the worker's verdict is the task's own last word
            if not line.startswith(("polarpod: ", "  evidence: ", "  what to do: ")):
                self.log.info("| %s", line)


class _Throttled:
    """Passes on a heartbeat at most every so often, by the worker's own clock."""

    def __init__(self, say: Any) -> None:
        self._say = say
        self._next = _PROGRESS_SECONDS

    def __call__(self, message: Message) -> None:
        if message.kind == "heartbeat" and message.elapsed_seconds >= self._next:
            self._next = message.elapsed_seconds + _PROGRESS_SECONDS
            self._say(message)


def _given(params: Any) -> dict[str, Scalar]:
    """The parameters once everything is rendered; only now is it known that they are parameters at all."""
    if not isinstance(params, Mapping):
        raise PolarpodError(
            Category.REQUEST_INVALID,
            "the parameters are not a mapping of names to values",
            evidence=[f"they are a {type(params).__name__}"],
            remedy='Pass params={"ds": "{{ ds }}"}; a task whose output is expanded over returns a list of such dicts.',
        )
    # whatever else there is would turn into text, None into "None"
    wrong = {name: value for name, value in params.items() if not isinstance(value, (str, int, float, dt.date))}
    if wrong:
        raise PolarpodError(
            Category.REQUEST_INVALID,
            "a parameter is not text, a number, a truth value or a date",
            evidence=[f"{name} is a {type(value).__name__}" for name, value in wrong.items()],
            remedy="Pass one value for each parameter; a list is what `.expand` makes runs of.",
        )
    return {str(name): str(value) if isinstance(value, dt.date) else value for name, value in params.items()}


def _failure(ran: Ran) -> Exception:
    """The exception that makes Airflow do what the budget says."""
    verdict = ran.verdict
    # out of memory before any worker was started: there is no bigger attempt left that Airflow could wait for
    exhausted = verdict.budget is Budget.MEMORY and not ran.attempts
    kind = AirflowException if is_retryable(verdict.category) and not exhausted else AirflowFailException
    return kind(verdict.text())


def _labels(context: Mapping[str, Any]) -> dict[str, str]:
    """Which task instance asked, for the receipt."""
    instance = context.get("ti")
    names = ("dag_id", "task_id", "run_id", "map_index", "try_number")
    found = {name: getattr(instance, name, None) for name in names}
    # a task that is not mapped has the index -1
    return {f"airflow.{name}": str(value) for name, value in found.items() if value not in (None, -1)}
