"""The interface of a plane for one attempt: start its worker, watch it, and return its end.

The types are the same for a child process and for a pod; each kind of plane implements them in its own folder.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

import msgspec

from polarpod.contract.codec import decoder
from polarpod.contract.context import Context
from polarpod.contract.message import Message
from polarpod.contract.receipt import Receipt
from polarpod.contract.redact import Redactor
from polarpod.contract.verdict import PolarpodError, Verdict
from polarpod.launch.listener import Listener

# the end of a worker's log that is kept beside its receipt
LOG_TAIL_BYTES = 64 * 1024


class WorkerExit(NamedTuple):
    """The end of a worker.

    Attributes:
        judge: returns the verdict, given the receipt that it left or None. Pure.
        message: its last message, or None.
        log: the end of its log.
        end: the plane's own description of its end.
        seen: whether its end was observed, so that it can no longer write; else it is only presumed to be gone.
        release: removes what its plane keeps as evidence of its end, such as a pod. Called once the verdict is recorded:
            a launcher that dies before that must leave the evidence to the next one.
    """

    judge: Callable[[Receipt | None], Verdict]
    message: Message | None
    log: bytes
    end: object = None
    seen: bool = False
    release: Callable[[], None] = lambda: None


class Unobservable(PolarpodError):
    """An attempt's worker can no longer be observed, and may still run. It gets no verdict: the next launcher attaches."""

    def __init__(self, cause: PolarpodError) -> None:
        verdict = cause.verdict
        super().__init__(verdict.category, verdict.summary, evidence=verdict.evidence, remedy=verdict.remedy)


class Deferred(Exception):
    """An attempt's worker continues, and another process waits for its end. It gets no verdict here.

    Attributes:
        owned: whether the run that defers it has started it, and so may end it.
        attempts: how many attempts the run has had so far, this one included.
        outdated: whether it only has to end before another attempt is made.
    """

    def __init__(self, context: Context, worker: object, *, owned: bool = True) -> None:
        self.context = context
        self.worker = worker
        self.owned = owned
        self.outdated = False
        self.attempts = 1
        super().__init__(f"attempt {context.attempt.uid} is waited for elsewhere")


class Launcher(Protocol):
    """Runs the workers of one plane."""

    def run(self, context: Context, data: bytes, listener: Listener) -> WorkerExit:
        """Starts a worker and waits for its end.

        Args:
            data: the context's bytes.

        Raises:
            PolarpodError: it could not be started, and nothing is left of it.
        """
        ...

    def attach(self, context: Context, listener: Listener, *, orphaned: bool) -> WorkerExit:
        """Waits for the end of an attempt that another launcher started and did not complete.

        Called only for planes whose workers outlive their launcher, or that keep an exit record.

        Args:
            orphaned: that launcher is known to be dead and this one replaces it: an absent worker will never start, and this
                launcher may end a present one. Any other is left running.
        """
        ...


def message_of(data: bytes, uid: str) -> Message | None:
    """The termination message of this attempt; None for any other data."""
    try:
        message = decoder(Message).decode(data)
    except msgspec.DecodeError:
        return None
    return message if message.uid == uid else None


def redacted(log: bytes, redactor: Redactor | None = None) -> bytes:
    """A log with probable credentials redacted; bytes that are not text are unchanged.

    Args:
        redactor: the one that redacted the preceding text, where this is a piece of a log.
    """
    text = (redactor or Redactor()).redact(log.decode(errors="surrogateescape"))
    return text.encode(errors="surrogateescape")
