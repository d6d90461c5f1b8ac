"""A request to stop that comes before the supervisor is ready for it. How workers stop otherwise is told by the suite."""

from __future__ import annotations

import signal
from pathlib import Path

from tests.support.live import Live
from tests.support.workshop import Workshop
from tests.worker.conftest import JobWriter

from polarpod.contract.verdict import Category


def test_a_request_that_comes_before_anybody_listens_is_not_lost(workshop: Workshop, write_job: JobWriter) -> None:
    write_job("time.sleep(600)")
    live = Live(workshop, "work")
    live.until(lambda: _blocked(live.pid), "the supervisor began to hold signals back")
    assert live.signal(signal.SIGTERM)
    assert live.verdict.summary == "the worker was ended from outside, by a signal"
    assert live.receipt is not None
    assert live.receipt.verdict.category is Category.INTERRUPTED


def _blocked(pid: int) -> bool:
    """Whether the process holds SIGTERM back, or has a handler for it already."""
    masks = dict(line.split(":\t") for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line[:3] == "Sig")
    return any(int(masks[name].strip().partition("/")[0], 16) >> (signal.SIGTERM - 1) & 1 for name in ("SigBlk", "SigCgt"))
