"""What tells of a worker when nobody else can: its last heartbeat, or its receipt's summary."""

from __future__ import annotations

import time

import msgspec
import pytest
from tests.suite.bench import Bench
from tests.suite.conftest import on_disk
from tests.suite.working import busy, write_work
from tests.support.live import Live

from polarpod.contract.receipt import Receipt
from polarpod.contract.resources import MIB
from polarpod.contract.verdict import Category

pytestmark = on_disk

WORKING = """
    kept = bytearray(os.urandom(1024)) * (100 * 1024)
    say("busy")
    time.sleep(600)
"""


@pytest.mark.parametrize("victim", ["supervisor", "group"])
def test_after_everything_was_killed_the_last_heartbeat_still_stands(bench: Bench, victim: str) -> None:
    write_work(bench, WORKING)
    live = busy(bench)
    time.sleep(1.5)  # there is a heartbeat a second
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
    (info,) = bench.state.attempts("work", live.context.run_key)
    assert info.record is not None
    assert info.record.memory_peak_bytes == message.memory_peak_bytes


def test_at_the_end_it_holds_the_receipts_summary(bench: Bench) -> None:
    write_work(bench)
    live = Live(bench, "work")
    receipt = live.end().receipt
    assert receipt is not None
    message = live.ended.message
    assert message is not None
    assert message.kind == "receipt"
    assert (message.phase, message.rows) == ("done", 10)
    assert message.memory_peak_bytes == receipt.usage.memory_peak_bytes
    assert message.summary == receipt.summary()
    assert message.receipt_uri == f"{live.context.attempt_uri}/receipt.json"
    path = message.receipt_uri.removeprefix(f"{bench.lake}/")
    assert msgspec.json.decode(bench.read_bytes(path), type=Receipt) == receipt
