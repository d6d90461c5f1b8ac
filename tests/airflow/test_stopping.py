"""A task that Airflow stops takes its worker with it, and the worker still leaves its receipt."""

from __future__ import annotations

import datetime as dt
import os
import signal
import threading
import time
from pathlib import Path

import pytest
from tests.airflow.shop import DAY, Shop
from tests.airflow.tasks import End, a_dag, run_task

from polarpod.airflow import run_job

# far above what a worker takes to start on a busy machine
PATIENCE_SECONDS = 60.0


def slow_task(**kwargs: object) -> object:
    with a_dag():
        return run_job("takings", plane="process", params={"ds": DAY, "ending": "slow"}, retries=1, **kwargs)


def when_working(shop: Shop, action: object) -> threading.Thread:
    """Does something as soon as the job's own code runs."""

    def watch() -> None:
        limit = time.monotonic() + PATIENCE_SECONDS
        while not (shop.marks / "slow").exists() and time.monotonic() < limit:
            time.sleep(0.02)
        action()

    thread = threading.Thread(target=watch)
    thread.start()
    return thread


def assert_gone(shop: Shop) -> None:
    pid = int((shop.marks / "slow").read_text())
    assert not Path(f"/proc/{pid}").exists(), "the job still runs"
    assert shop.leftovers() == []
    receipt = shop.receipt
    assert (receipt.status, receipt.verdict.category) == ("interrupted", "interrupted")
    assert not (shop.lake / "takings").exists()


@pytest.mark.parametrize("signals", [pytest.param(1, id="once"), pytest.param(3, id="again and again")])
def test_a_kill_stops_the_worker(shop: Shop, signals: int) -> None:
    killed_at = []

    def kill() -> None:
        killed_at.append(time.monotonic())
        for _ in range(signals):
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(0.05)

    task = slow_task()
    thread = when_working(shop, kill)
    end: End = run_task(task)
    took = time.monotonic() - killed_at[0]
    thread.join()

    # Airflow sends SIGKILL five seconds after SIGTERM
    assert took < 5
    assert_gone(shop)
    # whoever stopped it has set the state; should it have been the machine's shutdown, the task is tried again
    assert end.state == "up_for_retry"
    assert str(end.error).startswith("interrupted: the run was asked to stop, and stopped")


def test_an_execution_timeout_stops_the_worker(shop: Shop) -> None:
    task = slow_task(execution_timeout=dt.timedelta(seconds=PATIENCE_SECONDS))
    # as if the time was over, at a moment that does not depend on how busy the machine is
    thread = when_working(shop, lambda: os.kill(os.getpid(), signal.SIGALRM))
    end = run_task(task)
    thread.join()

    assert end.state == "up_for_retry"
    assert type(end.error).__name__ == "AirflowTaskTimeout"
    assert_gone(shop)
