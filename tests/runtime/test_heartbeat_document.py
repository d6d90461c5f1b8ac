"""The heartbeat's document: at a bounded rate, in the background, and never in anybody's way."""

from __future__ import annotations

import threading

import msgspec
import pytest

from polarpod.contract.message import EVERY_SECONDS, FIRST_SECONDS, Message
from polarpod.runtime.heartbeat_document import HeartbeatDocument

UID = "0" * 32
TIMEOUT = 30


class Store:
    """Takes documents, one at a time, when it is let."""

    def __init__(self, *, fails: bool = False) -> None:
        self.fails = fails
        self.rows: list[int] = []
        self.asked = threading.Semaphore(0)
        self.let = threading.Semaphore(0)

    def write(self, data: bytes) -> None:
        self.asked.release()
        assert self.let.acquire(timeout=TIMEOUT)
        if self.fails:
            raise OSError("no such host")
        self.rows.append(msgspec.json.decode(data, type=Message).rows)


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def shown(document: HeartbeatDocument, rows: int) -> None:
    document.show(Message(kind="heartbeat", uid=UID, rows=rows))


def settled(document: HeartbeatDocument) -> None:
    """Until no write goes on."""
    if document._writing:
        document._writing.join(TIMEOUT)
        assert not document._writing.is_alive()


@pytest.mark.parametrize(
    "fails", [pytest.param(False, id="a store that answers"), pytest.param(True, id="one that does not")]
)
def test_so_many_writes_are_tried_in_an_hour(fails: bool) -> None:
    store, clock = Store(fails=fails), Clock()
    document = HeartbeatDocument(store.write, clock=clock)
    writes = 0
    for second in range(3600):
        clock.now = 100.0 + second
        shown(document, second)
        if document._writing and document._writing.is_alive():
            assert store.asked.acquire(timeout=TIMEOUT)
            writes += 1
            store.let.release()
        settled(document)
    assert writes == 360
    assert store.rows == ([] if fails else list(range(5, 3600, 10)))


def test_nothing_is_written_in_the_first_seconds() -> None:
    store, clock = Store(), Clock()
    document = HeartbeatDocument(store.write, clock=clock)
    clock.now += FIRST_SECONDS - 0.01
    shown(document, 1)
    assert document._writing is None
    clock.now += 0.01
    shown(document, 2)
    store.let.release()
    settled(document)
    assert store.rows == [2]


def test_a_store_that_hangs_holds_nobody_up_and_gets_no_second_write() -> None:
    store, clock = Store(), Clock()
    document = HeartbeatDocument(store.write, clock=clock)
    for number in range(5):
        clock.now += EVERY_SECONDS
        shown(document, number)
    assert store.asked.acquire(timeout=TIMEOUT)
    assert not store.asked.acquire(blocking=False)
    store.let.release()
    settled(document)
    clock.now += EVERY_SECONDS
    shown(document, 9)
    store.let.release()
    settled(document)
    assert store.rows == [0, 9]


def test_the_interpreter_does_not_wait_for_it() -> None:
    store, clock = Store(), Clock()
    document = HeartbeatDocument(store.write, clock=clock)
    clock.now += FIRST_SECONDS
    shown(document, 1)
    assert document._writing is not None
    assert document._writing.daemon
    store.let.release()
    settled(document)


def test_a_container_that_may_start_no_more_threads_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    clock = Clock()
    document = HeartbeatDocument(Store().write, clock=clock)
    clock.now += FIRST_SECONDS
    monkeypatch.setattr(threading.Thread, "start", refuse)
    shown(document, 1)
