"""`python -m polarpod.runtime`: the worker. Its environment is its only input; a receipt and an exit code are its output."""

from __future__ import annotations

import gc
import time

STARTED = time.monotonic()

if __name__ == "__main__":
    # Garbage collection during imports frees nothing and takes 10 of Polars' 150 ms; it is enabled again for the job's code.
    gc.disable()

    import os
    import sys

    from polarpod.runtime.supervisor import main

    code = main(started=STARTED)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    # Skips interpreter teardown: everything is written, and teardown takes longer than a short job.
    os._exit(code)
