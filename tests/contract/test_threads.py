"""Launchers of several runs are threads of one process."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import polarpod

# Each in a fresh process, since only the first look at a type is at stake; without the lock about half of them crashed.
_PROCESSES = 8
_THREADS = """
import sys, threading
from polarpod.contract.codec import decode
from polarpod.contract.context import Context
from polarpod.contract.receipt import Receipt
from polarpod.contract.release import Release
from polarpod.contract.verdict import PolarpodError

sys.setswitchinterval(1e-6)
together = threading.Barrier(6)

def read(kind):
    together.wait()
    for _ in range(20):
        try:
            decode(b'{"protocol": "1.0", "job": {"name": "x"}}', kind, source="a test")
        except PolarpodError:
            pass

threads = [threading.Thread(target=read, args=(kind,)) for kind in (Context, Receipt, Release) * 2]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
"""


def test_documents_can_be_read_for_the_first_time_by_many_threads_at_once() -> None:
    ended = [subprocess.run([sys.executable, "-c", _THREADS], check=False, timeout=60) for _ in range(_PROCESSES)]
    assert [done.returncode for done in ended] == [0] * _PROCESSES


def test_nobody_makes_a_decoder_of_a_type_but_the_codec() -> None:
    # without a type a decoder looks at none
    made = re.compile(r"msgspec\.convert\(|msgspec\.json\.(decode\([^)]*type=[A-Z_]|Decoder\((?!\)|float_hook=\w+\)))")
    sources = [path for path in Path(polarpod.__file__).parent.rglob("*.py") if path.name != "codec.py"]
    assert [path.name for path in sources if made.search(path.read_text())] == []
