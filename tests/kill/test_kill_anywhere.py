"""kill -9, anywhere and often: a reader never sees half a run, and the run that ends at last has lost and doubled nothing.

Excluded: the machine that goes down with its file system's cache; a worker that only seems dead (see test_two_attempts).
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

import polars as pl
import pytest
from tests.kill.moments import MOMENTS, VICTIMS
from tests.kill.scenes import SCENES, Scene, deliver, furnish
from tests.support.live import Live
from tests.support.workshop import Workshop

from polarpod.contract.verdict import Category

KILLS = 14
SEEDS = (1, 2, 3)


class Undisturbed:
    """The same runs in a fresh lake where nobody kills: what the table and the quarantine hold after so many of them."""

    def __init__(self, scene: Scene, root: Path) -> None:
        self.scene = scene
        self.workshop = furnish(Workshop(root, str(root / "lake")))
        self.states: list[tuple[pl.DataFrame, pl.DataFrame]] = [(pl.DataFrame(), pl.DataFrame())]
        self.seconds = 0.0

    def after(self, runs: int) -> tuple[pl.DataFrame, pl.DataFrame]:
        while len(self.states) <= runs:
            step = self.scene.step(len(self.states) - 1)
            deliver(self.workshop, step)
            began = time.monotonic()
            assert self.workshop.run(self.scene.job, day=step.day).verdict.category is Category.SUCCEEDED
            self.seconds = time.monotonic() - began
            good, bad = self.scene.published(self.workshop), self.scene.quarantined(self.workshop)
            # two lakes could agree in being wrong
            assert good.height > 1000
            if self.scene.checked:
                assert good["amount"].min() >= 0 > bad["amount"].max()
            self.states.append((good, bad))
        return self.states[runs]


@pytest.fixture(scope="session")
def undisturbed_runs(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Scene], Undisturbed]:
    """One fresh lake a scene: its days are the same whatever is killed elsewhere."""
    return cache(lambda scene: Undisturbed(scene, tmp_path_factory.mktemp(f"undisturbed-{scene.job}")))


# one such test takes 10 seconds of both cores; there may be others on the machine
@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: f"seed {seed}")
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
    assert_records_rest_on_receipts(scene, workshop)
    assert workshop.leftovers() == []


def test_the_suite_kills_at_least_two_hundred_times() -> None:
    assert len(SCENES) * len(SEEDS) * KILLS >= 200


def assert_whole(scene: Scene, workshop: Workshop, undisturbed: Undisturbed, landed: int) -> None:
    """Whatever was killed, a reader sees the rows before the run or the rows after it, and so in the quarantine."""
    before, after = undisturbed.after(landed), undisturbed.after(landed + 1)
    table, quarantine = scene.published(workshop), scene.quarantined(workshop)
    # creating a table to merge into is a commit of its own, without rows
    assert table.is_empty() or table.equals(before[0]) or table.equals(after[0])
    assert table.is_empty() <= before[0].is_empty()
    assert quarantine.equals(before[1]) or quarantine.equals(after[1])
    # bad rows come first: good ones are never visible without them
    assert not table.equals(after[0]) or quarantine.equals(after[1])


def assert_receipt_tells_the_truth(live: Live, victim: str) -> None:
    receipt = live.receipt
    if victim in ("nobody", "child"):
        # the supervisor lived: it has the last word
        assert receipt is not None
    elif receipt is not None:
        # nobody was left to tell of the supervisor's own end: what is there was written before it
        assert receipt.verdict.category is Category.SUCCEEDED
    if receipt is not None:
        assert receipt.attempt.uid == live.uid
        assert (receipt.published is not None) == (receipt.verdict.category is Category.SUCCEEDED)


def assert_records_rest_on_receipts(scene: Scene, workshop: Workshop) -> None:
    for job in workshop.state.jobs():
        for key in workshop.state.run_keys(job):
            for info in workshop.state.attempts(job, key):
                assert info.record is not None
                said = info.receipt is not None and info.receipt.status == "succeeded"
                assert info.record.verdict.succeeded == said
