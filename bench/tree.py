"""Memory and CPU of a process and everything it started, by looking often: Linux keeps no such total outside a cgroup."""

from __future__ import annotations

import contextlib
import time

import psutil

# a fork that has not become its own program yet shows its parent's memory a second time
NEWBORN_SECONDS = 0.5


class Tree:
    """Call `look` while the process runs; it must not have been waited for yet."""

    def __init__(self, pid: int) -> None:
        self.root = psutil.Process(pid)
        self.peak_rss_bytes = 0
        self._cpu_seconds: dict[int, float] = {}
        # by our own clock: the kernel's start times are only good to a second
        self._first_seen: dict[int, float] = {}

    @property
    def cpu_seconds(self) -> float:
        """Also of processes that nobody waited for, which the kernel's sum for a parent leaves out."""
        return sum(self._cpu_seconds.values())

    def look(self) -> None:
        total = 0
        with contextlib.suppress(psutil.Error):
            for process in [self.root, *self.root.children(recursive=True)]:
                with contextlib.suppress(psutil.Error):
                    total += self._look_at(process)
        self.peak_rss_bytes = max(self.peak_rss_bytes, total)

    def _look_at(self, process: psutil.Process) -> int:
        """Resident bytes of one process. Pages it shares with another count for both."""
        now = time.monotonic()
        if process != self.root and now - self._first_seen.setdefault(process.pid, now) < NEWBORN_SECONDS:
            parent = process.parent()
            if parent is None or parent.cmdline() == process.cmdline():
                return 0
        with process.oneshot():
            times = process.cpu_times()
            self._cpu_seconds[process.pid] = times.user + times.system
            return int(process.memory_info().rss)
