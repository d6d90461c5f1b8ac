"""The file with a worker's last words, while it works. What stands in it at the end is told by the suite."""

from __future__ import annotations

import msgspec
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
