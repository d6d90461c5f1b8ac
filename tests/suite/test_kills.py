"""kill -9 in the middle of a run: a reader never sees half of it, and in the end nothing is lost and nothing doubled.

A few kills on every plane. Many more, at all the moments that a local folder lets one see, are in tests/kill.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import cache

import pytest
from tests.kill.scenes import JOBS, SCENES, Scene, deliver, furnish
from tests.kill.wholeness import (
    Undisturbed,
    assert_receipt_tells_the_truth,
    assert_records_rest_on_receipts,
    assert_whole,
)
from tests.suite.bench import Bench
from tests.suite.conftest import on
from tests.support.live import Live

from polarpod.contract.verdict import Category

__all__ = ["JOBS"]

pytestmark = on("versitygw")
KILLS = 6


@pytest.fixture(scope="session")
def undisturbed_runs(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Scene], Undisturbed]:
    """One local lake a scene: its days are the same on every plane."""
    return cache(lambda scene: Undisturbed(scene, tmp_path_factory.mktemp(f"undisturbed-{scene.job}")))


@pytest.mark.timeout(300)
@pytest.mark.parametrize("scene", SCENES.values(), ids=SCENES)
def test_kills_lose_and_double_nothing(bench: Bench, scene: Scene, undisturbed_runs: Callable[[Scene], Undisturbed]) -> None:
    rng = random.Random(scene.job)
    undisturbed = undisturbed_runs(scene)
    furnish(bench)
    deliver(bench, scene.step(0))
    first = bench.receipt(scene.job, day=scene.step(0).day)
    kills, landed = 0, 1
    deliver(bench, scene.step(landed))
    while kills < KILLS:
        live = Live(bench, scene.job, day=scene.step(landed).day)
        victim = bench.site.victims[kills % len(bench.site.victims)]
        killed = live.body.kill_in(rng.uniform(0, 1.1) * first.usage.wall_seconds, victim)
        kills += killed
        category = live.end().verdict.category
        assert category in (Category.SUCCEEDED, Category.WORKER_LOST, Category.INTERRUPTED)
        assert_receipt_tells_the_truth(live, victim if killed else "nobody")
        assert_whole(scene, bench, undisturbed, landed)
        if category is Category.SUCCEEDED:
            landed += 1
            deliver(bench, scene.step(landed))

    assert bench.run(scene.job, day=scene.step(landed).day).verdict.category is Category.SUCCEEDED
    table, quarantine = undisturbed.after(landed + 1)
    assert scene.published(bench).equals(table)
    assert scene.quarantined(bench).equals(quarantine)
    assert_records_rest_on_receipts(bench)
