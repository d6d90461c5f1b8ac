"""The termination message: a worker's last message, which its plane can read after the worker has ended.

On Kubernetes this is /dev/termination-log, at most 4,096 bytes, which the API server returns even for a killed container.
While the job runs it holds the latest heartbeat, so that the last measured peak is known after an out-of-memory kill; at
the end it holds the receipt's summary.

No plane returns that file while the container runs. So a worker that runs for more than a few seconds also writes its
heartbeat as a document beside its context in the state store, at a bounded rate, for live views and for workers that the
plane has lost.
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
# of that document: most runs end before the first write, and 360 small writes an hour cost less than a cent
FIRST_SECONDS = 5.0
EVERY_SECONDS = 10.0


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One termination message.

    Attributes:
        at: when it was written, by the worker's clock.
        kind: `heartbeat` while the worker runs, `receipt` once it has ended by itself.
        phase: the child's latest phase.
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
    """The message as at most 4,096 bytes of JSON; a summary that does not fit is omitted, not truncated."""
    data = msgspec.json.encode(message)
    if len(data) > MAXIMUM_BYTES:
        data = msgspec.json.encode(msgspec.structs.replace(message, summary={}, phase=message.phase[:100]))
    if len(data) > MAXIMUM_BYTES:
        data = msgspec.json.encode(msgspec.structs.replace(message, summary={}, phase="", receipt_uri=""))
    return data


def last_heard(message: Message) -> str:
    """A heartbeat as a line of evidence about a lost worker."""
    # the document is untrusted: its phase is quoted only where it is an identifier
    phase = message.phase if message.phase.isidentifier() else "?"
    return (
        f"last heartbeat: {phase}, {message.rows:,} rows, {message.elapsed_seconds:g} s, "
        f"peak {format_bytes(message.memory_peak_bytes)}"
    )
