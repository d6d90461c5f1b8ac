"""The progress of a run without a verdict, by its newest heartbeat."""

from __future__ import annotations

import datetime as dt

from polarpod.contract.message import Message
from polarpod.contract.resources import format_bytes
from polarpod.launch.attempt_records import AttemptInfo
from polarpod.launch.heartbeats import is_fresh
from polarpod.launch.state import State


def heartbeat_of(info: AttemptInfo, state: State) -> Message | None:
    """The newest heartbeat of an attempt without a verdict or receipt in the state store; None for any other attempt."""
    if info.record or info.receipt:
        return None
    return state.heartbeat(info.job, info.run_key, info.uid)


def state_of(message: Message | None, now: dt.datetime) -> str:
    """The state of a run without a verdict: "running" with a fresh heartbeat, else "running or lost"."""
    return "running" if message and is_fresh(message, now) else "running or lost"


def words(message: Message, now: dt.datetime) -> str:
    """The heartbeat as one line that fits a terminal."""
    ago = f", {max((now - message.at).total_seconds(), 0):.0f} s ago" if message.at else ""
    return (
        f"{message.phase}, {message.rows:,} rows, {format_bytes(message.memory_bytes)} of "
        f"{format_bytes(message.memory_limit_bytes)} (peak {format_bytes(message.memory_peak_bytes)}), "
        f"{message.elapsed_seconds:.0f} s{ago}"
    )
