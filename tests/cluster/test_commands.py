"""The commands that look at a plane of pods, as a person uses them: doctor, logs, gc, plan --manifest."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest
import yaml
from tests.support.kind import Kind
from tests.support.workshop import Workshop

from polarpod.contract import labels
from polarpod.launch.known_attempts import KnownAttempts
from polarpod.launch.listener import Listener
from polarpod.launch.planes.kubernetes.cluster import connect
from polarpod.launch.planes.kubernetes.config import KubernetesPlane
from polarpod.launch.planes.kubernetes.launcher import PodLauncher
from polarpod.launch.planes.kubernetes.leftovers import delete_pods, find_left_pods
from polarpod.launch.planes.kubernetes.status import Status
from polarpod.launch.run import AttemptHandle as Attempt
from polarpod.launch.run import Clock, RunResult, see_through

JOB = """
import time
@job(inputs={}, output=Delta("{lake}/counted", replace={}), memory="256Mi", params={"seconds": Param(type="int")})
def counts(*, seconds: int):
    for number in range(seconds * 10):
        print(f"line {number} AWS_SECRET_ACCESS_KEY=verysecret", flush=True)
        time.sleep(0.1)
    return pl.LazyFrame({"x": [seconds]})
"""


class Said(NamedTuple):
    code: int
    out: str


@pytest.fixture
def workshop(kind: Kind, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workshop]:
    with kind.lake() as lake:
        for name, value in lake.environment.items():
            monkeypatch.setenv(name, value)
        made = Workshop(tmp_path, lake.uri, lake.storage, lake.environment, max_memory="1Gi", site=kind)
        made.write_job(JOB)
        yield made


Polarpod = Callable[..., Said]


@pytest.fixture
def polarpod(workshop: Workshop) -> Polarpod:
    def execute(*arguments: str) -> Said:
        fields = {
            key: value for key, value in msgspec.to_builtins(plane_of(workshop)).items() if value not in (None, {}, [])
        }
        path = workshop.root / "planes.yaml"
        path.write_text(yaml.safe_dump({"planes": {"process": fields}}))
        command = [sys.executable, "-c", "from polarpod.cli import main; main()", *arguments, "--planes", str(path)]
        environment = os.environ | {"XDG_CACHE_HOME": str(workshop.root / "cache")}
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        assert "Traceback" not in done.stderr, done.stderr
        return Said(done.returncode, done.stdout + done.stderr)

    return execute


def plane_of(workshop: Workshop) -> KubernetesPlane:
    plane = workshop.plane
    assert isinstance(plane, KubernetesPlane)
    return plane


def launcher_of(workshop: Workshop) -> PodLauncher:
    plane = plane_of(workshop)
    return PodLauncher(plane, connect(plane))


def test_the_doctor_finds_all_well_where_all_is(polarpod: Polarpod) -> None:
    answer = polarpod("doctor")
    assert answer.code == 0, answer.out
    assert "FAILED" not in answer.out
    assert "a worker starts" in answer.out
    assert "state store, from a pod: reads, writes and refuses the second of two creates" in answer.out


def test_the_doctor_tells_of_code_that_the_image_does_not_have(polarpod: Polarpod, workshop: Workshop) -> None:
    answer = polarpod("doctor", "--json")
    findings = {finding["what"]: finding for finding in json.loads(answer.out)["findings"]}
    assert findings["the image has the jobs' code"]["state"] in ("ok", "failed")
    assert all(finding["found"] for finding in findings.values())


def test_the_manifest_of_a_plan_is_a_pod_and_starts_none(polarpod: Polarpod, workshop: Workshop) -> None:
    answer = polarpod("plan", "counts", "--param", "seconds=1", "--manifest")
    pod = yaml.safe_load(answer.out)
    assert pod["kind"] == "Pod"
    assert pod["metadata"]["labels"][labels.JOB] == "counts"
    assert workshop.state.run_keys("counts") == []


def test_a_log_is_followed_while_the_pod_works_and_kept_when_it_has_ended(polarpod: Polarpod, workshop: Workshop) -> None:
    context, data = workshop.prepare("counts", seconds="2")
    launcher = launcher_of(workshop)
    launcher.start(context, data, Listener())
    followed = polarpod("logs", context.attempt.uid[:10])
    assert followed.code == 0, followed.out
    lines = followed.out.splitlines()
    assert [line.split()[1] for line in lines if line.startswith("line ")] == [str(number) for number in range(20)]
    assert "verysecret" not in followed.out
    ran = take_up(workshop, launcher, context)
    assert ran.verdict.succeeded
    kept = polarpod("logs", context.attempt.uid[:10], "--tail", "3")
    assert len(kept.out.splitlines()) == 3
    assert "verysecret" not in kept.out


def test_a_log_that_nobody_has_is_said_to_be_missing(polarpod: Polarpod, workshop: Workshop) -> None:
    context, _ = workshop.prepare("counts", seconds="1")
    answer = polarpod("logs", context.attempt.uid)
    assert answer.code == 2
    assert "there is no log of this attempt yet" in answer.out
    assert "what to do: " in answer.out


def take_up(workshop: Workshop, launcher: PodLauncher, context: object) -> RunResult:
    """What the next launcher does with an attempt that another one started."""
    return see_through(Attempt(context, None, "", orphaned=True), launcher, workshop.state, Listener(), Clock())


def test_a_pod_whose_launcher_died_is_seen_through_by_the_next_one_and_not_started_again(workshop: Workshop) -> None:
    context, data = workshop.prepare("counts", seconds="1")
    launcher = launcher_of(workshop)
    launcher.start(context, data, Listener())
    ran = workshop.run("counts", seconds="1")
    assert ran.verdict.succeeded, ran.verdict.text()
    assert ran.receipt
    assert ran.receipt.attempt.uid == context.attempt.uid, "it is that attempt's receipt"
    (attempt,) = workshop.state.attempts("counts", context.run_key)
    assert attempt.record


def test_two_launchers_that_wait_for_one_pod_come_to_one_verdict(workshop: Workshop) -> None:
    context, data = workshop.prepare("counts", seconds="1")
    launcher_of(workshop).start(context, data, Listener())
    found: list[RunResult] = []
    launchers = [launcher_of(workshop) for _ in range(2)]
    waiting = [threading.Thread(target=lambda own=own: found.append(take_up(workshop, own, context))) for own in launchers]
    for thread in waiting:
        thread.start()
    for thread in waiting:
        thread.join()
    assert [str(ran.verdict.category) for ran in found] == ["succeeded", "succeeded"]


def test_gc_takes_away_what_nobody_waits_for_and_leaves_what_may_still_run(workshop: Workshop) -> None:
    now = dt.datetime.now(dt.UTC)
    cluster = connect(plane_of(workshop))
    running, data = workshop.prepare("counts", seconds="3")
    launcher = launcher_of(workshop)
    launcher.start(running, data, Listener())
    assert find_left_pods(cluster, KnownAttempts(workshop.state), now=now) == [], "its next launcher attaches to it"
    later = now + dt.timedelta(days=8)
    (left,) = find_left_pods(cluster, KnownAttempts(workshop.state), now=later)
    assert left.uid == running.attempt.uid
    assert left.why == "its attempt is over, and no launcher came back for it"
    # a pod that is deleted while its container is made ends in other ways, which test_recorded_endings has
    while (pod := launcher.find(running)) and not Status(pod=pod.seen).started:
        time.sleep(0.1)
    delete_pods(cluster, [left])
    verdict = take_up(workshop, launcher, running).verdict
    assert verdict.category in ("interrupted", "worker_lost"), verdict.text()


def test_gc_from_the_command_line_deletes_only_when_told_to(polarpod: Polarpod, workshop: Workshop) -> None:
    assert workshop.run("counts", seconds="1").verdict.succeeded
    assert "nothing to sweep" in polarpod("gc").out
