"""A job that leaves processes behind: at the end nothing of a worker runs."""

from __future__ import annotations

import pytest
from tests.suite.bench import Bench
from tests.suite.conftest import on_disk
from tests.suite.working import busy, write_work
from tests.support.live import Live

from polarpod.contract.verdict import Category

pytestmark = on_disk

SLEEPER = "sleeper = subprocess.Popen(['sleep', '1000'], start_new_session={apart})\n"
BUSY = SLEEPER + "say('busy')\nwhile True:\n    time.sleep(0.01)\n"
apart = pytest.mark.parametrize(
    "apart", [pytest.param(False, id="in its session"), pytest.param(True, id="in a session of its own")]
)


# that nothing is left of the worker, end() asserts
@apart
@pytest.mark.parametrize("end", ["success", "failure", "os._exit"])
def test_what_a_job_leaves_running_is_gone_at_the_end(bench: Bench, apart: bool, end: str) -> None:
    ends = {"success": "", "failure": "raise ValueError\n", "os._exit": "os._exit(3)\n"}
    write_work(bench, SLEEPER.format(apart=apart) + ends[end])
    assert Live(bench, "work").verdict.succeeded == (end == "success")


@apart
@pytest.mark.parametrize("victim", ["child", "group"])
def test_what_a_killed_job_leaves_running_is_gone_too(bench: Bench, apart: bool, victim: str) -> None:
    write_work(bench, BUSY.format(apart=apart))
    live = busy(bench)
    assert live.kill(victim)
    assert live.verdict.category is Category.WORKER_LOST
