"""A worker that works for more than a few seconds says how far it is, where everybody may read it."""

from __future__ import annotations

import msgspec
from tests.support.workshop import Workshop
from tests.worker.conftest import JobWriter

from polarpod.contract.message import FIRST_SECONDS, HEARTBEAT, Message
from polarpod.contract.resources import MIB
from polarpod.contract.verdict import Category

WAITS_FOR_ITS_OWN = f"""
    while not (found := list(ROOT.glob("lake/_state/runs/*/*/*/{HEARTBEAT}"))):
        time.sleep(0.01)
    say("heartbeat", found[0].read_text())
"""


def test_its_heartbeat_is_in_the_state_store_while_it_works_and_no_longer(workshop: Workshop, write_job: JobWriter) -> None:
    write_job(WAITS_FOR_ITS_OWN)
    ran = workshop.run("work")
    assert ran.verdict.category is Category.SUCCEEDED
    assert ran.receipt is not None
    heartbeat = msgspec.json.decode((workshop.root / "heartbeat").read_bytes(), type=Message)
    assert heartbeat.kind == "heartbeat"
    assert heartbeat.uid == ran.receipt.attempt.uid
    assert heartbeat.phase == "transform"
    assert heartbeat.elapsed_seconds >= FIRST_SECONDS
    assert 50 * MIB < heartbeat.memory_bytes <= heartbeat.memory_peak_bytes <= heartbeat.memory_limit_bytes == 512 * MIB
    assert heartbeat.at is not None
    assert ran.receipt.started_at < heartbeat.at < ran.receipt.finished_at
    assert workshop.state.heartbeat("work", ran.receipt.run_key, heartbeat.uid) is None
