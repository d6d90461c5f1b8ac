"""The supervisor: a small process that outlives the work and reports its end.

It forks the child before anything starts threads (`fork`). While it waits (`watch`), it samples memory, keeps the
termination message up to date, relays the child's output without known secrets (`output`, `mask`), forwards a stop request
(as SIGINT, the only signal Polars handles within a running query), and enforces the deadline and, where no cgroup does, the
memory limit. At the end it writes the receipt (`receipt`): from the child's report where there is one, else from what is
observable from outside.
"""

from __future__ import annotations

import os
import signal

from polarpod.contract.verdict import PolarpodError
from polarpod.runtime import read_context as contexts
from polarpod.runtime.progress import Progress
from polarpod.runtime.supervisor import fork
from polarpod.runtime.supervisor.output import Output

# How long a log reader may block before the receipt is written; afterwards it may block for longer.
_DRAIN_SECONDS = 1.0


def main(*, started: float) -> int:
    """Runs one attempt. Returns the exit code of its verdict."""
    environment = os.environ
    # Read before the fork, so that the child inherits the decoded context; a remote one needs a client with threads.
    context = None
    # A stop request stays pending until the watch handles it; unblocked, it would be ignored (as PID 1 of a pod) or fatal.
    signal.pthread_sigmask(signal.SIG_BLOCK, fork.ASKS_TO_STOP)
    try:
        if not contexts.is_remote(environment):
            context = contexts.load(environment)
        progress = Progress()
        output = Output()
        fork.adopt_orphans()
        with fork.report_file() as report:
            child = fork.start_child(context, progress, report, output)
            # Imported after the fork: the child runs on another core meanwhile and needs neither module.
            from polarpod.runtime.supervisor.receipt import close, read_outcome
            from polarpod.runtime.supervisor.watch import Watch

            context = context or contexts.load(environment)
            watch = Watch(context, child, progress, output, started=started, environment=environment)
            ending = watch.until_end()
            fork.end_orphans()
            # No process prints any more; a kill of the supervisor during the receipt's write leaves a complete log.
            output.drain(patience=_DRAIN_SECONDS)
            outcome = read_outcome(report)
        return close(context, ending, outcome, watch, output)
    except PolarpodError as error:
        from polarpod.runtime.supervisor.receipt import masked, say

        say(masked(error.verdict, environment))
        return error.verdict.exit_code
