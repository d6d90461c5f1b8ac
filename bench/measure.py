"""Wall time and peak memory of commands, run in turns so that a noisy machine is noisy to all of them.

What this must not do: know what it measures. Compare medians of interleaved rounds, and ratios before seconds.

Usage: python -m bench.measure REPEATS COMMAND [--- COMMAND]...
"""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import psutil

from bench.limit import memory_cgroup
from bench.tree import Tree

# often enough to see a join's peak, seldom enough to cost under one percent of a core
SAMPLE_SECONDS = 0.02
TAIL_BYTES = 2000


@dataclass(frozen=True, kw_only=True)
class Command:
    """One thing to measure; `prepare` runs unmeasured before each round, to empty an output directory for instance."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=dict)
    memory_bytes: int | None = None  # a hard limit as a pod has it; needs a writable cgroup
    timeout_seconds: float = 900
    prepare: Callable[[], object] | None = None


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """One run. `exit_status` is negative for a signal: -9 is what a process dies of when memory runs out."""

    wall_seconds: float
    cpu_seconds: float
    peak_rss_bytes: int
    exit_status: int
    output: str


def measure(command: Command) -> Measurement:
    if command.prepare:
        command.prepare()
    with contextlib.ExitStack() as stack:
        output = stack.enter_context(tempfile.TemporaryFile())
        own = psutil.Process().memory_info().rss
        join = stack.enter_context(memory_cgroup(command.memory_bytes)) if command.memory_bytes else None
        started = time.monotonic()
        process = subprocess.Popen(
            command.argv,
            env={**os.environ, **command.env},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=join,  # noqa: PLW1509 - this program has one thread
        )
        tree = Tree(process.pid)
        while True:
            # before waiting: a process that was waited for has no memory left to look at
            tree.look()
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:
                break
            if time.monotonic() - started > command.timeout_seconds:
                os.killpg(process.pid, signal.SIGKILL)
            time.sleep(SAMPLE_SECONDS)
        wall = time.monotonic() - started
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # what it left behind would be measured with the next
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(max(0, output.seek(0, os.SEEK_END) - TAIL_BYTES))
        largest = usage.ru_maxrss * 1024
        tail = output.read().decode(errors="replace")
    return Measurement(
        wall_seconds=wall,
        cpu_seconds=max(tree.cpu_seconds, usage.ru_utime + usage.ru_stime),
        # the kernel's own figure for the largest single process catches a peak between two samples; a child
        # starts as a copy of this program, so a figure no larger than that says nothing
        peak_rss_bytes=max(tree.peak_rss_bytes, largest if largest > own * 1.1 else 0),
        exit_status=process.returncode,
        output=tail,
    )


def interleaved(commands: Sequence[Command], *, repeats: int) -> dict[str, list[Measurement]]:
    """One round after the other, each running every command once: name -> its measurements."""
    found: dict[str, list[Measurement]] = {command.name: [] for command in commands}
    for _ in range(repeats):
        for command in commands:
            found[command.name].append(measure(command))
    return found


def summary(measurements: Sequence[Measurement]) -> str:
    """One line for people. A status other than 0 comes first: its time and memory are those of a failure."""
    statuses = sorted({m.exit_status for m in measurements})
    walls = [m.wall_seconds for m in measurements]
    failed = "" if statuses == [0] else f"EXIT {statuses} "
    return (
        f"{failed}wall {statistics.median(walls):.2f} s (best {min(walls):.2f}, worst {max(walls):.2f}), "
        f"cpu {statistics.median(m.cpu_seconds for m in measurements):.2f} s, "
        f"peak {max(m.peak_rss_bytes for m in measurements) / 2**20:.0f} MiB"
    )


def main(repeats: str, *words: str) -> None:
    groups: list[list[str]] = [[]]
    for word in words:
        if word == "---":
            groups.append([])
        else:
            groups[-1].append(word)
    commands = [Command(name=shlex.join(argv), argv=argv) for argv in groups]
    for name, measurements in interleaved(commands, repeats=int(repeats)).items():
        print(f"{summary(measurements)}  {name}")


if __name__ == "__main__":
    main(*sys.argv[1:])
