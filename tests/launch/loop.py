"""The run loop without planning and workers: scripted plans, scripted ends, a real state store on disk."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from tests.launch.kubernetes.attempts import CONTEXT

from polarpod.contract.context import Context
from polarpod.contract.receipt import Receipt, Usage
from polarpod.contract.verdict import Budget, Category, PolarpodError, Verdict
from polarpod.launch.listener import Listener
from polarpod.launch.memory_sizing import Size
from polarpod.launch.plan import Plan
from polarpod.launch.planes.process.config import ProcessPlane
from polarpod.launch.retry_budgets import DEFAULT
from polarpod.launch.run import AttemptHandle, Clock, RunResult, execute
from polarpod.launch.state import State
from polarpod.launch.worker import WorkerExit
from polarpod.store.fence import Standing

PLAN = Plan(
    job=CONTEXT.job,
    params=CONTEXT.params,
    run_key=CONTEXT.run_key,
    code_version=CONTEXT.code_version,
    plane=CONTEXT.plane,
    listings={},
    pins={},
    fingerprint="f",
    standing=Standing(None, same=False),
    size=Size(CONTEXT.resources, "as declared"),
)
AWAY = PolarpodError(Category.STORAGE_UNAVAILABLE, "the store is away")
DENIED = PolarpodError(Category.STORAGE_DENIED, "the store says no")


def verdict(category: Category) -> Verdict:
    return Verdict(category=category, summary="it ended")


def ended(category: Category = Category.SUCCEEDED, **changes: Any) -> WorkerExit:
    return WorkerExit(lambda receipt: verdict(category), None, b"", seen=True)._replace(**changes)


class Broken(State):
    """A state store of which named methods fail so many times."""

    def __init__(self, root: Path, **failures: list[Exception]) -> None:
        super().__init__(str(root))
        self.calls: list[str] = []
        for name, errors in failures.items():
            setattr(self, name, self._failing(name, getattr(self, name), errors))

    def _failing(self, name: str, work: Callable[..., Any], errors: list[Exception]) -> Callable[..., Any]:
        def fail(*args: Any, **kwargs: Any) -> Any:
            self.calls.append(name)
            if errors:
                raise errors.pop(0)
            return work(*args, **kwargs)

        return fail


class Loop:
    """One run; what was told of it."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.pauses: list[float] = []
        self.warnings: list[str] = []
        # whether each worker was asked to stop as soon as it was looked at
        self.stops: list[bool] = []
        # whether each attempt that was attached to, and not started, was taken for this launcher's own
        self.attached: list[bool] = []
        self.verdicts: list[tuple[Category, bool]] = []
        self.listener = Listener(
            on_verdict=lambda verdict, again: self.verdicts.append((verdict.category, again)),
            on_warning=self.warnings.append,
        )

    def run(
        self,
        *ends: WorkerExit | PolarpodError,
        plans: Iterable[Plan | Exception] = (),
        planned: Callable[[], Plan] = lambda: PLAN,
        take_up: Callable[[], AttemptHandle] | None = None,
        attempts: int = 0,
        spent: dict[Budget, int] | None = None,
    ) -> RunResult:
        """Args:
        plans: what planning comes to, in order; then it is `planned`.
        """
        script, left = iter(plans), iter(ends)

        def make_plan() -> Plan:
            found = next(script, None) or planned()
            if isinstance(found, Exception):
                raise found
            return found

        def end() -> WorkerExit:
            found = next(left)
            if isinstance(found, Exception):
                raise found
            return found

        stops, attached = self.stops, self.attached

        class Workers:
            def run(self, context: Context, data: bytes, listener: Listener) -> WorkerExit:
                stops.append(listener.stop())
                listener.on_log(b"a line\n")
                return end()

            def attach(self, context: Context, listener: Listener, *, orphaned: bool) -> WorkerExit:
                stops.append(listener.stop())
                attached.append(orphaned)
                return end()

        return execute(
            make_plan,
            plane=ProcessPlane(state=self.state.folder.uri),
            state=self.state,
            make_launcher=lambda plane: Workers(),
            allowed=DEFAULT,
            listener=self.listener,
            # a pause of the store's patience is one second, and no business of the budgets
            clock=Clock(now=lambda: CONTEXT.created_at, pause=lambda seconds, stop: self.pauses.append(seconds)),
            spent=spent,
            take_up=take_up,
            attempts=attempts,
        )

    def recorded(self) -> list[Category | None]:
        infos = self.state.attempts(CONTEXT.job.name, CONTEXT.run_key)
        return [info.record.verdict.category if info.record else None for info in reversed(infos)]


def receipt_of(context: Context, category: Category = Category.SUCCEEDED, *, peak: int = 0) -> Receipt:
    return Receipt(
        job=context.job.name,
        run_key=context.run_key,
        attempt=context.attempt,
        status="succeeded" if category is Category.SUCCEEDED else "failed",
        verdict=verdict(category),
        params=context.params,
        code_version=context.code_version,
        plane=context.plane,
        fingerprint="f",
        usage=Usage(
            wall_seconds=1, cpu_seconds=1, memory_peak_bytes=peak, memory_limit_bytes=context.resources.memory_bytes
        ),
        started_at=context.created_at,
        finished_at=context.created_at,
    )
