"""What a state store keeps of attempts besides their context and receipt."""

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
    # the launcher has seen the worker's end; a verdict alone does not say so (a node that is lost may come back)
    worker_ended: bool = False
    # of an undo: the attempt that was taken back
    took_back: str | None = None
    protocol: str = "1.0"


class StandingNote(msgspec.Struct, frozen=True, kw_only=True):
    """Which attempt's rows stand."""

    number: int
    uid: str
    fingerprint: str
    protocol: str = "1.0"


class SizeNote(msgspec.Struct, frozen=True, kw_only=True):
    """What the last successes of a job had and used, newest first."""

    memory_limit_bytes: list[int] = []
    memory_peak_bytes: list[int] = []
    protocol: str = "1.0"


class AttemptInfo(NamedTuple):
    """One attempt as the state store knows it; parts are None where it never got so far, or where they are damaged.

    Attributes:
        damaged: the places of those documents.
    """

    job: str
    run_key: str
    number: int
    uid: str
    context: Context | None
    receipt: Receipt | None
    record: Record | None
    damaged: tuple[str, ...] = ()
