"""What has to hold after every kill, by the same runs where nobody kills."""

from __future__ import annotations

import time
from pathlib import Path

import polars as pl
from tests.kill.scenes import Scene, deliver, furnish
from tests.support.live import Live
from tests.support.workshop import Workshop

from polarpod.contract.verdict import Category


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
    elif receipt is not None and victim != "pod":
        # nobody was left to tell of the supervisor's own end: what is there was written before it
        assert receipt.verdict.category is Category.SUCCEEDED
    if receipt is not None:
        assert receipt.attempt.uid == live.uid
        assert (receipt.published is not None) == (receipt.verdict.category is Category.SUCCEEDED)


def assert_records_rest_on_receipts(workshop: Workshop) -> None:
    for job in workshop.state.jobs():
        for key in workshop.state.run_keys(job):
            for info in workshop.state.attempts(job, key):
                assert info.record is not None
                said = info.receipt is not None and info.receipt.status == "succeeded"
                assert info.record.verdict.succeeded == said
