"""The progress of a run: phase, rows, memory. On a terminal one line that is updated; in a log one line for each event."""

from __future__ import annotations

import sys
from types import TracebackType

from rich.markup import escape
from rich.status import Status

from polarpod.cli.tables import console
from polarpod.contract.context import Context
from polarpod.contract.message import Message
from polarpod.contract.resources import format_bytes
from polarpod.contract.verdict import Verdict


class Live:
    """Shows one run on standard error."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._console = console(stderr=True)
        self._status = Status("", console=self._console) if sys.stderr.isatty() and not quiet else None
        self._title = ""
        self._number = 0

    def __enter__(self) -> Live:
        if self._status:
            self._status.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._status:
            self._status.stop()

    def attempt(self, context: Context, reason: str) -> None:
        self._title = f"{context.job.name}/{context.run_key} attempt {context.attempt.number}"
        self._print(
            f"{self._title}: uid {context.attempt.uid}, {context.resources.cpu:g} cpu, "
            f"{format_bytes(context.resources.memory_bytes)} ({reason})"
        )
        self._number = context.attempt.number
        self._update("starting")

    def message(self, message: Message) -> None:
        if message.kind == "heartbeat":
            self._update(
                f"{message.phase}  {message.rows:,} rows  {format_bytes(message.memory_bytes)} of "
                f"{format_bytes(message.memory_limit_bytes)}  {message.elapsed_seconds:.0f} s"
            )

    def _update(self, text: str) -> None:
        """Updates the progress line, without the run's name, which is printed above it and would make the line wrap."""
        if self._status:
            self._status.update(f"attempt {self._number}  {text}")

    def log(self, lines: bytes) -> None:
        for line in lines.decode(errors="replace").splitlines():
            # the command prints the verdict itself, so the worker's copy is left out
            if not line.startswith(("polarpod: ", "  evidence: ", "  what to do: ")):
                self._print(f"  | {line}")

    def verdict(self, verdict: Verdict, again: bool) -> None:  # noqa: FBT001  # the listener's signature
        if again:
            self._print(f"{self._title}: {verdict.text()}")
            self._print(f"{self._title}: trying again on the {verdict.budget} budget")

    def warning(self, text: str) -> None:
        """Prints a problem that does not change the verdict. Also with --json: this is standard error."""
        self._say(f"polarpod: warning: {text}")

    def _print(self, text: str) -> None:
        if not self._quiet:
            self._say(text)

    def _say(self, text: str) -> None:
        """Prints a line unwrapped: a line that the terminal wraps is copied as one."""
        self._console.print(escape(text), soft_wrap=True)
