"""What a job prints: passed on as it comes, kept to its end, and never held in the launcher's memory."""

from __future__ import annotations

import tracemalloc

import pytest
from tests.support.live import Live
from tests.support.workshop import Workshop
from tests.worker.conftest import JobWriter

from polarpod.contract.resources import MIB
from polarpod.contract.verdict import Category
from polarpod.launch.run import Listener

KEPT = 64 * 1024


@pytest.mark.parametrize(
    "body",
    ["print('x' * 2**20)", "for n in range(2**15): print(f'{n:031}')", "os.write(2, b'y' * 2**20)"],
    ids=["one line", "many lines", "one line without an end"],
)
def test_all_of_a_megabyte_is_passed_on_and_its_end_is_kept(workshop: Workshop, write_job: JobWriter, body: str) -> None:
    write_job(body)
    live = Live(workshop, "work")
    ran = live.end()
    assert ran.verdict.category is Category.SUCCEEDED
    assert len(ran.log) == KEPT
    heard = b"".join(live.log)
    assert len(heard.replace(b"\n", b"")) == len(b"".join(body_lines(body)))
    assert heard.replace(b"\n", b"").endswith(ran.log.replace(b"\n", b""))
    assert workshop.state.log("work", live.context.run_key, live.uid) == ran.log


def test_whole_lines_are_passed_on(workshop: Workshop, write_job: JobWriter) -> None:
    write_job("for n in range(2**15): print(f'{n:031}')")
    live = Live(workshop, "work")
    assert live.verdict.category is Category.SUCCEEDED
    assert b"".join(live.log) == b"".join(body_lines("many"))
    assert all(chunk.endswith(b"\n") for chunk in live.log)


def test_last_words_without_an_end_of_line_are_heard(workshop: Workshop, write_job: JobWriter) -> None:
    write_job("os.write(2, b'caf\\xe9, aborting'); os._exit(3)")
    live = Live(workshop, "work")
    assert live.verdict.category is Category.JOB_CRASHED
    assert b"".join(live.log).startswith(b"caf\xe9, aborting")


def test_the_launcher_stays_small_whatever_is_printed(workshop: Workshop, write_job: JobWriter) -> None:
    write_job("""
        for n in range(64):
            os.write(1, b"z" * 2**20 + b"\\n" * (n % 2))
    """)
    workshop.plan("work")
    heard = 0

    def listen(lines: bytes) -> None:
        nonlocal heard
        heard += len(lines)

    tracemalloc.start()
    try:
        ran = workshop.run("work", listener=Listener(on_log=listen))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert ran.verdict.category is Category.SUCCEEDED
    assert heard >= 64 * MIB
    assert peak < 8 * MIB
    assert len(ran.log) == KEPT


def body_lines(body: str) -> list[bytes]:
    if "2**15" in body or body == "many":
        return [f"{n:031}\n".encode() if body == "many" else f"{n:031}".encode() for n in range(2**15)]
    return [b"x" * 2**20]
