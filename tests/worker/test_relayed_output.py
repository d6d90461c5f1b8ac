"""What a child prints gets through its supervisor: all of it, in order, and without anybody waiting for ever."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import pytest
from tests.support.live import PATIENCE, alive

from polarpod.runtime.supervisor import output

ROOT = Path(__file__).parents[2]
PASSWORD = "Tr0ub4dor-and-3"
# as much at once as is read at once
FLOOD = "while True:\n    print(('x' * 999 + '\\n') * 64)\n"
MUCH = 32 * 1024 * 1024


def start(
    source: str, folder: Path, *, stdout: int | IO[bytes] = subprocess.PIPE, **options: Any
) -> subprocess.Popen[bytes]:
    """A supervisor's output with a child that runs this, beside which it leaves a report."""
    (folder / "source.py").write_text(source)
    variables = {"REPORT": str(folder / "report"), "DB_PASSWORD": PASSWORD, **options.pop("variables", {})}
    with (folder / "source.py").open("rb") as stdin:
        return subprocess.Popen(
            [sys.executable, "-m", "tests.worker.relay"],
            cwd=ROOT, env={**os.environ, **variables}, stdin=stdin, stdout=stdout, **options,
        )  # fmt: skip


def report(folder: Path) -> tuple[int, str]:
    """The supervisor's peak in KiB, and what it says it has lost."""
    peak, _, lost = (folder / "report").read_text().partition("\n")
    return int(peak), lost


def until(condition: Callable[[], Any], what: str) -> None:
    limit = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < limit, what
        time.sleep(0.001)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        pytest.param("print('no end of line', end='')", b"no end of line", id="a line without an end"),
        pytest.param("import os; os.write(1, b'caf\\xe9\\n\\xff')", b"caf\xe9\n\xff", id="bytes that are no text"),
        pytest.param("", b"", id="nothing"),
        pytest.param("import os; os.write(1, b'so far'); os.abort()", b"so far", id="before it aborts"),
        pytest.param(
            "import ctypes, os; os.write(1, b'so far'); ctypes.string_at(0)", b"so far", id="before a native crash"
        ),
        pytest.param("import os; os.write(1, b'so far'); os.kill(os.getpid(), 9)", b"so far", id="before it is killed"),
        pytest.param("print('x' * 70_000 + 'y')", b"x" * 70_000 + b"y\n", id="a line longer than what is held"),
        pytest.param(f"print('login with {PASSWORD}')", b"login with ***\n", id="a secret"),
        pytest.param(
            f"print('x' * 65_529 + ' {PASSWORD}')", b"x" * 65_529 + b" ***\n", id="a secret over two reads"
        ),
        pytest.param(
            "import sys\nprint('before')\nsys.stdout.close()", b"before\n", id="until it closes the stream"
        ),
    ],
)  # fmt: skip
def test_all_that_it_prints_is_shown(source: str, said: bytes, tmp_path: Path) -> None:
    out, _ = start(source, tmp_path).communicate(timeout=PATIENCE)
    assert out == said
    assert report(tmp_path)[1] == ""


@pytest.mark.parametrize(
    "line", [pytest.param("'x' * 99 + '\\n'", id="in lines"), pytest.param("'x' * 100", id="in one line")]
)
def test_a_burst_is_shown_whole_and_held_by_nobody(line: str, tmp_path: Path) -> None:
    start("print('few')", tmp_path).communicate(timeout=PATIENCE)
    little, _ = report(tmp_path)
    source = f"import sys\nfor _ in range({MUCH} // 100_000):\n    sys.stdout.write(({line}) * 1000)\n"
    out, _ = start(source, tmp_path).communicate(timeout=PATIENCE)
    assert len(out) == MUCH // 100_000 * 100_000
    assert not out.replace(b"\n", b"").strip(b"x")
    peak, _ = report(tmp_path)
    assert peak - little < 8 * 1024


def test_streams_that_are_one_file_stay_in_order(tmp_path: Path) -> None:
    source = "import sys\nfor n in range(1000):\n    print(n)\n    print(n, file=sys.stderr)\n"
    with (tmp_path / "log").open("wb") as log:
        start(source, tmp_path, stdout=log, stderr=log).wait(PATIENCE)
    assert (tmp_path / "log").read_text().split() == [str(number) for number in range(1000) for _ in range(2)]


def test_streams_that_are_two_stay_apart(tmp_path: Path) -> None:
    source = f"import sys\nprint('one {PASSWORD}')\nprint('two {PASSWORD}', file=sys.stderr)\n"
    assert start(source, tmp_path, stderr=subprocess.PIPE).communicate(timeout=PATIENCE) == (b"one ***\n", b"two ***\n")


@pytest.mark.parametrize(
    ("command", "reads"),
    [
        pytest.param("exec sleep 1000", False, id="and says nothing"),
        pytest.param("exec yes", True, id="and prints for ever"),
    ],
)
def test_a_process_that_keeps_the_pipe_is_not_waited_for(command: str, reads: bool, tmp_path: Path) -> None:
    """No orphan is ended here, as on a machine where they cannot be found."""
    source = (
        f"import subprocess\nleft = subprocess.Popen(['/bin/sh', '-c', {command!r}], start_new_session=True)\n"
        f"open({str(tmp_path / 'left')!r}, 'w').write(str(left.pid))\nprint('so far')\n"
    )
    worker = start(source, tmp_path)
    try:
        out, _ = worker.communicate(timeout=PATIENCE)
        assert b"so far" in out
    finally:
        left = int((tmp_path / "left").read_text())
        if not reads:
            os.kill(left, 9)
    until(lambda: not alive(left), "who printed into the pipe had an error, and ended")


def test_what_a_process_prints_faster_than_it_is_read_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (tmp_path / "log").open("wb") as log:
        stream = output._Stream([log.fileno()])
        monkeypatch.setattr(os, "read", lambda _number, size: b"more\n" * (size // 5))
        ours = object.__new__(output.Output)
        ours._streams = [stream]
        ours.drain()
    monkeypatch.undo()
    os.close(stream.reader)
    os.close(stream.writer)
    assert output._PIPE_BYTES < (tmp_path / "log").stat().st_size < 2 * output._PIPE_BYTES


def test_who_prints_ends_with_a_supervisor_that_is_killed(tmp_path: Path) -> None:
    source = (
        "import os, subprocess\nother = subprocess.Popen(['/bin/sh', '-c', 'while :; do echo more; done'])\n"
        f"print('pids', os.getpid(), other.pid)\n{FLOOD}"
    )
    worker = start(source, tmp_path, stderr=subprocess.DEVNULL)
    assert worker.stdout
    line = worker.stdout.readline()
    while not line.startswith(b"pids"):
        line = worker.stdout.readline()
    # from here on nobody reads: both wait in a write, or will
    worker.kill()
    worker.wait()
    for pid in line.split()[1:]:
        until(lambda pid=pid: not alive(int(pid)), "it ended")  # type: ignore[misc]


def test_a_reader_that_takes_nothing_holds_up_the_child_and_not_its_supervisor(tmp_path: Path) -> None:
    place = tmp_path / "child"
    source = f"import os\nopen({str(place)!r}, 'w').write(str(os.getpid()))\n{FLOOD}"
    # less than is read at once, so that a write that waits would be in its middle
    worker = start(source, tmp_path, variables={"PATIENCE": "0"}, pipesize=8192)
    assert worker.stdout
    pipe = worker.stdout.fileno()
    until(lambda: _waiting_bytes(pipe) > 4096, "the pipe had no room")
    os.kill(int(place.read_text()), 9)
    assert worker.wait(PATIENCE) == 0


def _waiting_bytes(pipe: int) -> int:
    return int.from_bytes(fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)), sys.byteorder)


def test_a_full_disk_loses_the_log_and_not_the_run(tmp_path: Path) -> None:
    source = f"print('first')\nprint('second')\nopen({str(tmp_path / 'end')!r}, 'w').close()\n"
    with Path("/dev/full").open("wb") as full:
        assert start(source, tmp_path, stdout=full).wait(PATIENCE) == 0
    assert (tmp_path / "end").exists()
    assert report(tmp_path)[1] == "13 bytes of what the job printed are lost: No space left on device"


def test_a_reader_that_is_gone_does_not_end_the_run(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    source = f"print('x' * 100_000)\nopen({str(tmp_path / 'end')!r}, 'w').close()\n"
    worker = start(source, tmp_path, stdout=writer)
    os.close(writer)
    assert worker.wait(PATIENCE) == 0
    assert (tmp_path / "end").exists()
    assert report(tmp_path)[1] == "100,001 bytes of what the job printed are lost: Broken pipe"


def test_a_worker_that_was_started_without_a_stream_shows_the_other(tmp_path: Path) -> None:
    source = "import sys\nprint('seen', file=sys.stderr)\n"
    worker = start(source, tmp_path, stderr=subprocess.PIPE, preexec_fn=lambda: os.close(1))
    assert worker.communicate(timeout=PATIENCE)[1] == b"seen\n"
