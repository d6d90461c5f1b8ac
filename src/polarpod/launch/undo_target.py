"""The publish that an undo targets, from the state store and the table together.

The state store's documents may be lost or damaged; the table itself records which attempt wrote the rows that stand. So a
receipt or a context is enough, an attempt's own or that of another attempt of the same run: either states the place.
"""

from __future__ import annotations

from typing import NamedTuple

from polarpod.contract.context import Storage
from polarpod.contract.dataset import Delta, Output, Parquet
from polarpod.contract.verdict import Category, PolarpodError
from polarpod.launch.attempt_records import AttemptInfo
from polarpod.launch.state import State
from polarpod.store.location import normal
from polarpod.store.outputs.output import newest_commit


class Undone(NamedTuple):
    """The result of an undo: the place, its new version, the number of files removed and of files restored."""

    uri: str
    version: int
    removed: int
    restored: int


class Target(NamedTuple):
    """The target of an undo.

    Attributes:
        wrote: uid of the attempt that wrote the rows: the named one, or one whose rows it has adopted.
        output: the place of the rows; its publish options are known only from a context.
        quarantine: the place of the bad rows.
    """

    info: AttemptInfo
    wrote: str
    output: Output
    quarantine: str | None

    @property
    def run(self) -> str:
        return f"{self.info.job}/{self.info.run_key}"


def find(name: str, state: State, storage: Storage) -> AttemptInfo:
    """The attempt that a name identifies for an undo: an attempt by its uid, or of a run the one whose rows stand.

    Raises:
        PolarpodError: no attempt has this name, or several have.
    """
    try:
        info = state.find(name)
    except PolarpodError as error:
        raise _perhaps_lost(error) from None
    # a run by its name: later attempts that failed published nothing, and neither did undos
    return info if info.uid.startswith(name) else _standing(info, state, storage)


def target_of(info: AttemptInfo, state: State) -> Target:
    """The place of an attempt's rows, and the attempt that wrote them.

    Raises:
        PolarpodError: the attempt is an undo itself, or no document that states the place is left.
    """
    if info.record and info.record.took_back:
        raise refusal(info, "it is an undo itself", "Run the job to publish again what it took back.")
    published = info.receipt.published if info.receipt else None
    found = _place(info) or next(filter(None, map(_place, state.attempts(info.job, info.run_key))), None)
    if found is None:
        raise refusal(
            info,
            "the state store has neither its context nor its receipt, so that nobody can say what it published, or where",
            "Restore them from a backup. Where there is none, run it again: the new attempt finds the rows that stand, and "
            f"`polarpod undo {info.job}/{info.run_key}` takes them back.",
        )
    return Target(info, (published and published.adopted_from) or info.uid, *found)


def refusal(info: AttemptInfo, why: str, remedy: str, *, evidence: list[str] | None = None) -> PolarpodError:
    return PolarpodError(
        Category.PUBLISH_REFUSED,
        f"attempt {info.number} of {info.job}/{info.run_key} cannot be taken back: {why}",
        evidence=[f"uid {info.uid}", *(evidence or []), *info.damaged],
        remedy=remedy,
    )


def not_in(target: Target, names: str, stands: str | None) -> PolarpodError:
    """The refusal for an attempt that the log or the manifest does not name.

    Args:
        names: the description of that log or manifest.
        stands: uid of the attempt whose rows of this run stand there; None where there is none.
    """
    remedy = (
        f"`polarpod undo {target.run}` takes back what stands of this run, the rows of attempt {stands[:12]}."
        if stands
        else "There is nothing of it that an undo could take back: correct the rows by another run."
    )
    return unpublished(target, f"{names} does not name it", remedy) or refusal(
        target.info, f"{names} does not name it any more", remedy
    )


def unpublished(target: Target, found: str, remedy: str) -> PolarpodError | None:
    """The refusal for an attempt without a receipt of a publish; None for another.

    Args:
        found: the description of what the output shows instead.
    """
    receipt = target.info.receipt
    if receipt is None:
        damaged = any(place.endswith("/receipt.json") for place in target.info.damaged)
        words = "its receipt is damaged" if damaged else "it has no receipt"
        return refusal(target.info, f"{words}, and {found}: whether it published anything, nobody can say", remedy)
    if receipt.published is None:
        return refusal(target.info, "it published nothing", "`polarpod runs` shows which runs did.")
    return None


def command_of(state: State, job: str, run_key: str, uid: str) -> str | None:
    """The command that undoes a publish; None where the state store contains too little for one."""
    attempts = state.attempts(job, run_key)
    if not any(map(_place, attempts)):
        return None
    return f"`polarpod undo {uid[:12]}`" if any(info.uid == uid for info in attempts) else f"`polarpod undo {job}/{run_key}`"


def _place(info: AttemptInfo) -> tuple[Output, str | None] | None:
    """The output and the quarantine of an attempt, by its receipt or its context."""
    published = info.receipt.published if info.receipt else None
    checked = info.receipt.checks if info.receipt else None
    quarantine = checked.quarantine_uri if checked else None
    if info.context and (published is None or normal(info.context.job.output.uri) == normal(published.uri)):
        checks = info.context.job.checks
        return info.context.job.output, (checks.quarantine if checks else None) or quarantine
    if published is None:
        return None
    return (Delta if published.format == "delta" else Parquet)(published.uri), quarantine


def _standing(info: AttemptInfo, state: State, storage: Storage) -> AttemptInfo:
    """The attempt of the same run whose rows stand, by the table, else by the receipts."""
    attempts = state.attempts(info.job, info.run_key)
    published = state.published(info)
    found = next(filter(None, map(_place, attempts)), None)
    newest = newest_commit(found[0], storage, job=info.job, run_key=info.run_key) if found else None
    if newest is None or newest.uid is None or newest.undone:
        back = info.record.took_back if info.record else None
        return published or next((one for one in attempts if one.uid == back), info)
    if published and target_of(published, state).wrote == newest.uid:
        return published
    unknown = AttemptInfo(info.job, info.run_key, newest.number, newest.uid, None, None, None)
    return next((one for one in attempts if one.uid == newest.uid), unknown)


def _perhaps_lost(error: PolarpodError) -> PolarpodError:
    verdict = error.verdict
    lost = " Where the state store has lost the run, run it again first: the new attempt finds the rows that stand."
    return PolarpodError(verdict.category, verdict.summary, evidence=verdict.evidence, remedy=verdict.remedy + lost)
