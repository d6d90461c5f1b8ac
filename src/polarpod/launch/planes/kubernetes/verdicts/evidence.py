"""The evidence on one attempt in a pod, and its wording in a verdict. Pure."""

from __future__ import annotations

import signal
from typing import NamedTuple

from polarpod.contract.message import Message
from polarpod.contract.receipt import Receipt
from polarpod.contract.resources import format_bytes
from polarpod.contract.verdict import Category
from polarpod.launch.planes.kubernetes.status import Json, Status
from polarpod.launch.planes.kubernetes.verdicts.sanitize import fact, moment, name

_LONGEST_ACCOUNT = 200


class Evidence(NamedTuple):
    """All that is known of one attempt.

    Attributes:
        receipt: the attempt's own receipt, if it reports a failure; a success needs no evidence.
        message: the attempt's own last message.
        told: the category that the worker reports, by its receipt or else by its exit code; None where it reports none.
    """

    status: Status
    receipt: Receipt | None
    message: Message | None
    told: Category | None
    memory_limit_bytes: int


def ran(end: Json) -> bool:
    """Whether a container that has ended was ever a process: the start of the kubelet's placeholders is absent, or 1970."""
    began = moment(end.get("startedAt"))
    return began is not None and began.year > 1970


def has_run(status: Status) -> bool:
    return ran(status.terminated) if status.terminated else status.started


def seen(case: Evidence) -> list[str]:
    """Lines of evidence from the worker itself: its end, its receipt or the lack of one, its last heartbeat."""
    found = []
    if end := case.status.terminated:
        code = end.get("exitCode")
        by_signal = f" ({signal_of(end)})" if code is None or code > 128 else ""
        found.append(
            f"exit code {code if code is not None else 'unknown'}{by_signal}, reason {name(end.get('reason') or 'none')}"
        )
    if case.receipt:
        own = case.receipt.verdict
        found += [f"its receipt: {own.category}: {fact(own.summary, _LONGEST_ACCOUNT)}", *own.evidence]
    else:
        found.append("no receipt")
    if message := case.message:
        last = "last heartbeat" if message.kind == "heartbeat" else "its last message"
        found.append(
            f"{last}: {name(message.phase)}, {message.rows:,} rows, {message.elapsed_seconds:g} s, "
            f"peak {in_bytes(message.memory_peak_bytes)}"
        )
        if message.receipt_uri and not case.receipt:
            found.append(f"it says its receipt is {fact(message.receipt_uri)}")
    return found


def pod_said(status: Status) -> list[str]:
    said = ": ".join(part for part in (name(status.reason), fact(status.message)) if part)
    return [f"the pod's status: {said}"] if said else []


def heartbeat_peak(case: Evidence) -> int:
    return max(case.message.memory_peak_bytes, 0) if case.message else 0


def in_bytes(count: int) -> str:
    # a job can write the heartbeat's bytes as well, and no float holds a number of a thousand digits
    return format_bytes(min(max(count, 0), 2**60))


def signal_of(end: Json) -> str:
    number = end.get("signal") or (end.get("exitCode") or 128) - 128
    try:
        return signal.Signals(number).name
    except ValueError:  # real-time signals have numbers only, and 0 is none
        return f"signal {number}" if number else "signal unknown"
