"""The documents of attempts in a state store, besides their context and receipt."""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

import msgspec

from polarpod.contract.context import Context
from polarpod.contract.receipt import Receipt
from polarpod.contract.verdict import Verdict


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt's outcome as the launcher judged it, beside the receipt."""

    verdict: Verdict
    memory_limit_bytes: int
    memory_peak_bytes: int
    judged_at: dt.datetime
    # whether the launcher observed the worker's end; a verdict alone does not prove it (a lost node may return)
    worker_ended: bool = False
    # of an undo: the attempt that was undone
    took_back: str | None = None
    protocol: str = "1.0"


class StandingNote(msgspec.Struct, frozen=True, kw_only=True):
    """The attempt whose rows stand."""

    number: int
    uid: str
    fingerprint: str
    protocol: str = "1.0"


class SizeNote(msgspec.Struct, frozen=True, kw_only=True):
    """Memory limits and peaks of a job's last successes, newest first."""

    memory_limit_bytes: list[int] = []
    memory_peak_bytes: list[int] = []
    protocol: str = "1.0"


class AttemptInfo(NamedTuple):
    """One attempt in the state store; documents are None where they were never written, or are damaged.

    Attributes:
        damaged: the places of the damaged documents.
    """

    job: str
    run_key: str
    number: int
    uid: str
    context: Context | None
    receipt: Receipt | None
    record: Record | None
    damaged: tuple[str, ...] = ()
