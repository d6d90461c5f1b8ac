"""The file that tells of a worker when nobody else can: a heartbeat while it works, its receipt's summary at the end."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from tests.support.live import Live
from tests.support.workshop import Workshop
from tests.worker.conftest import JobWriter

from polarpod.contract.message import MAXIMUM_BYTES, Message
from polarpod.contract.resources import MIB
from polarpod.contract.verdict import Category

WORKING = """
    kept = bytearray(os.urandom(1024)) * (100 * 1024)
    say("busy")
    while not (ROOT / "go on").exists():
        time.sleep(0.001)
"""


def working(workshop: Workshop) -> Live:
    """An attempt whose heartbeat tells of the hundred mebibytes its job holds."""
    live = Live(workshop, "work")
    live.until(lambda: (message := live.message()) and message.memory_bytes > 150 * MIB, "a heartbeat told of its memory")
    return live


def test_a_heartbeat_tells_phase_and_peak_while_the_job_runs(workshop: Workshop, write_job: JobWriter) -> None:
    write_job(WORKING)
    live = working(workshop)
    message = live.message()
    assert message is not None
    assert message.kind == "heartbeat"
    assert message.phase == "transform"
    assert message.memory_peak_bytes >= message.memory_bytes
    assert message.memory_limit_bytes == 512 * MIB
    live.until(lambda: any(heard.memory_bytes > 150 * MIB for heard in live.messages), "the launcher heard it, too")
    (workshop.root / "go on").touch()
    assert live.verdict.category is Category.SUCCEEDED


@pytest.mark.parametrize("victim", ["supervisor", "group"])
def test_after_everything_was_killed_the_last_heartbeat_still_stands(
    workshop: Workshop, write_job: JobWriter, victim: str
) -> None:
    write_job(WORKING)
    live = working(workshop)
    assert live.kill(victim)
    ran = live.end()
    assert ran.verdict.category is Category.WORKER_LOST
    assert ran.receipt is None
    message = live.ended.message
    assert message is not None
    assert message.kind == "heartbeat"
    assert message.memory_peak_bytes > 150 * MIB
    assert any(fact.startswith("last heartbeat: transform") for fact in ran.verdict.evidence)
    # what the next attempt's size is learned from
    (info,) = workshop.state.attempts("work", live.context.run_key)
    assert info.record is not None
    assert info.record.memory_peak_bytes == message.memory_peak_bytes


def test_at_the_end_it_holds_the_receipts_summary(workshop: Workshop, write_job: JobWriter) -> None:
    write_job()
    live = Live(workshop, "work")
    receipt = live.end().receipt
    assert receipt is not None
    message = live.ended.message
    assert message is not None
    assert message.kind == "receipt"
    assert (message.phase, message.rows) == ("done", 10)
    assert message.memory_peak_bytes == receipt.usage.memory_peak_bytes
    assert message.summary == receipt.summary()
    assert message.receipt_uri == f"{live.context.attempt_uri}/receipt.json"
    assert Path(message.receipt_uri).is_file()


def test_at_every_moment_it_is_whole(workshop: Workshop, write_job: JobWriter) -> None:
    write_job()
    live = Live(workshop, "work")
    path = live.scratch / "termination.json"
    seen = set()
    while not live.over.is_set():
        try:
            seen.add(path.read_bytes())
        except FileNotFoundError:  # not yet, or gone with the scratch directory
            continue
    assert live.verdict.category is Category.SUCCEEDED
    for data in seen:
        assert len(data) <= MAXIMUM_BYTES
        assert msgspec.json.decode(data, type=Message).uid == live.uid
