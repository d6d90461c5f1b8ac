"""What a person sees while they wait: each step with the seconds it took."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")


def step(name: str, work: Callable[[], Result]) -> Result:
    began = time.monotonic()
    print(f"  {name} ...", end="", flush=True)
    try:
        result = work()
    except BaseException:
        print(flush=True)
        raise
    print(f" {time.monotonic() - began:.1f} s", flush=True)
    return result
