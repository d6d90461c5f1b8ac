"""The supervisor: stays small, outlives the work, and tells how it ended.

It forks the child before anything else that starts threads (`fork`). Then it waits (`watch`), and while it waits it samples
memory, keeps the termination message true, shows what the child prints without known secrets (`output`, `mask`), passes on a
request to stop (as SIGINT, the one signal Polars answers within a running query), and enforces deadline and, where no cgroup
does, the memory limit. At the end it writes the receipt (`receipt`): the child's own account where it left one, else what
can be told from outside.
"""

from __future__ import annotations

import os
import signal

from polarpod.contract.verdict import PolarpodError
from polarpod.runtime import read_context as contexts
from polarpod.runtime.progress import Progress
from polarpod.runtime.supervisor import fork
from polarpod.runtime.supervisor.output import Output

# for a reader of the log that takes nothing, before the receipt is written; after it there is time
_DRAIN_SECONDS = 1.0


def main(*, started: float) -> int:
    """Runs one attempt. Returns the exit code of its verdict."""
    environment = os.environ
    # before the fork, so that the child gets the decoded context for nothing; a remote one needs a client with threads
    context = None
    # a request to stop waits until somebody can pass it on; unblocked, it would be lost (to a pod's first process) or fatal
    signal.pthread_sigmask(signal.SIG_BLOCK, fork.ASKS_TO_STOP)
    try:
        if not contexts.is_remote(environment):
            context = contexts.load(environment)
        progress = Progress()
        output = Output()
        fork.adopt_orphans()
        with fork.report_file() as report:
            child = fork.start_child(context, progress, report, output)
            # only now: the child works on another core meanwhile, and has no use for either
            from polarpod.runtime.supervisor.receipt import close, read_outcome
            from polarpod.runtime.supervisor.watch import Watch

            context = context or contexts.load(environment)
            watch = Watch(context, child, progress, output, started=started, environment=environment)
            ending = watch.until_end()
            fork.end_orphans()
            # nobody prints any more; and who ends the supervisor while it writes the receipt leaves the log whole
            output.drain(patience=_DRAIN_SECONDS)
            outcome = read_outcome(report)
        return close(context, ending, outcome, watch, output)
    except PolarpodError as error:
        from polarpod.runtime.supervisor.receipt import masked, say

        say(masked(error.verdict, environment))
        return error.verdict.exit_code
