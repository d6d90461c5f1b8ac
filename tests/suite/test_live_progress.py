"""How far a run is can be seen while it works, on every plane."""

from __future__ import annotations

import datetime as dt

from tests.suite.bench import Bench
from tests.suite.working import write_work

from polarpod.cli.running import heartbeat_of, state_of
from polarpod.contract.message import Message
from polarpod.contract.resources import MIB
from polarpod.launch.run import Listener

# a child process has a file that its launcher reads; a pod's launcher looks into the state store, 8 s after its start
SECONDS = {"process": 2}


def test_a_launcher_hears_of_rows_and_memory_before_the_end(bench: Bench) -> None:
    write_work(bench, f"    time.sleep({SECONDS.get(bench.plane_name, 12)})")
    heard: list[Message] = []
    ran = bench.run("work", listener=Listener(on_message=heard.append))
    assert ran.verdict.succeeded
    beats = [message for message in heard if message.kind == "heartbeat" and message.phase == "transform"]
    assert beats
    assert all(50 * MIB < beat.memory_bytes <= beat.memory_limit_bytes for beat in beats[1:] or beats)
    (info,) = bench.state.attempts("work", ran.receipt.run_key) if ran.receipt else ()
    assert heartbeat_of(info, bench.state) is None, "it has ended"
    assert state_of(beats[-1], dt.datetime.now(dt.UTC)) == "running"
