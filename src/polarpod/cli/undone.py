"""Undos among the attempts of a run: an undo has a number and a verdict, but runs no job."""

from __future__ import annotations

from collections.abc import Sequence

from polarpod.launch.attempt_records import AttemptInfo


def took_back(info: AttemptInfo) -> str | None:
    """The uid of the attempt that an undo took back; None for a run of the job."""
    return info.record.took_back if info.record else None


def taken_back_by(info: AttemptInfo, attempts: Sequence[AttemptInfo]) -> AttemptInfo | None:
    """The newest undo of an attempt, or None."""
    return next((one for one in attempts if took_back(one) == info.uid), None)


def outcome(info: AttemptInfo, attempts: Sequence[AttemptInfo]) -> str:
    """The outcome of an attempt in few words.

    Args:
        attempts: all of its run, newest first.
    """
    if uid := took_back(info):
        number = next((f" {one.number}" for one in attempts if one.uid == uid), "")
        return f"undo of attempt{number}, uid {uid[:8]}"
    category = str(info.record.verdict.category) if info.record else "no verdict"
    undo = taken_back_by(info, attempts)
    return f"{category}, taken back by attempt {undo.number}" if undo else category
