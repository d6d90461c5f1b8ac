"""Of many who create or swap one document at once exactly one wins: what every fence and every claim rests on.

Not on moto, which looks and then writes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import msgspec
import pytest
from tests.fixtures.object_store import Lake

from polarpod.contract.context import Storage
from polarpod.store.folder import Folder

RIVALS = 8
ROUNDS = 15
atomic = pytest.mark.parametrize("lake", [pytest.param(name, id=name) for name in ("local", "versitygw")], indirect=True)

# a process of its own: says when it is ready, waits for the word, plays all rounds, says what it won
RIVAL = """
import json, sys
import msgspec
from polarpod.contract.context import Storage
from polarpod.store.folder import Folder
uri, storage, me, rounds = json.loads(sys.argv[1])
folder = Folder(uri, msgspec.convert(storage, Storage))
folder.read("warm up")
print("ready", flush=True)
sys.stdin.readline()
won = [key for key in map(str, range(rounds)) if folder.create(f"created/{key}", me.encode())]
for _ in range(rounds):
    while True:
        seen = folder.read("counter")
        if folder.swap("counter", str(int(seen.data) + 1).encode(), expected=seen.tag):
            break
print(json.dumps(won))
"""


def at_once(action: Callable[[int], bool]) -> list[bool]:
    """What many threads got that began at the same moment."""
    gate = Barrier(RIVALS)

    def rival(number: int) -> bool:
        gate.wait()
        return action(number)

    with ThreadPoolExecutor(RIVALS) as pool:
        return list(pool.map(rival, range(RIVALS)))


@atomic
def test_one_of_many_threads_creates_a_document_and_it_is_that_ones(folder: Folder) -> None:
    for number in range(ROUNDS):
        wins = at_once(lambda me, key=f"key {number}": folder.create(key, str(me).encode()))
        found = folder.read(f"key {number}")
        assert found
        assert [me for me, won in enumerate(wins) if won] == [int(found.data)]


@atomic
def test_one_of_many_threads_that_read_the_same_swaps_it(folder: Folder) -> None:
    folder.write("key", b"start")
    for number in range(ROUNDS):
        seen = folder.read("key")
        assert seen
        wins = at_once(lambda me, seen=seen, n=number: folder.swap("key", f"{n} {me}".encode(), expected=seen.tag))
        found = folder.read("key")
        assert found
        assert [f"{number} {me}".encode() for me, won in enumerate(wins) if won] == [found.data]


@atomic
def test_a_reader_during_swaps_sees_whole_documents_only(folder: Folder) -> None:
    sizes = [1, 20_000]
    folder.write("key", b"a" * sizes[0])

    def swap_or_read(me: int) -> bool:
        for number in range(ROUNDS):
            seen = folder.read("key")
            assert seen
            assert len(seen.data) in sizes
            assert len(set(seen.data)) == 1
            if me % 2:
                folder.swap("key", b"ab"[number % 2 : number % 2 + 1] * sizes[number % 2], expected=seen.tag)
        return True

    assert all(at_once(swap_or_read))


@atomic
def test_many_processes_win_each_document_once_and_lose_no_update(reachable: Lake, folder: Folder) -> None:
    folder.write("counter", b"0")
    rivals = [start(folder, reachable.storage, f"rival {number}") for number in range(4)]
    for rival in rivals:
        assert rival.stdout
        assert rival.stdout.readline() == "ready\n"
    for rival in rivals:
        assert rival.stdin
        rival.stdin.write("go\n")
        rival.stdin.flush()
    answers = [rival.communicate() for rival in rivals]
    assert [rival.returncode for rival in rivals] == [0] * len(rivals), answers
    won = [key for out, _ in answers for key in json.loads(out)]
    assert sorted(won, key=int) == [str(number) for number in range(ROUNDS)]
    counter = folder.read("counter")
    assert counter
    assert int(counter.data) == len(rivals) * ROUNDS


def start(folder: Folder, storage: Storage, me: str) -> subprocess.Popen[str]:
    task = json.dumps([folder.uri, msgspec.to_builtins(storage), me, ROUNDS])
    return subprocess.Popen(
        [sys.executable, "-c", RIVAL, task],
        env=dict(os.environ),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
