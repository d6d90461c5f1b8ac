"""A watch or a log whose connection breaks anywhere, within a line or a character too: nothing is lost or comes twice."""

from __future__ import annotations

import datetime as dt
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest
from tests.airflow.api_server import NAMESPACE, ApiServer, Cut, No, a_pod, event, serve
from tests.launch.kubernetes.attempts import CONTEXT, plane

from polarpod.contract import labels
from polarpod.contract.verdict import Category
from polarpod.launch.listener import Listener
from polarpod.launch.planes.kubernetes.cluster import Cluster, connect
from polarpod.launch.planes.kubernetes.launcher import PodLauncher
from polarpod.launch.planes.kubernetes.logs import LogFollower
from polarpod.launch.planes.kubernetes.status import Status
from polarpod.launch.planes.kubernetes.watch import change_of
from polarpod.launch.worker import Unobservable

NOW = dt.datetime(2026, 11, 21, 12, 0, 30, tzinfo=dt.UTC)
LINES = ["first", "zweitens: größer als 3 €", "last"]
LOG = b"".join(f"2026-11-21T12:00:0{second}.000000001Z {line}\n".encode() for second, line in enumerate(LINES))
FIRST_LINE = LOG.index(b"\n") + 1


@pytest.fixture
def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ApiServer]:
    monkeypatch.setattr("polarpod.launch.planes.kubernetes.logs._AGAIN_SECONDS", 0)
    monkeypatch.setattr("polarpod.launch.planes.kubernetes.wait._TICK_SECONDS", 0.001)
    monkeypatch.setattr("polarpod.launch.planes.kubernetes.watch._BETWEEN_SECONDS", 0.001)
    with serve(tmp_path) as server:
        yield server


@pytest.fixture
def cluster(api: ApiServer) -> Cluster:
    return connect(plane(kubeconfig=str(api.kubeconfig), namespace=NAMESPACE))


def attempts_pod(phase: str = "Running", **status: Any) -> dict[str, Any]:
    pod = a_pod(phase, **status)
    return {**pod, "metadata": {**pod["metadata"], "labels": {labels.ATTEMPT_UID: CONTEXT.attempt.uid}}}


def followed(cluster: Cluster, *, until_last: bool = False) -> list[str]:
    """The lines of a log. `until_last`: its container is over once it has said its last line, and not before."""
    over, lines = threading.Event(), []

    def take(line: bytes) -> None:
        lines.append(line.decode())
        if line == b"last":
            over.set()

    if not until_last:
        over.set()
    LogFollower(cluster, "tolls-1", take, now=lambda: NOW).follow(over)
    return lines


@pytest.mark.parametrize("broken", [pytest.param(True, id="broken"), pytest.param(False, id="ended in good order")])
def test_a_log_that_is_cut_at_any_byte_is_read_on(api: ApiServer, cluster: Cluster, broken: bool) -> None:
    for at in range(len(LOG)):
        api.log = [Cut(LOG[:at], broken), Cut(LOG, broken=False)]
        assert followed(cluster, until_last=True) == LINES, LOG[:at]


def test_a_log_that_is_cut_is_read_on_although_its_container_is_over(api: ApiServer, cluster: Cluster) -> None:
    for at in range(FIRST_LINE, len(LOG)):
        api.log = [Cut(LOG[:at]), Cut(LOG, broken=False)]
        assert followed(cluster) == LINES, LOG[:at]


@pytest.mark.parametrize("broken", [pytest.param(True, id="broken"), pytest.param(False, id="ended in good order")])
@pytest.mark.parametrize(
    ("cut", "shown"),
    [
        pytest.param(LOG[:-3], [*LINES[:2], "la"], id="within a line"),
        pytest.param(LOG[: LOG.index("ö".encode()) + 1], ["first", b"zweitens: gr\xc3"], id="within a character"),
        pytest.param(LOG[:-20], LINES[:2], id="within a timestamp"),
        pytest.param(LOG[:-1], LINES, id="before the end of a line"),
    ],
)
def test_half_a_line_is_shown_where_no_more_comes(
    api: ApiServer, cluster: Cluster, cut: bytes, shown: list[Any], broken: bool
) -> None:
    api.log = [Cut(cut, broken), No(404, "")]
    lines: list[bytes] = []
    LogFollower(cluster, "tolls-1", lines.append, now=lambda: NOW).follow(threading.Event())
    assert lines == [line if isinstance(line, bytes) else line.encode() for line in shown]


def test_a_server_that_breaks_off_at_the_same_line_is_not_asked_for_ever(api: ApiServer, cluster: Cluster) -> None:
    api.log = [Cut(LOG[:-3])]
    assert followed(cluster) == [*LINES[:2], "la"]
    assert len(api.requests["log"]) == 2


def test_half_a_line_is_kept_while_the_server_has_nothing_more_to_say(api: ApiServer, cluster: Cluster) -> None:
    api.log = [Cut(LOG[:-3]), Cut(b"", broken=False), No(404, "")]
    lines: list[bytes] = []
    LogFollower(cluster, "tolls-1", lines.append, now=lambda: NOW).follow(threading.Event())
    assert [line.decode() for line in lines] == [*LINES[:2], "la"]


def test_a_private_key_is_hidden_although_the_connection_breaks_within_it(api: ApiServer, cluster: Cluster) -> None:
    said = ["-----BEGIN PRIVATE KEY-----", "MIIE-one", "MIIE-two", "-----END PRIVATE KEY-----", "and on"]
    log = b"".join(f"2026-11-21T12:00:0{second}.000000001Z {line}\n".encode() for second, line in enumerate(said))
    for at in range(0, len(log), 7):
        api.log = [Cut(log[:at]), Cut(log, broken=False), No(404, "")]
        lines: list[bytes] = []
        LogFollower(cluster, "tolls-1", lines.append, now=lambda: NOW).follow(threading.Event())
        assert b"MIIE" not in b"\n".join(lines), at
        assert lines[-1] == b"and on"


def test_of_an_old_log_the_old_lines_are_asked_for_again(api: ApiServer, cluster: Cluster) -> None:
    api.log = [Cut(LOG[: FIRST_LINE + 3]), Cut(LOG, broken=False)]
    assert followed(cluster) == LINES
    # its newest line was 30 seconds old when it was read; five are for clocks that differ
    assert "sinceSeconds=35" in api.requests["log"][1]


@pytest.mark.parametrize("end", [pytest.param(b"", id="and never does"), pytest.param(b"\n", id="and does in the end")])
def test_a_job_that_ends_no_line_does_not_fill_its_launcher(
    api: ApiServer, cluster: Cluster, end: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("polarpod.launch.planes.kubernetes.cluster._LONGEST_LINE_BYTES", 100)
    api.log = [Cut(LOG[:-1] + b"." * 10_000_000 + end, broken=False), No(404, "")]
    lines: list[bytes] = []
    LogFollower(cluster, "tolls-1", lines.append, now=lambda: NOW).follow(threading.Event())
    assert [line.decode() for line in lines[:2]] == LINES[:2]
    stamp = LOG.splitlines()[2][: -len("last")]
    assert lines[2:] == [b"last".ljust(100 - len(stamp), b".")]


@pytest.mark.parametrize(
    "watch",
    [pytest.param(403, id="may not be watched"), pytest.param([event("MODIFIED", "?")], id="is told of in no words")],
)
def test_a_log_is_shown_to_its_end_although_its_pod(api: ApiServer, cluster: Cluster, watch: Any) -> None:
    api.look, api.watch = [attempts_pod(), attempts_pod("Succeeded")], [watch]
    api.log = [Cut(LOG, broken=False)]
    lines: list[bytes] = []
    assert PodLauncher(plane(), cluster, now=lambda: CONTEXT.created_at).print_log(CONTEXT, lines.append, tail=None)
    assert [line.decode() for line in lines] == LINES


CHANGE = json.dumps(event("MODIFIED", attempts_pod(message="größer")), ensure_ascii=False).encode() + b"\n"
OVER = json.dumps(event("MODIFIED", attempts_pod("Succeeded")), ensure_ascii=False).encode() + b"\n"


def seen_through(cluster: Cluster) -> tuple[Status, list[bytes]]:
    lines: list[bytes] = []
    launcher = PodLauncher(plane(), cluster, now=lambda: CONTEXT.created_at)
    ended = launcher.attach(CONTEXT, Listener(on_log=lines.append), orphaned=True)
    ended.release()
    assert isinstance(ended.end, Status)
    return ended.end, lines


@pytest.mark.parametrize("broken", [pytest.param(True, id="broken"), pytest.param(False, id="ended in good order")])
@pytest.mark.parametrize(
    "cut",
    [
        pytest.param(b"", id="before the first line"),
        pytest.param(OVER[:1], id="after one byte"),
        pytest.param(OVER[:-2], id="before the last bracket"),
        pytest.param(OVER[:-1], id="before the end of a line"),
        pytest.param(CHANGE[: CHANGE.index("ö".encode()) + 1], id="within a character"),
        pytest.param(CHANGE + OVER[: len(OVER) // 2], id="within the second line"),
        pytest.param(b"upstream connect error\n", id="by a proxy with a word of its own"),
        pytest.param(b"502\n", id="by a proxy with a number"),
        pytest.param(b"null\n", id="by a proxy with nothing"),
        pytest.param(b'{"type": "\xc3"}\n', id="by a proxy that does not know characters"),
    ],
)
def test_a_watch_that_is_cut_is_taken_up_with_what_is_true_then(
    api: ApiServer, cluster: Cluster, cut: bytes, broken: bool
) -> None:
    api.look = [attempts_pod(), attempts_pod("Succeeded")]
    api.watch = [Cut(cut, broken)]
    api.log = [Cut(LOG, broken=False)]
    status, lines = seen_through(cluster)
    assert (status.phase, status.gone) == ("Succeeded", False)
    assert lines == [f"{line}\n".encode() for line in LINES]
    assert len(api.requests["look"]) >= 2, "to attach, and after the break"
    assert len(api.requests["delete"]) == 1


def test_a_pod_that_was_seen_and_is_denied_for_a_moment_is_waited_for(api: ApiServer, cluster: Cluster) -> None:
    api.look = [attempts_pod(), 403, attempts_pod("Succeeded")]
    api.log = [Cut(LOG, broken=False)]
    status, _ = seen_through(cluster)
    assert status.phase == "Succeeded"
    assert len(api.requests["look"]) >= 3


@pytest.mark.parametrize(
    ("watch", "look"),
    [
        pytest.param([403], [attempts_pod()], id="it was never allowed to watch"),
        pytest.param([[]], [attempts_pod(), 403], id="its rights were taken away, longer ago than a server takes to start"),
    ],
)
def test_a_pod_that_may_not_be_seen_is_lost_sight_of(
    watch: list[Any], look: list[Any], api: ApiServer, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("polarpod.launch.planes.kubernetes.watch.START_SECONDS", 0)
    api.watch, api.look = watch, look
    with pytest.raises(Unobservable) as caught:
        seen_through(cluster)
    assert caught.value.verdict.category is Category.PLANE_DENIED
    assert api.requests["delete"] == []


@pytest.mark.parametrize("date", [pytest.param(None, id="no date"), pytest.param("soon", id="no date that is one")])
def test_a_server_whose_clock_nobody_tells_still_has_a_version(date: str | None, cluster: Cluster) -> None:
    answer = SimpleNamespace(data=b'{"gitVersion": "v1.34.4"}', headers={"Date": date} if date else {})
    with mock.patch("kubernetes.client.VersionApi.get_code", return_value=answer):
        assert cluster.version() == ("v1.34.4", None)


def test_any_piece_of_a_line_is_either_the_change_or_the_word_to_begin_anew() -> None:
    for begin in range(len(CHANGE)):
        for end in (begin, begin + 1, (begin + len(CHANGE)) // 2, len(CHANGE) - 2):
            change = change_of(CHANGE[begin:end])
            assert change in ({}, {"type": "ERROR"}) or "type" not in change, CHANGE[begin:end]
    assert change_of(CHANGE) == json.loads(CHANGE)
