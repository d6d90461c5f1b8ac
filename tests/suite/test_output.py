"""What a job prints: passed on as it comes, kept to its end, and never held in the launcher's memory."""

from __future__ import annotations

import tracemalloc

import pytest
from tests.suite.bench import Bench
from tests.suite.conftest import not_in_a_pod, on_disk
from tests.suite.working import write_work
from tests.support.live import Live

from polarpod.contract.resources import MIB
from polarpod.contract.verdict import Category
from polarpod.launch.run import Listener

pytestmark = on_disk
KEPT = 64 * 1024
kubelets_log = not_in_a_pod("a container's log is the kubelet's, which keeps 10 MiB of it and knows no line without an end")


@kubelets_log
@pytest.mark.parametrize(
    "body",
    ["print('x' * 2**20)", "for n in range(2**15): print(f'{n:031}')", "os.write(2, b'y' * 2**20)"],
    ids=["one line", "many lines", "one line without an end"],
)
def test_all_of_a_megabyte_is_passed_on_and_its_end_is_kept(bench: Bench, body: str) -> None:
    write_work(bench, body)
    live = Live(bench, "work")
    ran = live.end()
    assert ran.verdict.category is Category.SUCCEEDED
    assert len(ran.log) == KEPT
    heard = b"".join(live.log)
    assert len(heard.replace(b"\n", b"")) == len(b"".join(body_lines(body)))
    assert heard.replace(b"\n", b"").endswith(ran.log.replace(b"\n", b""))
    assert bench.state.log("work", live.context.run_key, live.uid) == ran.log


def test_whole_lines_are_passed_on_and_their_end_is_kept(bench: Bench) -> None:
    write_work(bench, "for n in range(2**15): print(f'{n:031}')")
    live = Live(bench, "work")
    assert live.verdict.category is Category.SUCCEEDED
    assert b"".join(live.log) == b"".join(body_lines("many"))
    assert all(chunk.endswith(b"\n") for chunk in live.log)
    kept = bench.state.log("work", live.context.run_key, live.uid)
    assert kept
    assert KEPT - 32 <= len(kept) <= KEPT
    assert b"".join(live.log).endswith(kept)


def test_last_words_without_an_end_of_line_are_heard(bench: Bench) -> None:
    write_work(bench, "os.write(2, b'caf\\xe9, aborting'); os._exit(3)")
    live = Live(bench, "work")
    assert live.verdict.category is Category.JOB_CRASHED
    assert b"".join(live.log).startswith(b"caf\xe9, aborting")


@kubelets_log
def test_the_launcher_stays_small_whatever_is_printed(bench: Bench) -> None:
    write_work(
        bench,
        """
        for n in range(64):
            os.write(1, b"z" * 2**20 + b"\\n" * (n % 2))
    """,
    )
    bench.plan("work")
    heard = 0

    def listen(lines: bytes) -> None:
        nonlocal heard
        heard += len(lines)

    tracemalloc.start()
    try:
        ran = bench.run("work", listener=Listener(on_log=listen))
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
