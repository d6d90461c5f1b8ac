"""One run from request to verdict: plan, skip or claim, launch, judge, record, and retry while a budget allows.

The only module that combines these. Clock and uids are passed in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from polarpod.contract.dataset import publish_mode
from polarpod.contract.verdict import Budget, Category, PolarpodError, Verdict
from polarpod.launch.begin import AttemptHandle, RunOptions, begin, context_of, prepare
from polarpod.launch.clock import Clock
from polarpod.launch.heartbeats import Heartbeats
from polarpod.launch.listener import Listener
from polarpod.launch.plan import Plan
from polarpod.launch.planes.plane import Plane
from polarpod.launch.planes.registry import launcher_of
from polarpod.launch.recording import RunResult, record, record_receipt
from polarpod.launch.retry_budgets import DEFAULT, pause_seconds, try_again
from polarpod.launch.state import State
from polarpod.launch.worker import Deferred, Launcher, Unobservable, WorkerExit

# what a caller of a run needs, in one place
__all__ = [
    "AttemptHandle",
    "Clock",
    "Listener",
    "RunOptions",
    "RunResult",
    "begin",
    "context_of",
    "execute",
    "nothing_to_do",
    "prepare",
    "record",
    "see_through",
    "skip",
]


# how many of the newest commits that changed a run's rows are reported
_CHANGES_TOLD = 3


def execute(
    make_plan: Callable[[], Plan],
    *,
    plane: Plane,
    state: State,
    options: RunOptions = RunOptions(),  # noqa: B008  # immutable
    make_launcher: Callable[[Plane], Launcher] = launcher_of,
    allowed: Mapping[Budget, int] = DEFAULT,
    listener: Listener | None = None,
    clock: Clock | None = None,
    spent: dict[Budget, int] | None = None,
    take_up: Callable[[], AttemptHandle] | None = None,
    attempts: int = 0,
) -> RunResult:
    """Runs until a verdict for which no budget allows a retry, and returns its result.

    The budgets cover the whole run: a store that is unreachable while the run is planned, claimed or recorded spends a retry
    like one that ends a worker.

    Args:
        make_plan: plans anew before each attempt, since a failed one changes the size and inputs may have changed.
        make_launcher: returns the launcher of workers; only called where one is needed.
        allowed: retries by budget.
        spent: the retries spent so far, by budget; updated in place.
        take_up: returns an attempt to complete first, of a run that was deferred and is resumed.
        attempts: the number of workers before, that of `take_up` included.

    Raises:
        Deferred: by a launcher that does not wait itself.
        PolarpodError: before a worker was started, or while its receipt was read, and no budget is left.
    """
    listener, clock = (listener or Listener()).guarded(), clock or Clock()
    spent = {} if spent is None else spent
    launcher: Launcher | None = None
    begun: AttemptHandle | None = None
    ended: WorkerExit | None = None
    started: set[str] = set()
    prepared: set[str] = set()
    while True:
        failure: PolarpodError | None = None
        try:
            begun, take_up = begun or (take_up() if take_up else None), None
            if begun is None:
                plan = make_plan()
                if nothing := nothing_to_do(plan, state, options):
                    return nothing._replace(attempts=attempts)
            launcher = launcher or make_launcher(plane)
            if begun is None:
                begun = begin(plan, plane, state, options, clock, started=started, prepared=prepared)
                started.add(begun.context.attempt.uid)
                attempts += 1
                listener.on_attempt(begun.context, begun.reason)
            ended = ended or _end_of(begun, launcher, state, listener, clock)
            ran = record(begun.context, ended, state, clock, listener.on_warning)
        except Deferred as handed:
            handed.attempts, handed.outdated = attempts, begun is not None and begun.outdated
            raise
        except _NoVerdict as error:
            ran, begun = RunResult(error.verdict, None, 1), None
        except PolarpodError as error:
            ran, failure = RunResult(error.verdict, None, 1), error
            take_up = _asked_again(take_up, error)
        if begun and begun.outdated and not failure and not ran.unrecorded and not listener.stop():
            # it only had to end before the next attempt
            begun, ended = None, None
            continue
        # a verdict that could not be recorded is recorded first in the retry: the next attempt's size depends on it
        met = ran.verdict if ran.verdict.succeeded or not ran.unrecorded else ran.unrecorded
        again = not listener.stop() and try_again(met, spent, allowed)
        listener.on_verdict(met, again)
        if again:
            clock.pause(pause_seconds(met, spent), listener.stop)
            spent[met.budget] = spent.get(met.budget, 0) + 1
        # after a stop request meanwhile no further attempt is started
        if not again or listener.stop():
            if failure:
                raise failure
            return ran._replace(attempts=attempts)
        if not failure and not ran.unrecorded:
            begun, ended = None, None


def _asked_again(take_up: Callable[[], AttemptHandle] | None, error: PolarpodError) -> Callable[[], AttemptHandle] | None:
    """`take_up` for a retry; None where the attempt's context is gone or damaged: a new attempt replaces it."""
    return None if error.verdict.category is Category.CONTEXT_INVALID else take_up


def nothing_to_do(plan: Plan, state: State, options: RunOptions) -> RunResult | None:
    """The result where no worker is needed, or none can help; else None."""
    if not options.force and (skipped := skip(plan, state)):
        return skipped
    return RunResult(plan.size.stop, None, 0) if plan.size.stop else None


def see_through(begun: AttemptHandle, launcher: Launcher, state: State, listener: Listener, clock: Clock) -> RunResult:
    """Starts the worker, or attaches to the one that was started, and records its end."""
    try:
        return record(begun.context, _end_of(begun, launcher, state, listener, clock), state, clock)
    except _NoVerdict as error:
        return RunResult(error.verdict, None, 1)


class _NoVerdict(Exception):
    """An attempt whose worker cannot be observed, and may still run. The next launcher attaches to it."""

    def __init__(self, verdict: Verdict) -> None:
        self.verdict = verdict
        super().__init__(verdict.text())


def _end_of(begun: AttemptHandle, launcher: Launcher, state: State, listener: Listener, clock: Clock) -> WorkerExit:
    """Starts the worker, or attaches to the one that was started, and waits for its end."""
    job, run_key, uid = begun.context.job.name, begun.context.run_key, begun.context.attempt.uid
    if begun.outdated and begun.orphaned:
        listener = listener._replace(stop=lambda: True)
    listener = listener._replace(heartbeat=Heartbeats(lambda: state.heartbeat(job, run_key, uid)).new)
    try:
        if begun.data is None:
            return launcher.attach(begun.context, listener, orphaned=begun.orphaned)
        return launcher.run(begun.context, begun.data, listener)
    except Deferred:
        raise
    except Unobservable as error:
        raise _NoVerdict(error.verdict) from None
    except PolarpodError as error:
        verdict = error.verdict
        if begun.data is None:
            # it was started before, and may still run although the lookup fails now
            raise _NoVerdict(verdict) from None
        # it could not be started; the attempt has a number, so it gets a verdict nonetheless
        return WorkerExit(lambda receipt: receipt.verdict if receipt else verdict, None, b"")
    except BaseException:
        # a timeout or a second Ctrl-C in this process: the worker was ended, and may have left its receipt
        record_receipt(begun.context, state, clock)
        raise


def skip(plan: Plan, state: State) -> RunResult | None:
    """The result from the standing receipt, where code, parameters and inputs are unchanged and the rows exist; else None.

    The table is checked, not only the state store: a deleted table must not count as up to date. Rows whose values another
    writer has changed stay as they are, since that was done on purpose; the verdict reports them.
    """
    if not plan.standing.same or plan.standing.number is None:
        return None
    note = state.standing(plan.job.name, plan.run_key)
    if note is None or note.fingerprint != plan.fingerprint:
        return None
    receipt = state.receipt(plan.job.name, plan.run_key, note.uid)
    if receipt is None or receipt.status != "succeeded":
        return None
    finished = f"attempt {note.number}, uid {note.uid}, finished {receipt.finished_at:%Y-%m-%d %H:%M:%S %Z}"
    return RunResult(_standing(plan, finished), receipt, 0)


def _standing(plan: Plan, finished: str) -> Verdict:
    changes = plan.standing.changes
    if not changes:
        unchanged = "code, parameters and inputs are unchanged; the receipt stands"
        return Verdict(category=Category.SKIPPED, summary=unchanged, evidence=[finished])
    more = f", and {len(changes) - _CHANGES_TOLD:,} more" if len(changes) > _CHANGES_TOLD else ""
    again = {
        "replace": "Run with --force to publish the run's own rows over them.",
        "append": "To publish the run's own rows again, delete them from the table, then run.",
    }
    return Verdict(
        category=Category.SKIPPED,
        summary="code, parameters and inputs are unchanged; others have changed rows of the run in the table since, "
        "which are left as they are",
        evidence=[finished, f"changed since: {', '.join(changes[-_CHANGES_TOLD:])}{more}"],
        remedy=again.get(publish_mode(plan.job.output), ""),
    )
