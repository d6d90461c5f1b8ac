"""Undoes what one attempt published, by a new commit: readers go from its rows to the rows before, in one step.

Everything is checked before anything is written. The undo takes an attempt number of its own, so a zombie of the undone
attempt stays fenced off.
"""

from __future__ import annotations

from contextlib import suppress

from polarpod.contract.context import Storage
from polarpod.contract.verdict import Category, PolarpodError, Verdict
from polarpod.launch.attempt_records import AttemptInfo, Record
from polarpod.launch.clock import Clock
from polarpod.launch.outputs.output import published
from polarpod.launch.outputs.parquet.undo import undo_quarantine
from polarpod.launch.state import State
from polarpod.launch.undo_target import Target, Undone, target_of
from polarpod.store.folder import Folder
from polarpod.store.outputs.output import newest_commit


def undo(info: AttemptInfo, state: State, storage: Storage, clock: Clock) -> Undone:
    """Undoes an attempt's publish, and returns the result.

    Raises:
        PolarpodError: it published nothing, something newer depends on it, or the earlier files are gone.
    """
    target = target_of(info, state)
    done, uid, number = _take_back(target, state, storage, clock)
    state.clear_standing(info.job, info.run_key)
    note = f"took back attempt {info.number} (uid {info.uid})"
    verdict = Verdict(category=Category.SUCCEEDED, summary=note)
    state.put_record(
        info.job,
        info.run_key,
        uid,
        Record(
            verdict=verdict,
            memory_limit_bytes=0,
            memory_peak_bytes=0,
            judged_at=clock.now(),
            worker_ended=True,
            took_back=info.uid,
        ),
    )
    # last: an error of the bad rows' dataset must not leave the undo of the good ones unrecorded
    if target.quarantine:
        undo_quarantine(Folder(target.quarantine, storage), target.wrote, number, clock.now())
    return done


def _take_back(target: Target, state: State, storage: Storage, clock: Clock) -> tuple[Undone, str, int]:
    """The result, and the undo's own uid and number."""
    info, uid = target.info, clock.new_uid()
    output = published(target.output)
    planned = output.plan_undo(target, state, storage)
    # the output may have commits of attempts that the state store has lost
    newest = newest_commit(target.output, storage, job=info.job, run_key=info.run_key)
    number = state.claim(info.job, info.run_key, uid, above=max(info.number, newest.number if newest else 0), at=clock.now())
    try:
        return output.commit_undo(planned, target, storage, number=number, now=clock.now()), uid, number
    except PolarpodError as error:
        if error.verdict.category is Category.PUBLISH_REFUSED:
            # nothing was committed under this number; kept, it would look like an attempt that was lost
            with suppress(PolarpodError):
                state.release(info.job, info.run_key, number)
        raise
