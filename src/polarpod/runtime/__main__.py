"""`python -m polarpod.runtime`: the worker. Takes everything from its environment, leaves a receipt and an exit code."""

from __future__ import annotations

import gc
import time

STARTED = time.monotonic()

if __name__ == "__main__":
    # Collecting garbage while modules load finds none and takes 10 ms of Polars' 150; the job's own code gets it back.
    gc.disable()

    import os
    import sys

    from polarpod.runtime.supervisor import main

    code = main(started=STARTED)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    # skips interpreter teardown: everything is written, and unloading takes longer than a short job
    os._exit(code)
