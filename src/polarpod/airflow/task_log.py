"""Writes a run's progress to its task's log."""

from __future__ import annotations

import logging

from polarpod.contract.context import Context
from polarpod.contract.message import Message
from polarpod.contract.receipt import Receipt
from polarpod.contract.resources import format_bytes
from polarpod.contract.verdict import Verdict

# between progress lines in the task log; the heartbeat has all values
_PROGRESS_SECONDS = 15.0
# the task logs the verdict itself, so the worker's copy is left out
_SAID_LATER = ("polarpod: ", "  evidence: ", "  what to do: ")


class TaskLog:
    """The listener of a run that writes to a logger."""

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        self._next = _PROGRESS_SECONDS

    def attempt(self, context: Context, reason: str) -> None:
        memory = format_bytes(context.resources.memory_bytes)
        run = f"{context.job.name}/{context.run_key}"
        self._next = _PROGRESS_SECONDS
        self._log.info("%s attempt %s: %g cpu, %s (%s)", run, context.attempt.number, context.resources.cpu, memory, reason)
        self._log.info("receipt: %s/receipt.json", context.attempt_uri)

    def verdict(self, verdict: Verdict, again: bool) -> None:  # noqa: FBT001  # the listener's signature
        if again:
            self._log.warning("%s\ntrying again on the %s budget", verdict.text(), verdict.budget)

    def warning(self, text: str) -> None:
        """Logs a problem that does not change the run's verdict."""
        self._log.warning("%s", text)

    def success(self, verdict: Verdict, receipt: Receipt) -> None:
        self._log.info("%s", verdict.text())
        if receipt.published:
            done = receipt.published
            self._log.info("published: %s rows in %s, version %s", f"{done.rows:,}", done.uri, done.version)
        usage = receipt.usage
        limit = format_bytes(usage.memory_limit_bytes)
        self._log.info("used: %.1f s, %s of %s", usage.wall_seconds, format_bytes(usage.memory_peak_bytes), limit)

    def message(self, message: Message) -> None:
        """Logs a heartbeat, at most every 15 s of the worker's elapsed time."""
        if message.kind != "heartbeat" or message.elapsed_seconds < self._next:
            return
        self._next = message.elapsed_seconds + _PROGRESS_SECONDS
        self._log.info(
            "%s: %s rows, %s of %s, %.0f s",
            message.phase,
            f"{message.rows:,}",
            format_bytes(message.memory_bytes),
            format_bytes(message.memory_limit_bytes),
            message.elapsed_seconds,
        )

    def log(self, lines: bytes) -> None:
        """Logs the worker's lines."""
        for line in lines.decode(errors="replace").splitlines():
            if not line.startswith(_SAID_LATER):
                self._log.info("| %s", line)
