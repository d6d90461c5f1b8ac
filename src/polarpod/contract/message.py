"""The termination message: what a worker leaves where its plane can still find it after the worker is gone.

On Kubernetes this is /dev/termination-log, at most 4,096 bytes, handed out by the API server even for a container that
was killed. While the job runs it holds the latest heartbeat, so that an out-of-memory kill still tells the last measured
peak; at the end it holds the receipt's summary.

No plane hands that file out while the container runs. So the heartbeat of a worker that lives for more than a few seconds
is also a document beside its context in the state store, at a bounded rate, for live views and for what is left of a worker
whose plane has lost it.
"""

from __future__ import annotations

import datetime as dt
from typing import Literal

import msgspec

from polarpod.contract.context import Uid, Version
from polarpod.contract.resources import format_bytes
from polarpod.contract.version import PROTOCOL

MAXIMUM_BYTES = 4096
# the heartbeat's document in the attempt's folder
HEARTBEAT = "heartbeat.json"
# of that document: most runs are over before the first, and 360 small writes an hour cost less than a cent
FIRST_SECONDS = 5.0
EVERY_SECONDS = 10.0


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One termination message.

    Attributes:
        at: when it was written, by the worker's clock.
        kind: `heartbeat` while the worker lives, `receipt` once it has ended by itself.
        phase: what the child was doing last.
        rows: rows written so far.
        memory_bytes: resident memory at the last sample.
        memory_peak_bytes: the highest so far.
        summary: the receipt's summary, with kind `receipt`.
        receipt_uri: where the whole receipt is.
    """

    protocol: Version = PROTOCOL
    kind: Literal["heartbeat", "receipt"]
    uid: Uid
    at: dt.datetime | None = None
    phase: str = ""
    rows: int = 0
    elapsed_seconds: float = 0.0
    memory_bytes: int = 0
    memory_peak_bytes: int = 0
    memory_limit_bytes: int = 0
    summary: dict[str, str | int | float | bool] = {}
    receipt_uri: str = ""


def encode(message: Message) -> bytes:
    """The message as at most 4,096 bytes of JSON; a summary that does not fit is left out, never cut."""
    data = msgspec.json.encode(message)
    if len(data) > MAXIMUM_BYTES:
        data = msgspec.json.encode(msgspec.structs.replace(message, summary={}, phase=message.phase[:100]))
    if len(data) > MAXIMUM_BYTES:
        data = msgspec.json.encode(msgspec.structs.replace(message, summary={}, phase="", receipt_uri=""))
    return data


def last_heard(message: Message) -> str:
    """A heartbeat as evidence of a worker that is gone."""
    # a document that anybody may have written: its phase is a word, or is not repeated
    phase = message.phase if message.phase.isidentifier() else "?"
    return (
        f"last heartbeat: {phase}, {message.rows:,} rows, {message.elapsed_seconds:g} s, "
        f"peak {format_bytes(message.memory_peak_bytes)}"
    )
