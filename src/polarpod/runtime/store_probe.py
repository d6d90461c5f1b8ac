"""`python -m polarpod.runtime.store_probe`: what a worker of this plane can do, seen from where it runs.

Started by `polarpod doctor` in a pod like any other. It writes, reads and deletes documents of its own below the state store
and answers in the termination file, as a worker does.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from polarpod.contract.codec import decode, encode
from polarpod.contract.store_probe import Answer, Question
from polarpod.contract.verdict import PolarpodError
from polarpod.store.code_version import code_version
from polarpod.store.store_check import try_out

QUESTION = "POLARPOD_PROBE"


def main() -> int:
    question = decode(os.environ[QUESTION].encode(), Question, source=f"${QUESTION}")
    problem = ""
    try:
        try_out(question.uri, question.storage)
    except PolarpodError as error:
        problem = error.verdict.text()
    answer = Answer(problem=problem, clock=time.time(), code_version=_code_version())
    Path(os.environ.get("POLARPOD_TERMINATION_FILE", "/dev/termination-log")).write_bytes(encode(answer))
    return 0


def _code_version() -> str:
    jobs = os.environ.get("POLARPOD_JOBS")
    return code_version(Path(jobs)) if jobs else ""


if __name__ == "__main__":
    sys.exit(main())
