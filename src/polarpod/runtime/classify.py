"""Classifies an exception as a verdict: its category, the evidence and the remedy.

The order of the rules matters. Failures of the machine or the store come first, in whichever code they surface. Then the
code that was running: a frame in the job's own file decides. Then the error's text about inputs, outputs and the query.
An error that no rule explains is an internal error of polarpod, because a wrong attribution costs the user more than none.
"""

from __future__ import annotations

import traceback

from polarpod.contract.verdict import Category, PolarpodError, Verdict
from polarpod.runtime.failure.frames import user_frames
from polarpod.runtime.failure.groups import leaves, members
from polarpod.runtime.failure.inexact_values import EXACT
from polarpod.runtime.failure.inputs import INPUTS
from polarpod.runtime.failure.outputs import OUTPUTS
from polarpod.runtime.failure.platform import INTERRUPTION, PLATFORM
from polarpod.runtime.failure.query import CRASH, EXPRESSION, QUERY
from polarpod.runtime.failure.rule import Failure, Finding, first
from polarpod.runtime.failure.storage import STORAGE
from polarpod.runtime.failure.text import essence, full_text, line, said_by

__all__ = ["classify", "user_frames"]

# EXPRESSION precedes INPUTS: a failed str.json_decode has the same JSON error text as a bad NDJSON file, but quotes its
# expression. EXACT precedes EXPRESSION: the values it refuses fail as an expression.
_EXPLANATIONS = [*STORAGE, *OUTPUTS, *EXACT, EXPRESSION, *INPUTS, QUERY]
_SUMMARY = 300
_REMEDY_JOB = "Mend the line shown last. `polarpod run` with the same parameters repeats it on a laptop."
_REMEDY_IMPORT = "Mend the line shown last, and import the module once before the next release."
_REMEDY_INTERNAL = (
    "Run it again once. If it fails the same way, open an issue at polarpod with this text and the receipt, which names "
    "the versions. What looks like a credential is hidden already; look once more before you post it."
)


def classify(error: BaseException, *, phase: str, of_the_job: bool = True, interrupted: bool = False) -> Verdict:
    """Returns the verdict for an exception that ended a run. Never raises.

    Args:
        error: any BaseException; a Rust panic and SystemExit are not Exceptions.
        phase: the phase of the run: load, scan, transform, stage, check, publish or receipt.
        of_the_job: whether a frame in the job's own code decides. False where an input is known to be the cause.
        interrupted: whether the process received a stop signal. Without one, a KeyboardInterrupt is the job's own.
    """
    try:
        return _writable(
            error.verdict
            if isinstance(error, PolarpodError)
            else _explained(error, phase, of_the_job=of_the_job, interrupted=interrupted)
        )
    except Exception as fault:  # noqa: BLE001  # a failed explanation must not end the worker
        return Verdict(
            category=Category.INTERNAL_ERROR,
            summary=f"polarpod could not explain an error during {phase}",
            evidence=[said_by(type(error).__qualname__), f"the explanation failed: {said_by(fault)[:_SUMMARY]}"],
            remedy=_REMEDY_INTERNAL,
        )


def _explained(error: BaseException, phase: str, *, of_the_job: bool, interrupted: bool) -> Verdict:
    failure = _failure(error, phase)
    frames = user_frames(error)
    finding = (
        _outside(error, phase, interrupted=interrupted)
        or (_job(error, frames, phase) if of_the_job else None)
        or first(_EXPLANATIONS, failure)
        or Finding(Category.INTERNAL_ERROR, f"polarpod failed during {phase}", _REMEDY_INTERNAL)
    )
    evidence = [*essence(error), *members(error), *_cause(error), *frames]
    if finding.category is Category.INTERNAL_ERROR:
        evidence += _where(error)
    summary = line(finding.summary)
    return Verdict(
        category=finding.category,
        summary=summary if len(summary) <= _SUMMARY else summary[: _SUMMARY - 1] + "…",
        evidence=evidence,
        remedy=finding.remedy,
    )


def _failure(error: BaseException, phase: str) -> Failure:
    kinds = tuple(f"{kind.__module__}.{kind.__qualname__}" for kind in type(error).__mro__)
    return Failure(kinds, full_text(error), phase)


def _outside(error: BaseException, phase: str, *, interrupted: bool) -> Finding | None:
    """Returns the finding where no code is the cause; for a group, only where that holds for each exception in it."""
    rules = [*(INTERRUPTION if interrupted else []), *PLATFORM, CRASH]
    found = [first(rules, _failure(each, phase)) for each in leaves(error)]
    return found[0] if all(found) else None


def _writable(verdict: Verdict) -> Verdict:
    """Returns the verdict in text that a receipt can hold: a file name may contain bytes that are not UTF-8."""
    return Verdict(
        category=verdict.category,
        summary=said_by(verdict.summary),
        evidence=[said_by(each) for each in verdict.evidence],
        remedy=said_by(verdict.remedy),
    )


def _job(error: BaseException, frames: list[str], phase: str) -> Finding | None:
    """Returns the finding where the job's own code was running or failed to import, else None."""
    importing = phase == "load"
    category = Category.JOB_IMPORT_FAILED if importing else Category.JOB_FAILED
    remedy = _REMEDY_IMPORT if importing else _REMEDY_JOB
    if isinstance(error, SystemExit):
        # polarpod itself never calls sys.exit here, so a SystemExit is the job's even without a frame.
        return Finding(category, f"the job called sys.exit({_status(error)})", "Raise an exception, or just return.")
    if importing and isinstance(error, (ImportError, SyntaxError)):
        return Finding(category, f"the job's code cannot be imported: {essence(error)[0]}", remedy)
    # polarpod and its libraries raise no BaseException other than Exceptions and panics; panics are already handled.
    if frames or not isinstance(error, Exception):
        failed = "fails to import" if importing else "failed"
        words = ", ".join([essence(error)[0], *(essence(each)[0] for each in leaves(error) if each is not error)])
        return Finding(category, f"the job's code {failed}: {words}", remedy)
    return None


def _status(error: SystemExit) -> str:
    """Returns the argument of sys.exit as written. Through map_elements it arrives as text, followed by a note of Polars."""
    if error.code is None:
        return ""
    status = said_by(error.code).partition("\n")[0]
    return status if status.lstrip("-").isdigit() else repr(status)


def _cause(error: BaseException) -> list[str]:
    """Returns the exception's __cause__ as evidence. Its __context__ is left out: in Polars' own code it is mostly noise."""
    return [f"caused by {essence(error.__cause__)[0]}", *members(error.__cause__)] if error.__cause__ else []


def _where(error: BaseException) -> list[str]:
    """Returns the two innermost frames, for polarpod's developers."""
    frames = traceback.extract_tb(error.__traceback__)[-2:]
    return [line(f"at {frame.filename.rpartition('/')[2]}:{frame.lineno} in {frame.name}") for frame in frames]
