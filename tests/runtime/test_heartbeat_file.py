"""The termination file holds a whole message: for any reader at any moment where it is renamed over, and after every single
write where it is rewritten in place. (A kernel promises no more of one write to a reader at the same instant; the kubelet
reads when the container has ended.)"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from polarpod.contract.message import MAXIMUM_BYTES, Message
from polarpod.runtime.heartbeat_file import HeartbeatFile

REWRITES = 2_000
UID = "0" * 32
# reads until its standard input ends; says how often it read and the first thing that was no message
READER = f"""
import os, select, sys
from polarpod.contract.message import Message
import msgspec
count = 0
print("reading", flush=True)
while not select.select([sys.stdin], [], [], 0)[0]:
    with open(sys.argv[1], "rb") as handle:
        data = handle.read()
    try:
        assert len(data) <= {MAXIMUM_BYTES}, len(data)
        msgspec.json.decode(data, type=Message)
    except Exception as error:
        sys.exit(f"read {{count}}: {{error!r}}: {{len(data)}} bytes: {{data[:200]!r}} ... {{data[-100:]!r}}")
    count += 1
print(count)
"""


def message(number: int) -> Message:
    """Messages of very different lengths, the longest of them too long."""
    size = (number * 911) % 4500
    return Message(kind="heartbeat", uid=UID, rows=number, phase="stage", summary={"text": "x" * size})


def heartbeat_file(path: Path, *, in_place: bool) -> HeartbeatFile:
    made = HeartbeatFile(path)
    # what a bind mount of Kubernetes would decide; a test may not mount
    made._rename = not in_place
    return made


BOTH = pytest.mark.parametrize("in_place", [pytest.param(False, id="by rename"), pytest.param(True, id="in place")])


def test_a_reader_that_never_pauses_sees_only_whole_messages(tmp_path: Path) -> None:
    path = tmp_path / "termination.json"
    shown = heartbeat_file(path, in_place=False)
    shown.show(message(1))
    with subprocess.Popen(
        [sys.executable, "-c", READER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as reader:
        assert reader.stdout
        assert reader.stdout.readline() == b"reading\n"
        for number in range(REWRITES):
            shown.show(message(number))
        out, words = reader.communicate()
    assert reader.returncode == 0, words.decode()
    assert int(out) > 0


def test_in_place_a_message_is_whole_after_each_of_its_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "termination.json"
    shown = heartbeat_file(path, in_place=True)
    write, writes = os.pwrite, 0

    def write_and_read(handle: int, data: bytes, offset: int) -> int:
        nonlocal writes
        writes += 1
        written = write(handle, data, offset)
        found = path.read_bytes()
        assert len(found) <= MAXIMUM_BYTES
        msgspec.json.decode(found, type=Message)
        return written

    monkeypatch.setattr(os, "pwrite", write_and_read)
    for number in range(REWRITES):
        shown.show(message(number))
    assert writes == REWRITES


@BOTH
def test_a_shorter_message_leaves_nothing_of_a_longer_one(in_place: bool, tmp_path: Path) -> None:
    path = tmp_path / "termination.json"
    shown = heartbeat_file(path, in_place=in_place)
    for size in (3000, 0, 4090, 10):
        expected = Message(kind="receipt", uid=UID, summary={"text": "x" * size})
        shown.show(expected)
        data = path.read_bytes()
        assert len(data) <= MAXIMUM_BYTES
        assert msgspec.json.decode(data, type=Message).rows == 0
    assert msgspec.json.decode(data, type=Message).summary == {"text": "x" * 10}


def test_in_place_the_file_stays_the_one_that_was_mounted(tmp_path: Path) -> None:
    path = tmp_path / "termination-log"
    path.touch()
    inode = path.stat().st_ino
    shown = heartbeat_file(path, in_place=True)
    shown.show(message(1))
    shown.show(message(2))
    assert path.stat().st_ino == inode


def test_the_termination_log_of_kubernetes_is_never_renamed_over() -> None:
    assert HeartbeatFile(Path("/dev/termination-log"))._rename is False


def test_beside_the_file_nothing_is_left(tmp_path: Path) -> None:
    heartbeat_file(tmp_path / "termination.json", in_place=False).show(message(1))
    assert [path.name for path in tmp_path.iterdir()] == ["termination.json"]


@BOTH
def test_a_place_that_cannot_be_written_does_not_end_the_run(in_place: bool, tmp_path: Path) -> None:
    heartbeat_file(tmp_path / "nowhere" / "termination.json", in_place=in_place).show(message(1))
    heartbeat_file(tmp_path, in_place=in_place).show(message(1))
    HeartbeatFile(None).show(message(1))
