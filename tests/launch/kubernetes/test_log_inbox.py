"""Lines of a log that come faster than they are shown: they wait in a bounded place, and none is lost in silence."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.airflow.api_server import a_pod
from tests.launch.kubernetes.attempts import context

from polarpod.launch.listener import Listener
from polarpod.launch.planes.kubernetes import wait as module
from polarpod.launch.planes.kubernetes.log_buffer import Inbox, Tail
from polarpod.launch.planes.kubernetes.logs import LogFollower
from polarpod.launch.planes.kubernetes.pod import Pod
from polarpod.launch.planes.kubernetes.wait import Watched
from polarpod.launch.planes.kubernetes.watch import Changes
from polarpod.launch.worker import LOG_TAIL_BYTES

TIMEOUT = 30


class Cluster:
    """One pod whose log is as long as one likes, and that ends when its last line was read."""

    def __init__(self, lines: int, *, ends_first: bool = False) -> None:
        self._lines = lines
        self.read = 0
        self.ended = threading.Event()
        if ends_first:
            self.ended.set()

    def log(self, *_: Any, **__: Any) -> Log:
        return Log(self)

    def watch(self, *_: Any, **__: Any) -> Log:
        self.ended.wait(TIMEOUT)
        return Log(self, lines=0)

    def pod(self, _name: str) -> dict[str, Any]:
        return a_pod("Succeeded")

    def events(self, _uid: str) -> list[Any]:
        return []

    def batches(self, lines: int | None) -> Iterator[list[bytes]]:
        for number in range(self._lines if lines is None else lines):
            self.read += 1
            yield [f"2026-11-21T00:00:00.{number:09d}Z line {number} ".encode() + b"x" * 1000]
        self.ended.set()


class Log:
    """A stream of it."""

    broken, rest = False, b""

    def __init__(self, cluster: Cluster, lines: int | None = None) -> None:
        self._cluster = cluster
        self._lines = lines

    def batches(self) -> Iterator[list[bytes]]:
        return self._cluster.batches(self._lines)

    def __iter__(self) -> Iterator[bytes]:
        return iter(())

    def close(self) -> None:
        pass


def watched(cluster: Cluster, on_log: Callable[[bytes], None]) -> Watched:
    now = dt.datetime.now(dt.UTC)
    attempt = context(created_at=now)
    return Watched(cluster, Pod.of(a_pod("Running")), attempt, Listener(on_log=on_log), 600, lambda: now)


def test_a_log_that_is_shown_slowly_is_not_read_ahead_of_more_than_a_bounded_part() -> None:
    cluster, heard, ahead = Cluster(8_000), 0, 0

    def on_log(_line: bytes) -> None:
        nonlocal heard, ahead
        heard += 1
        ahead = max(ahead, cluster.read - heard)

    status, _ = watched(cluster, on_log).until_over()
    assert status.phase == "Succeeded"
    assert heard == 8_000
    # a megabyte in the inbox, and what was taken out of it at once
    assert ahead * 1000 < 2.5 * 2**20


def test_what_takes_too_long_after_the_end_is_counted_and_the_kept_log_has_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LOG_REST_SECONDS", 0.0)
    lines: list[bytes] = []
    one = watched(Cluster(5_000, ends_first=True), lines.append)
    one.until_over()
    shown = [line for line in lines if line.startswith(b"line ")]
    (said,) = [line for line in lines if b"left out here" in line]
    assert len(shown) + int(said.split()[1]) == 5_000
    assert one.tail.bytes().splitlines()[-1].startswith(b"line 4999 ")


def test_a_status_does_not_wait_behind_lines() -> None:
    inbox = Inbox(most_bytes=10)
    inbox.put_line(b"x" * 10)
    inbox.put_news(None)
    assert inbox.news() == [None]
    assert inbox.lines() == [b"x" * 10]
    assert (inbox.news(), inbox.lines()) == ([], [])


def test_a_line_longer_than_there_is_room_for_passes_alone() -> None:
    inbox = Inbox(most_bytes=10)
    inbox.put_line(b"x" * 11)
    assert inbox.lines() == [b"x" * 11]


def test_a_line_waits_for_room_and_no_longer() -> None:
    inbox, put = Inbox(most_bytes=10), threading.Event()
    inbox.put_line(b"x" * 9)
    inbox.put_line(b"y")  # fits exactly

    def put_a_third() -> None:
        inbox.put_line(b"z")
        put.set()

    thread = threading.Thread(target=put_a_third, daemon=True)
    thread.start()
    assert not put.wait(0.05)
    assert inbox.lines() == [b"x" * 9, b"y"]
    assert put.wait(TIMEOUT)
    assert inbox.lines() == [b"z"]
    assert inbox.left_out == 0


def test_a_line_that_waits_when_the_reader_is_gone_is_let_go() -> None:
    inbox = Inbox(most_bytes=1)
    inbox.put_line(b"x")
    thread = threading.Thread(target=inbox.put_line, args=(b"y",), daemon=True)
    thread.start()
    inbox.hurry()
    thread.join(TIMEOUT)
    assert not thread.is_alive()
    assert (inbox.lines(), inbox.left_out, inbox.tail.bytes()) == ([b"x"], 1, b"x\ny\n")


def test_the_tail_is_bounded_and_keeps_whole_lines() -> None:
    tail = Tail()
    for number in range(3_000):
        tail.add(b"%04d" % number + b"." * 95)
    kept = tail.bytes().splitlines()
    assert kept[-1].startswith(b"2999")
    assert len(tail.bytes()) == len(kept) * 100 <= LOG_TAIL_BYTES < (len(kept) + 1) * 100


class Slow:
    """A cluster whose connection opens when the test says so, and whose stream would never end."""

    def __init__(self) -> None:
        self.opening, self.go = threading.Event(), threading.Event()
        self.stream: Endless | None = None

    def log(self, *_: Any, **__: Any) -> Endless:
        self.opening.set()
        self.go.wait(TIMEOUT)
        self.stream = Endless()
        return self.stream

    watch = log


class Endless:
    """A stream that only ends when it is closed."""

    broken, rest = False, b""

    def __init__(self) -> None:
        self.closed = threading.Event()

    def batches(self) -> Iterator[list[bytes]]:
        yield [b"2026-11-21T00:00:00.000000001Z a line"]
        self.closed.wait(TIMEOUT)

    def __iter__(self) -> Iterator[bytes]:
        for lines in self.batches():
            yield from lines

    def close(self) -> None:
        self.closed.set()


@pytest.mark.parametrize(
    "reader",
    [
        pytest.param(lambda cluster, say: LogFollower(cluster, "p", say), id="a log"),
        pytest.param(lambda cluster, say: Changes(cluster, Pod.of(a_pod("Running")), say, left=lambda: 0.0), id="a watch"),
    ],
)
def test_what_is_closed_while_it_is_opened_is_never_read(reader: Callable[..., Any]) -> None:
    cluster, heard = Slow(), []
    one, over = reader(cluster, heard.append), threading.Event()
    arguments = (over,) if isinstance(one, LogFollower) else ()
    thread = threading.Thread(target=one.follow, args=arguments, daemon=True)
    thread.start()
    assert cluster.opening.wait(TIMEOUT)
    over.set()
    one.close()
    cluster.go.set()
    thread.join(TIMEOUT)
    assert not thread.is_alive()
    assert heard == []
    assert cluster.stream is not None
    assert cluster.stream.closed.is_set()
