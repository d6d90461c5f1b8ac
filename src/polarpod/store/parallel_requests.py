"""Many requests at the same time: waiting for a store is all that these threads do."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

AT_ONCE = 32


def at_once(work: Callable[[T], R], items: Iterable[T], *, threads: int = AT_ONCE) -> list[R]:
    """What the work makes of each item, in their order. The first error of an item is raised.

    Args:
        threads: at most; fewer where the work takes memory.
    """
    wanted = list(items)
    # the first one opens the store, which is not for threads to share the work of
    found = [work(item) for item in wanted[:1]]
    if len(wanted) > 1:
        from concurrent.futures import ThreadPoolExecutor  # 70 ms that a run which is skipped need not pay

        with ThreadPoolExecutor(min(threads, len(wanted) - 1)) as pool:
            found += pool.map(work, wanted[1:])
    return found
