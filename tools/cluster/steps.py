"""What a person sees while they wait: each step with the seconds it took."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Mapping
from typing import TypeVar

Result = TypeVar("Result")


def exports(settings: Mapping[str, str]) -> str:
    """The line that a shell needs first, with its line end; empty for the default cluster."""
    return f"  export {shlex.join(f'{name}={value}' for name, value in settings.items())}\n" if settings else ""


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
