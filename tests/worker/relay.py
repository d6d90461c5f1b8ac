"""A supervisor's output without the rest of it: stdin is what the child runs. Ends with the child's exit status."""

from __future__ import annotations

import os
import resource
import sys
from pathlib import Path

from polarpod.runtime.supervisor.output import Output


def main() -> None:
    source = sys.stdin.read()
    output = Output()
    child = os.fork()
    if child == 0:
        output.become_childs()
        try:
            if sys.stdout:
                sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
            exec(source, {})
            if sys.stdout and not sys.stdout.closed:
                sys.stdout.flush()
        finally:
            os._exit(0)
    output.become_supervisors()
    never, _held = os.pipe()
    while os.waitpid(child, os.WNOHANG) == (0, 0):
        output.wait(never, 0.01)
    output.drain(patience=float(os.environ.get("PATIENCE", "1")))
    if report := os.environ.get("REPORT"):
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        Path(report).write_text(f"{peak}\n{output.lost()}")
    os._exit(0)


if __name__ == "__main__":
    main()
