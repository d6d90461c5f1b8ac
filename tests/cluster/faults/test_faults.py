"""Twenty faults on a real cluster, or sixty with $POLARPOD_FAULTS=60.

Whatever is killed, deleted, cut or filled, no row is lost or doubled, nothing is called a success without a receipt, and
after `polarpod gc` nothing is left of it. Excluded: the Airflow worker's process, see tests/cluster/airflow; a disk that is
full without anybody's limit.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from functools import partial

import pytest
from kubernetes import client
from kubernetes.client.exceptions import ApiException
from tests.cluster.faults.oracle import files_without_a_name
from tests.cluster.faults.yard import POINTS, Run, Yard
from tests.kill.scenes import SCENES, Scene

from polarpod.contract.identity import run_key_of
from polarpod.contract.verdict import Category
from polarpod.launch.attempt_end import has_ended

# one such test takes minutes of both cores
pytestmark = pytest.mark.timeout(900)

COUNTS = {"kill": 18, "delete": 12, "launcher": 10, "api": 5, "node": 3, "s3": 8, "fill": 4}
WANTED = int(os.environ.get("POLARPOD_FAULTS", "20"))
# of runs that something happens to at the same time: pods of half a second of work each, on two cores
AT_ONCE = 3

LOST = {Category.WORKER_LOST}
ABSENT = {Category.PLANE_UNREACHABLE}
NO_STORE = {Category.STORAGE_UNAVAILABLE}


def count(kind: str) -> int:
    return max(1, round(COUNTS[kind] * WANTED / sum(COUNTS.values())))


def chosen(rng: random.Random, from_: Sequence[str], number: int) -> list[str]:
    """So many of them, each about equally often, in any order."""
    several = [*from_] * (number // len(from_) + 1)
    found = several[: number - number % len(from_)] + rng.sample(from_, number % len(from_))
    rng.shuffle(found)
    return found


def points_of(scene: Scene) -> list[str]:
    return [point for point in POINTS if scene.checked or point != "quarantining"]


# what one run suffers by itself: named by what is struck


@pytest.mark.parametrize("kind", ["kill", "delete"])
def test_a_worker_that_is_ended_from_outside_is_replaced(kind: str, yard: Yard, seed: str) -> None:
    rng = random.Random(f"{seed} {kind}")
    victims = {
        "kill": ["child", "supervisor", "group", "container", "shim"],
        "delete": ["at once", "with grace", "evicted"],
    }[kind]
    allowed = {
        "kill": LOST | {Category.NODE_LOST},
        "delete": LOST | {Category.INTERRUPTED, Category.EVICTED},
    }[kind]

    def suffer(scene: Scene, victim: str, rng: random.Random) -> None:
        while True:
            run = Run(yard, scene, first=somewhere_held(scene, rng))
            struck = come_to_the_moment(run, rng) and run.while_running(partial(STRIKES[victim], run))
            if struck and run.hold and victim in ("with grace", "evicted"):
                # at once it would be done before anybody asks
                run.while_running(partial(yard.node.has_been_asked_to_stop, run.uid))
                run.resume()
            attempts = run.end()
            if not struck:
                assert [info.record.verdict.category for info in attempts if info.record] == [Category.SUCCEEDED]
                continue
            first, *rest = [info.record.verdict.category for info in attempts if info.record]
            tell(yard, kind, victim, first)
            assert first in allowed | {Category.SUCCEEDED}, run.story()
            # nobody disturbs the next one
            assert rest == ([] if first is Category.SUCCEEDED else [Category.SUCCEEDED]), run.story()
            return

    with burst(yard, kind):
        in_lanes(rng, chosen(rng, victims, count(kind)), suffer)


def test_a_launcher_that_is_killed_leaves_a_worker_that_the_next_one_sees_through(yard: Yard, seed: str) -> None:
    rng = random.Random(f"{seed} launcher")
    moments = ["claimed", "context", "created", *("held",) * 4, "receipt", "judged"]

    def suffer(scene: Scene, moment: str, rng: random.Random) -> None:
        while True:
            step = yard.next_step(scene)
            key = run_key_of({"day": step.day})
            before = {info.uid for info in yard.attempts(scene, key)}
            point = rng.choice(points_of(scene))
            planes = yard.planes(**({"TEST_HOLD": point} if moment == "held" else {}))
            launcher = yard.command("run", scene.job, "--param", f"day={step.day}", planes=planes)
            struck = wait_for_moment(yard, scene, key, before, launcher, moment, point)
            launcher.kill()
            said = launcher.communicate()[0]
            judged = [info for info in yard.attempts(scene, key) if info.uid not in before and info.record]
            run = Run(yard, scene, step=step)
            run.before = before
            if moment == "held":
                # before the next launcher looks, or while it watches
                if rng.random() < 0.5:
                    run.while_running(run.has_started)
                for info in yard.attempts(scene, key):
                    if info.uid not in before:
                        yard.site.body(yard.bench, info.uid).signal(signal.SIGCONT, "child")
            attempts = run.end()
            if not struck:
                continue
            categories = [info.record.verdict.category for info in attempts if info.record]
            tell(yard, "launcher", moment, categories[0])
            created = yard.node.pods_created(yard.site.name)
            pods = [sum(n for name, n in created.items() if name.endswith(info.uid[:8])) for info in attempts]
            assert max(pods) == 1, f"one pod an attempt, not {pods}; {run.story()}"
            if pods[0] and not judged:
                assert categories == [Category.SUCCEEDED], f"{categories}: {said}; {run.story()}"
            return

    with burst(yard, "launcher"):
        in_lanes(rng, chosen(rng, moments, count("launcher")), suffer)


# what hits all runs at once


def test_an_api_server_that_is_away_changes_nothing(yard: Yard, seed: str) -> None:
    rng = random.Random(f"{seed} api")
    node = yard.node
    faults = {"killed": node.api_killed, "frozen": node.api_frozen, "stopped": node.api_stopped}
    with burst(yard, "api"):
        for name in chosen(rng, list(faults), count("api")):
            runs = several_runs(yard, rng)
            with outage(yard, faults[name](), runs):
                resume(runs)
                # their workers need no API server
                until_over(runs, lambda run: run.has_receipt(), seconds=8)
            finish(yard, "api", name, runs, ABSENT)


def test_a_node_that_goes_down_takes_its_workers_along_and_nothing_else(yard: Yard, seed: str) -> None:
    rng = random.Random(f"{seed} node")
    faults = {"restarted": yard.node.restarted, "crashed": yard.node.crashed}
    allowed = ABSENT | NO_STORE | {Category.NODE_LOST}
    with burst(yard, "node"):
        for name in chosen(rng, list(faults), count("node")):
            runs = several_runs(yard, rng)
            with outage(yard, faults[name](), runs):
                pass
            # one that is switched off in order ends its workers first
            orderly = LOST | {Category.INTERRUPTED, Category.EVICTED} if name == "restarted" else set()
            finish(yard, "node", name, runs, allowed | orderly)


def test_a_store_that_is_away_loses_and_doubles_nothing(yard: Yard, seed: str) -> None:
    rng = random.Random(f"{seed} s3")
    node = yard.node
    faults = {"killed": node.s3_killed, "frozen": node.s3_frozen, "cut": node.s3_cut, "cut for long": node.s3_cut}
    with burst(yard, "s3"):
        for name in chosen(rng, list(faults), count("s3")):
            runs = several_runs(yard, rng)
            with outage(yard, faults[name](), runs):
                resume(runs)
                if name != "killed":
                    seconds = rng.uniform(12, 15) if name == "cut for long" else rng.uniform(0.5, 4)
                    until_over(runs, lambda run: run.over.is_set(), seconds=seconds)
            # seen once: the store said 404 of a file that it had, just as it came back
            strange = {Category.INPUT_MISSING} if name == "killed" else set()
            finish(yard, "s3", name, runs, NO_STORE | {Category.RECEIPT_MISSING} | strange)


def test_a_worker_that_fills_its_volume_is_evicted_and_told_so(yard: Yard, seed: str) -> None:
    rng = random.Random(f"{seed} fill")

    def suffer(scene: Scene, name: str, rng: random.Random) -> None:
        point = rng.choice(points_of(scene))
        run = Run(yard, scene, first={"TEST_FILL": point})
        categories = [info.record.verdict.category for info in run.end() if info.record]
        tell(yard, "fill", point, categories[0])
        assert categories == [Category.DISK_FULL, Category.SUCCEEDED], run.story()

    with burst(yard, "fill"):
        # the kubelet looks every ten seconds or less often: all of them wait for the same looks
        in_lanes(rng, ["fill"] * count("fill"), suffer, at_once=count("fill"))


# how


def delete(run: Run, *, grace_seconds: int | None) -> bool:
    try:
        run.yard.node.api.delete_namespaced_pod(run.pod, run.yard.site.name, grace_period_seconds=grace_seconds)
    except ApiException as error:
        if error.status != 404:
            raise
        return False
    return True


def kill_container(run: Run) -> bool:
    try:
        return run.yard.node.kill_container(run.pod, run.yard.site.name)
    except ApiException as error:
        if error.status != 404:
            raise
        return False


def evict(run: Run) -> bool:
    eviction = client.V1Eviction(metadata=client.V1ObjectMeta(name=run.pod))
    try:
        run.yard.node.api.create_namespaced_pod_eviction(run.pod, run.yard.site.name, eviction)
    except ApiException as error:
        if error.status != 404:
            raise
        return False
    return True


STRIKES: dict[str, Callable[[Run], bool]] = {
    "child": lambda run: run.body.signal(signal.SIGKILL, "child"),
    "supervisor": lambda run: run.body.signal(signal.SIGKILL, "supervisor"),
    "group": lambda run: run.body.signal(signal.SIGKILL, "group"),
    "container": kill_container,
    "shim": lambda run: run.yard.node.kill_shim(run.uid),
    "at once": lambda run: delete(run, grace_seconds=0),
    "with grace": lambda run: delete(run, grace_seconds=None),
    "evicted": evict,
}


def somewhere_held(scene: Scene, rng: random.Random) -> dict[str, str]:
    """Most of the time at an exact point, else at any moment of its life."""
    return {"TEST_HOLD": rng.choice(points_of(scene))} if rng.random() < 0.7 else {}


def come_to_the_moment(run: Run, rng: random.Random) -> bool:
    if not run.while_running(run.has_started):
        return False
    if run.hold:
        return run.until_held()
    if rng.random() < 0.3:
        return run.while_running(run.has_receipt)
    run.over.wait(rng.uniform(0, 1) * run.yard.seconds)
    return not run.over.is_set()


def wait_for_moment(
    yard: Yard, scene: Scene, key: str, before: set[str], launcher: subprocess.Popen[str], moment: str, point: str
) -> bool:
    """Waits until a launcher of somebody else has come so far. False where it ended first."""
    state = yard.bench.state

    def come() -> bool:
        if moment == "claimed":
            return len(state.claims(scene.job, key)) > len(before)
        new = [info for info in yard.attempts(scene, key) if info.uid not in before]
        if not new or new[0].context is None:
            return False
        info = new[0]
        if moment == "created":
            selector = f"polarpod.dev/attempt-uid={info.uid}"
            return bool(yard.node.api.list_namespaced_pod(yard.site.name, label_selector=selector).items)
        if moment == "held":
            return yard.site.body(yard.bench, info.uid).stands_still()
        return {"context": True, "receipt": info.receipt is not None, "judged": info.record is not None}[moment]

    limit = time.monotonic() + 60
    while not come():
        time.sleep(0.01)
        if launcher.poll() is not None:
            return False
        assert time.monotonic() < limit, f"{scene.job}/{key} did not come to {moment} {point}"
    return launcher.poll() is None


def several_runs(yard: Yard, rng: random.Random) -> list[Run]:
    """Runs of different scenes, each where it shall be struck. The first is held there: a fault must meet at least one."""
    first, *others = rng.sample(list(SCENES.values()), AT_ONCE)
    runs = [Run(yard, first, first={"TEST_HOLD": rng.choice(points_of(first))})]
    runs += [Run(yard, scene, first=somewhere_held(scene, rng)) for scene in others]
    for run in runs:
        come_to_the_moment(run, rng)
    return runs


def resume(runs: list[Run]) -> None:
    for run in runs:
        run.resume()


def until_over(runs: list[Run], condition: Callable[[Run], bool], *, seconds: float) -> None:
    """Until it is so for all, but no longer than a fault lasts."""
    limit = time.monotonic() + seconds
    while time.monotonic() < limit and not all(run.over.is_set() or condition(run) for run in runs):
        time.sleep(0.1)


def finish(yard: Yard, kind: str, name: str, runs: list[Run], allowed: set[Category]) -> None:
    yard.seen[kind][name] += 1
    for run in runs:
        run.end()
        print(kind, name, run.story())
        for category in run.categories():
            yard.seen[kind][f"{name}: {category}"] += 1
        assert run.categories() <= allowed | {Category.SUCCEEDED}, run.story()


def tell(yard: Yard, kind: str, name: str, category: Category) -> None:
    yard.seen[kind][name] += 1
    yard.seen[kind][f"{name}: {category}"] += 1


def in_lanes(
    rng: random.Random,
    faults: list[str],
    suffer: Callable[[Scene, str, random.Random], None],
    *,
    at_once: int = AT_ONCE,
) -> None:
    """Shares faults among the scenes: several at once, and one after the other in each."""
    scenes = rng.sample(list(SCENES.values()), len(SCENES))
    lanes = {scene.job: faults[place :: len(scenes)] for place, scene in enumerate(scenes)}
    seeds = {scene.job: rng.random() for scene in scenes}

    def lane(scene: Scene) -> None:
        own = random.Random(seeds[scene.job])
        for fault in lanes[scene.job]:
            suffer(scene, fault, own)

    with ThreadPoolExecutor(at_once) as pool:
        for done in [pool.submit(lane, scene) for scene in scenes]:
            done.result()


@contextmanager
def outage(yard: Yard, fault: AbstractContextManager[object], runs: list[Run]) -> Iterator[None]:
    """While the fault lasts. At least one of the runs is not over when it begins."""
    yard.quiet.clear()
    try:
        assert not all(run.over.is_set() for run in runs), "the fault would hit nobody"
        with fault:
            yield
    finally:
        yard.quiet.set()


@contextmanager
def burst(yard: Yard, kind: str) -> Iterator[None]:
    """Many faults; and then every table is as it must be, every success has its receipt, and no orphan outlives `gc`."""
    yield
    assert sum(number for what, number in yard.seen[kind].items() if ":" not in what) == count(kind), "each was told"
    for scene in SCENES.values():
        yard.assert_holds(scene)
    now, may_live = dt.datetime.now(dt.UTC), set()
    for job in yard.bench.state.jobs():
        for key in yard.bench.state.run_keys(job):
            for info in yard.attempts(SCENES[job], key):
                if not has_ended(info, now):
                    may_live.add(info.uid)
                said = info.receipt is not None and info.receipt.status == "succeeded"
                assert not (info.record and info.record.verdict.succeeded) or said, info
    planes = yard.planes()
    gc = yard.command("gc", "--delete", planes=planes)
    assert gc.wait(60) == 0, gc.communicate()[0]
    again = yard.command("gc", "--json", planes=planes)
    left = json.loads(again.communicate(timeout=60)[0])
    assert (left["garbage"], left["leftovers"]) == ([], [])
    yard.site.assert_empty()
    assert files_without_a_name(yard.bench, may_live) == []
    yard.node.assert_no_folder_without_a_pod()
    for scene in SCENES.values():
        yard.assert_holds(scene)
