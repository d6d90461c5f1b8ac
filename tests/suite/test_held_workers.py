"""Workers at one exact point of publishing, killed there or thought dead and coming back: readers see all or nothing.

The job itself wraps the publisher in its worker's process, and stands still (SIGSTOP) while a flag lies in the lake.
"""

from __future__ import annotations

import random
import signal

import polars as pl
import pytest
from tests.suite.bench import Bench, published
from tests.suite.conftest import on
from tests.support.live import Live

from polarpod.contract.verdict import Category

pytestmark = on("versitygw")

# nothing decided yet; all read and decided; committed and nobody told
DECIDING, COMMITTING, COMMITTED = "deciding", "committing", "committed"
HOLD = """
import os, signal
from polarpod.contract.context import Storage
from polarpod.runtime.publish.delta import publisher as delta
from polarpod.runtime.publish.parquet import publisher as parquet
from polarpod.store import parquet_manifest as manifest
from polarpod.store.folder import Folder

STORE = Storage(endpoint_url="ENDPOINT", region="us-east-1", allow_http=True)

def held(module, name, point):
    work = getattr(module, name)
    def wrapped(*args, **kwargs):
        result = work(*args, **kwargs) if point == "committed" else None
        if Folder("LAKE/_hold", STORE).read(point) is not None:
            os.kill(os.getpid(), signal.SIGSTOP)
        return result if point == "committed" else work(*args, **kwargs)
    setattr(module, name, wrapped)

for module, name, point in [
    (delta, "publish", "deciding"), (parquet, "publish", "deciding"),
    (delta, "commit_entry", "committing"), (manifest, "swap", "committing"),
    (delta, "publish", "committed"), (parquet, "publish", "committed"),
]:
    held(module, name, point)

@job(inputs={"rows": Parquet("{lake}/in/{day}.parquet")}, output=OUTPUT, memory="512Mi", grace_seconds=4)
def small(rows, *, day):
    return rows.with_columns(day=pl.lit(day))
"""
OUTPUTS = {
    "delta_replace": 'Delta("{lake}/out", replace={"day": "{day}"})',
    "delta_append": 'Delta("{lake}/out", append=True)',
    "delta_merge": 'Delta("{lake}/out", merge=["id", "day"])',
    "parquet_replace": 'Parquet("{lake}/out", replace={"day": "{day}"})',
    "parquet_append": 'Parquet("{lake}/out", append=True)',
}
every_output = pytest.mark.parametrize("output", OUTPUTS)
each_format = pytest.mark.parametrize("output", ["delta_replace", "parquet_append"])


@pytest.fixture
def shop(bench: Bench, output: str) -> Bench:
    """A bench with two days to publish, of which the first one is there."""
    endpoint = str(bench.plane.storage_of_workers.endpoint_url)
    bench.write_job(HOLD.replace("LAKE", bench.lake).replace("ENDPOINT", endpoint).replace("OUTPUT", OUTPUTS[output]))
    for day, rows in (("d0", 3), ("d1", 5)):
        bench.put(f"in/{day}.parquet", pl.DataFrame({"id": range(rows)}))
    bench.publish("small", day="d0")
    return bench


def rows(shop: Bench, output: str) -> list[tuple[object, ...]]:
    return shop.rows("out", "day", "id") if output.startswith("delta") else shop.listed("out", "day", "id")


def expected(**days: int) -> list[tuple[str, int]]:
    return [(day, number) for day, count in days.items() for number in range(count)]


def started_and_held(shop: Bench, point: str) -> Live:
    """An attempt whose child has come to the point and stands still there; later ones go on."""
    shop.put_bytes(f"_hold/{point}", b"")
    live = Live(shop, "small", day="d1")
    live.until(live.body.stands_still, "it came to the point where it should be held")
    shop.delete(f"_hold/{point}")
    return live


def resume(live: Live) -> None:
    assert live.signal(signal.SIGCONT, "child")


@every_output
@pytest.mark.parametrize("point", [DECIDING, COMMITTING, COMMITTED])
def test_a_worker_that_is_killed_there_has_published_all_or_nothing(shop: Bench, output: str, point: str) -> None:
    live = started_and_held(shop, point)
    assert live.kill(random.Random(f"{output} {point}").choice(shop.site.victims))
    assert live.end().verdict.category in (Category.WORKER_LOST, Category.INTERRUPTED)
    visible = shop.visible()
    landed = point == COMMITTED
    assert rows(shop, output) == (expected(d0=3, d1=5) if landed else expected(d0=3))
    done = shop.publish("small", day="d1")
    # what stands already is found and not written again
    assert done.adopted_from == (live.uid if landed else None)
    assert (shop.visible() == visible) == landed
    assert rows(shop, output) == expected(d0=3, d1=5)


@each_format
def test_an_older_attempt_that_comes_back_is_superseded(shop: Bench, output: str) -> None:
    older = started_and_held(shop, COMMITTING)
    newer = Live(shop, "small", day="d1")
    assert newer.verdict.category is Category.SUCCEEDED
    standing = shop.visible()
    resume(older)
    ran = older.end()
    assert ran.verdict.category is Category.SUPERSEDED
    assert ran.receipt is not None
    assert ran.receipt.published is None
    assert older.exit_code == ran.verdict.exit_code
    assert shop.visible() == standing
    assert rows(shop, output) == expected(d0=3, d1=5)
    assert shop.run("small", day="d1").verdict.category is Category.SKIPPED


@each_format
def test_a_newer_attempt_adopts_what_the_older_one_publishes_meanwhile(shop: Bench, output: str) -> None:
    older, newer = started_and_held(shop, COMMITTING), started_and_held(shop, COMMITTING)
    resume(older)
    assert older.verdict.category is Category.SUCCEEDED
    standing = shop.visible()
    resume(newer)
    done = published(newer.end().receipt)
    assert (done.adopted_from, done.rows) == (older.uid, 5)
    assert shop.visible() == standing
    assert rows(shop, output) == expected(d0=3, d1=5)
