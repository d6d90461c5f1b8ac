"""`python -m polarpod.runtime.store_probe`: tests the state store's access from where a worker of this plane runs.

`polarpod doctor` starts it in a pod as it would a worker. It writes, reads and deletes its own documents below the state
store and writes its answer to the termination file, as a worker does.
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
