"""A launcher that is killed: its worker, and what that has started, end by themselves."""

from __future__ import annotations

import datetime as dt
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from tests.support.live import PATIENCE, alive, assert_gone
from tests.support.workshop import Workshop
from tests.worker.conftest import JobWriter

from polarpod.contract.verdict import Category
from polarpod.launch.gc.orphaned_logs import keep_log, log_of
from polarpod.launch.known_attempts import KnownAttempts
from polarpod.launch.planes.registry import kind_of

LAUNCHER = """
import sys
from pathlib import Path
from tests.support.workshop import Workshop
Workshop(Path(sys.argv[1]), sys.argv[1] + "/lake").run("work")
"""
SLEEPER = "sleeper = subprocess.Popen(['sleep', '1000'], start_new_session={apart})\n"
BUSY = SLEEPER + "say('busy', f'{{os.getppid()}} {{sleeper.pid}}')\nwhile True:\n    time.sleep(0.01)\n"
apart = pytest.mark.parametrize("apart", [False, True], ids=["in its session", "in a session of its own"])


def until(path: Path, process: subprocess.Popen[bytes]) -> str:
    limit = time.monotonic() + PATIENCE
    while not path.exists():
        assert process.poll() is None
        assert time.monotonic() < limit
        time.sleep(0.001)
    return path.read_text()


@apart
def test_a_worker_whose_launcher_is_killed_stops_by_itself(workshop: Workshop, write_job: JobWriter, apart: bool) -> None:
    write_job("print('so far', flush=True)\n" + BUSY.format(apart=apart))
    command = [sys.executable, "-c", LAUNCHER, str(workshop.root)]
    launcher = subprocess.Popen(command, cwd=Path(__file__).parents[2])
    supervisor, sleeper = map(int, until(workshop.root / "busy", launcher).split())
    worker = psutil.Process(supervisor)
    os.kill(launcher.pid, signal.SIGKILL)
    launcher.wait()
    psutil.wait_procs([worker], timeout=PATIENCE)

    (run_key,) = workshop.state.run_keys("work")
    (info,) = workshop.state.attempts("work", run_key)
    assert info.receipt is not None
    assert info.receipt.verdict.category is Category.INTERRUPTED
    assert info.receipt.inputs.keys() == {"rows"}
    assert_gone(supervisor, info.uid)
    assert not alive(sleeper)
    # what only the launcher would have done is left to the sweep
    assert workshop.leftovers() == [f"polarpod-{info.uid}"]
    assert workshop.state.log(info.job, info.run_key, info.uid) is None
    log = log_of(info, workshop.state, workshop.plane)
    assert log is not None
    assert b"so far" in log
    keep_log(info, workshop.state, workshop.plane)
    kind = kind_of(workshop.plane)
    kind.remove(workshop.plane, kind.leftovers(workshop.plane, KnownAttempts(workshop.state), now=dt.datetime.now(dt.UTC)))
    assert workshop.leftovers() == []
    assert log_of(info, workshop.state, workshop.plane) == log, "it outlives the scratch directory"


class Dies(BaseException):
    """The launcher's end, at the moment of the record."""


def test_how_a_worker_ended_is_known_to_the_launcher_after_the_one_that_died(
    workshop: Workshop, write_job: JobWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise Dies

    write_job("if not (ROOT / 'again').exists():\n    say('again')\n    os.kill(os.getppid(), signal.SIGKILL)")
    with monkeypatch.context() as patch:
        patch.setattr("polarpod.launch.state.State.put_record", die)
        with pytest.raises(Dies):
            workshop.run("work")
    assert [Path(left).suffix for left in workshop.leftovers()] == [".json"]
    ran = workshop.run("work")
    assert (ran.verdict.category, ran.attempts) == (Category.SUCCEEDED, 2)
    [newest, lost] = workshop.state.attempts("work", ran.receipt.run_key if ran.receipt else "")
    assert newest.record
    assert lost.record
    assert lost.record.verdict.summary == "the worker was killed from outside (SIGKILL)"
    assert workshop.leftovers() == []
