"""The caller's callbacks of a run."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple, ParamSpec

from polarpod.contract.context import Context
from polarpod.contract.message import Message
from polarpod.contract.redact import redact
from polarpod.contract.verdict import Verdict

P = ParamSpec("P")


class Listener(NamedTuple):
    """The callbacks of a run. A launcher gets the same ones, and calls `on_message` and `on_log`.

    Attributes:
        stop: returns whether the caller requests a stop.
        on_warning: called on a failure beside the run, such as a log that could not be stored; it changes no verdict.
        heartbeat: returns the newest one in the state store, for planes that report none while the worker runs.
    """

    on_attempt: Callable[[Context, str], None] = lambda context, reason: None
    on_verdict: Callable[[Verdict, bool], None] = lambda verdict, again: None
    on_message: Callable[[Message], None] = lambda message: None
    on_log: Callable[[bytes], None] = lambda lines: None
    stop: Callable[[], bool] = lambda: False
    on_warning: Callable[[str], None] = lambda text: None
    heartbeat: Callable[[], Message | None] = lambda: None

    def guarded(self) -> Listener:
        """The same listener, whose errors end no worker and change no verdict: each callback's first one is a warning.

        `Exception` only: Airflow's timeout and Ctrl-C are meant to end the run.
        """

        def warn(text: str) -> None:
            with suppress(Exception):
                self.on_warning(text)

        return self._replace(
            on_attempt=_guarded(self.on_attempt, "the attempt's start", warn),
            on_verdict=_guarded(self.on_verdict, "the attempt's verdict", warn),
            on_message=_guarded(self.on_message, "the worker's progress", warn),
            on_log=_guarded(self.on_log, "the worker's log", warn),
            on_warning=warn,
        )


def _guarded(call: Callable[P, None], what: str, warn: Callable[[str], None]) -> Callable[P, None]:
    failed = False

    def guarded(*args: P.args, **kwargs: P.kwargs) -> None:
        nonlocal failed
        try:
            call(*args, **kwargs)
        except Exception as error:  # noqa: BLE001  # the caller's code, such as a write to a closed terminal
            if not failed:
                failed = True
                warn(f"{what} could not be shown: {error_text(error)}")

    return guarded


def error_text(error: Exception) -> str:
    """One line about an error of any kind, redacted. Never raises, although an error's own `__str__` may."""
    try:
        said = redact(" ".join(str(error).split()))
    except Exception:  # noqa: BLE001  # `__str__` of a foreign exception
        said = ""
    return f"{type(error).__name__}: {said}" if said else type(error).__name__
