"""What every plane does with an attempt: start its worker, watch it, and say how it ended.

The words are the same for a child process and for a pod; how a plane keeps them is its own file's business.
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
    """A worker that is gone.

    Attributes:
        judge: what became of it, given the receipt it left or None. Pure.
        message: what it said last, where it said anything.
        log: the end of its log.
        end: what the plane reported of its end, in the plane's own terms.
        seen: whether its end was seen, so that it can write nothing any more; else it is only believed to be gone.
        release: removes what its plane keeps as evidence of its end, such as a pod. Called once the verdict is recorded:
            a launcher that dies before that must leave the next one something to judge by.
    """

    judge: Callable[[Receipt | None], Verdict]
    message: Message | None
    log: bytes
    end: object = None
    seen: bool = False
    release: Callable[[], None] = lambda: None


class Unobservable(PolarpodError):
    """An attempt's worker cannot be seen any more, and may well go on. It gets no verdict: the next launcher attaches."""

    def __init__(self, cause: PolarpodError) -> None:
        verdict = cause.verdict
        super().__init__(verdict.category, verdict.summary, evidence=verdict.evidence, remedy=verdict.remedy)


class Deferred(Exception):
    """An attempt's worker goes on, and somebody else tells when to come back for its end. It gets no verdict here.

    Attributes:
        owned: whether the run that hands it over has started it, and so may end it.
        attempts: how many attempts the run has had so far, this one included.
        outdated: it is only waited for before another attempt is made.
    """

    def __init__(self, context: Context, worker: object, *, owned: bool = True) -> None:
        self.context = context
        self.worker = worker
        self.owned = owned
        self.outdated = False
        self.attempts = 1
        super().__init__(f"attempt {context.attempt.uid} is waited for elsewhere")


class Launcher(Protocol):
    """One plane's way of running workers."""

    def run(self, context: Context, data: bytes, listener: Listener) -> WorkerExit:
        """Starts a worker and waits for its end.

        Args:
            data: the context's bytes.

        Raises:
            PolarpodError: it could not be started, and whatever was made of it is gone.
        """
        ...

    def attach(self, context: Context, listener: Listener, *, orphaned: bool) -> WorkerExit:
        """Waits for the end of an attempt that another launcher started and did not see through.

        Asked only of planes whose workers outlive their launcher.

        Args:
            orphaned: that launcher is known to be dead and this one has taken its place: a worker that is not there will
                never be, and one that is there is this launcher's to end. Any other is left running.
        """
        ...


def message_of(data: bytes, uid: str) -> Message | None:
    """The termination message of this attempt; None for anything else."""
    try:
        message = decoder(Message).decode(data)
    except msgspec.DecodeError:
        return None
    return message if message.uid == uid else None


def redacted(log: bytes, redactor: Redactor | None = None) -> bytes:
    """A log without what looks like a credential; bytes that are no text pass through as they are.

    Args:
        redactor: the one that has seen what came before, where this is a piece of a log.
    """
    text = (redactor or Redactor()).redact(log.decode(errors="surrogateescape"))
    return text.encode(errors="surrogateescape")
