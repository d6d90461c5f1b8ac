"""kill -9, anywhere and often: a reader never sees half a run, and the run that ends at last has lost and doubled nothing.

Excluded: the machine that goes down with its file system's cache; a worker that only seems dead (see test_two_attempts).
"""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from tests.kill.moments import MOMENTS, VICTIMS
from tests.kill.scenes import SCENES, Scene, deliver, furnish
from tests.kill.wholeness import (
    Undisturbed,
    assert_receipt_tells_the_truth,
    assert_records_rest_on_receipts,
    assert_whole,
)
from tests.support.live import Live
from tests.support.workshop import Workshop

from polarpod.contract.verdict import Category

KILLS = 14
SEEDS = (1, 2, 3)


@pytest.fixture(scope="session")
def undisturbed_runs(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Scene], Undisturbed]:
    """One fresh lake a scene: its days are the same whatever is killed elsewhere."""
    return cache(lambda scene: Undisturbed(scene, tmp_path_factory.mktemp(f"undisturbed-{scene.job}")))


# one such test takes 10 seconds of both cores; there may be others on the machine
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "seed",
    [pytest.param(seed, id=f"seed {seed}", marks=[pytest.mark.thorough] if seed != SEEDS[0] else []) for seed in SEEDS],
)
@pytest.mark.parametrize("scene", SCENES.values(), ids=SCENES)
def test_kills_lose_and_double_nothing(
    scene: Scene, seed: int, tmp_path: Path, undisturbed_runs: Callable[[Scene], Undisturbed]
) -> None:
    rng = random.Random(f"{scene.job} {seed}")
    undisturbed = undisturbed_runs(scene)
    workshop = furnish(Workshop(tmp_path, str(tmp_path / "lake")))
    # a run more than has landed is known, so that the next commit is recognised, and the time a run takes
    undisturbed.after(1)
    kills = landed = 0
    deliver(workshop, scene.step(0))
    while kills < KILLS:
        live = Live(workshop, scene.job, day=scene.step(landed).day)
        rng.choice(MOMENTS)(live, scene, rng, undisturbed.seconds)
        # a child may not be born yet, or dead already
        victim = next((one for one in (rng.choice(VICTIMS), "group") if live.kill(one)), "nobody")
        kills += victim != "nobody"
        category = live.end().verdict.category
        assert category in (Category.SUCCEEDED, Category.WORKER_LOST)
        assert_receipt_tells_the_truth(live, victim)
        assert_whole(scene, workshop, undisturbed, landed)
        if category is Category.SUCCEEDED:
            landed += 1
            undisturbed.after(landed + 1)
            deliver(workshop, scene.step(landed))

    assert workshop.run(scene.job, day=scene.step(landed).day).verdict.category is Category.SUCCEEDED
    table, quarantine = undisturbed.after(landed + 1)
    assert scene.published(workshop).equals(table)
    assert scene.quarantined(workshop).equals(quarantine)
    assert_records_rest_on_receipts(workshop)
    assert workshop.leftovers() == []


def test_the_suite_kills_at_least_two_hundred_times() -> None:
    assert len(SCENES) * len(SEEDS) * KILLS >= 200
