"""What a scene's tables must hold after its runs, worked out on this machine; and which files of a lake nobody names."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Set
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import polars as pl
from polars.testing import assert_frame_equal
from tests.kill.readers import ordered
from tests.kill.scenes import SCENES, Scene, Step, deliver, furnish
from tests.suite.bench import Bench
from tests.support.workshop import Workshop

from polarpod.store import parquet_manifest as manifest
from polarpod.store.folder import Folder
from polarpod.store.location import join

_COLUMNS = ["amount", "day", "id", "name", "region"]


class Oracle:
    """The same deliveries in a lake of its own, where no worker ever runs."""

    def __init__(self, root: Path) -> None:
        self._twin = furnish(Workshop(root, str(root / "lake")))

    def expected(self, scene: Scene, steps: list[Step]) -> tuple[pl.DataFrame, pl.DataFrame]:
        """The rows of the table and of the quarantine after these steps, in order."""
        # whoever returns to a day replaces it; a merge is told by its ids
        last = steps if scene.job == "delta_merge" else list({step.day: step for step in steps}.values())
        rows = pl.concat([self._rows(step) for step in last])
        if scene.job == "delta_merge":
            rows = rows.unique("id", keep="last", maintain_order=True)
        good = pl.col("amount") >= 0 if scene.checked else pl.lit(value=True)
        return ordered(rows.filter(good)), ordered(rows.filter(~good))

    def _rows(self, step: Step) -> pl.DataFrame:
        deliver(self._twin, step)
        lake = Path(self._twin.lake)
        orders = pl.read_parquet(lake / f"orders/day={step.day}/*.parquet", hive_partitioning=False)
        returns = pl.read_ndjson(lake / f"returns/{step.day}.ndjson")
        customers = pl.read_csv(lake / "customers.csv")
        kept = orders.join(returns, on="id", how="anti").join(customers, on="customer")
        return kept.select("id", "region", "name", "amount", day=pl.lit(step.day))


def assert_holds(bench: Bench, scene: Scene, expected: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    """Row for row."""
    assert_frame_equal(scene.published(bench).select(_COLUMNS), expected[0])
    if scene.checked:
        assert_frame_equal(ordered(scene.quarantined(bench).select(_COLUMNS)), expected[1])


def files_without_a_name(bench: Bench, may_live: Set[str]) -> list[str]:
    """Everything in the places of the scenes that no log and no manifest names.

    Args:
        may_live: uids of attempts whose worker may still run, for all that is known. Their files are left alone until their
            deadline has passed: a pod that was deleted by force, or that a lost node held, was not seen to end.
    """
    found: list[str] = []
    for scene in SCENES.values():
        for place in (scene.job, f"quarantine/{scene.job}"):
            uri = join(bench.lake, place)
            files = {entry.key for entry in Folder(uri, bench.storage).list()}
            own = {key for key in files if key.startswith(("_delta_log/", "_polarpod/manifest"))}
            named = _in_log(bench, place, own) if scene.delta and place == scene.job else _in_manifest(bench, uri)
            found += [f"{place}/{key}" for key in sorted(files - own - named) if not any(uid in key for uid in may_live)]
    return found


def _in_log(bench: Bench, place: str, keys: set[str]) -> set[str]:
    """Also what later versions took out again: older versions can be read until somebody vacuums."""
    found = set()
    for key in keys:
        if key.endswith(".json"):
            actions: list[dict[str, Any]] = [json.loads(line) for line in bench.read_bytes(f"{place}/{key}").splitlines()]
            found |= {unquote(action["add"]["path"]) for action in actions if "add" in action}
    return found


def _in_manifest(bench: Bench, uri: str) -> set[str]:
    """And what an undo would bring back, and what readers may still hold on to."""
    found = manifest.read(Folder(uri, bench.storage))
    return manifest.kept_files(found.manifest, dt.datetime.now(dt.UTC)) if found else set()
