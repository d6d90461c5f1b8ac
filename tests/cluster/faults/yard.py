"""Runs that something happens to: each under the launcher's own loop, stopped once at an exact point of its work if asked
to, and launched again, as an orchestrator does, until it is done.

The job module itself wraps parts of the worker's runtime in its worker's process: nothing in polarpod knows of these tests.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import yaml
from tests.cluster.faults.node import Node
from tests.cluster.faults.oracle import Oracle, assert_holds
from tests.kill.scenes import JOBS, SCENES, Scene, Step, deliver
from tests.suite.bench import Bench
from tests.support.kind import Kind, PodBody

from polarpod.contract.context import Context
from polarpod.contract.identity import run_key_of
from polarpod.contract.verdict import Category, PolarpodError, Verdict
from polarpod.launch.attempt_records import AttemptInfo
from polarpod.launch.planes.kubernetes.cluster import connect
from polarpod.launch.planes.kubernetes.config import KubernetesPlane
from polarpod.launch.planes.kubernetes.launcher import PodLauncher
from polarpod.launch.planes.kubernetes.render.names import pod_name
from polarpod.launch.planes.plane import Plane
from polarpod.launch.run import Clock, Listener, execute

POLARPOD = Path(sys.executable).parent / "polarpod"
PLANE = "faults"
# where a worker can be stopped, in the order in which it passes them
POINTS = ("transforming", "writing", "quarantining", "deciding", "committing", "committed")
# what a job that is asked to writes into its scratch directory, and what it may
FILL_MIB, SPILL = 96, "64Mi"
# only a hang gets there: an eviction may take the kubelet a minute, a node half a minute to come back
PATIENCE_SECONDS = 240.0
# of an orchestrator, when the launcher's own are spent
_TRIES = 4

HOLD = f"""
import os, signal
from polarpod.runtime.engines.polars import split_rows as check
from polarpod.runtime.engines.polars.batches import Watch
from polarpod.runtime.publish.delta import publisher as delta
from polarpod.runtime.publish.parquet import publisher as parquet
from polarpod.store import parquet_manifest as manifest

_passed = set()

def _at(point):
    if point in _passed:
        return
    _passed.add(point)
    print("at", point, flush=True)
    if os.environ.get("TEST_FILL") == point:
        with open("fill", "wb") as file:
            for _ in range({FILL_MIB}):
                file.write(os.urandom(2**20))
    if point in (os.environ.get("TEST_HOLD"), os.environ.get("TEST_FILL")):
        os.kill(os.getpid(), signal.SIGSTOP)

def _wrapped(module, name, before="", after="", quarantine=""):
    work = getattr(module, name)
    def wrapped(*args, **kwargs):
        # bad rows are published by the same functions as good ones
        bad = "/quarantine/" in getattr(args[0], "uri", "") if args else False
        if point := quarantine if bad else before:
            _at(point)
        result = work(*args, **kwargs)
        if after and not bad:
            _at(after)
        return result
    setattr(module, name, wrapped)

def _observed(rows):
    def wrapped(self, frame, target, tally, on_rows):
        return rows(self, frame, target, tally, lambda count: (_at("writing"), on_rows(count)))
    return wrapped

Watch.rows = _observed(Watch.rows)
_wrapped(check, "check_inputs", "transforming")
_wrapped(delta, "publish", "deciding", "committed")
_wrapped(parquet, "publish", "deciding", "committed")
_wrapped(delta, "commit_entry", "committing")
_wrapped(manifest, "swap", "committing", quarantine="quarantining")
"""


class FaultBench(Bench):
    """A bench whose plane is rendered once: runs go on in several threads, and the plane's template is a file."""

    @cached_property
    def plane(self) -> KubernetesPlane:  # type: ignore[override]
        plane = super().plane
        assert isinstance(plane, KubernetesPlane)
        return msgspec.structs.replace(plane, spill=SPILL)


class Yard:
    """One namespace and one lake, and what has landed there."""

    def __init__(self, bench: FaultBench, site: Kind, node: Node, oracle: Oracle) -> None:
        self.bench, self.site, self.node, self.oracle = bench, site, node, oracle
        self.steps: dict[str, list[Step]] = defaultdict(list)
        # cleared while something that all runs need is away: an orchestrator's pauses are longer than these outages
        self.quiet = threading.Event()
        self.quiet.set()
        self.seconds = 4.0
        self.seen: dict[str, Counter[str]] = defaultdict(Counter)

    def next_step(self, scene: Scene) -> Step:
        """Brings the orders of a scene's next run into the lake."""
        step = scene.step(len(self.steps[scene.job]))
        # they share a lake, and each has its own idea of when a day's orders are corrected
        step = step._replace(day=f"{2026 + [*SCENES].index(scene.job)}{step.day[4:]}")
        deliver(self.bench, step)
        self.steps[scene.job].append(step)
        return step

    def assert_holds(self, scene: Scene) -> None:
        if steps := self.steps[scene.job]:
            assert_holds(self.bench, scene, self.oracle.expected(scene, steps))

    def attempts(self, scene: Scene, key: str) -> list[AttemptInfo]:
        """Newest first."""
        return self.bench.state.attempts(scene.job, key)

    def planes(self, **environment: str) -> Path:
        """A planes file for the command line; with more variables of its workers.

        They come by the pod's template: what a plane's `environment` says is part of a run's fingerprint.
        """
        plane = self.bench.plane
        assert isinstance(plane, KubernetesPlane)
        if environment:
            template = yaml.safe_load(Path(str(plane.template)).read_text())
            [worker] = template["spec"]["containers"]
            worker["env"] = [{"name": name, "value": value} for name, value in environment.items()]
            held = self.bench.root / f"pod-{len(list(self.bench.root.glob('pod-*')))}.yaml"
            held.write_text(yaml.safe_dump(template))
            plane = msgspec.structs.replace(plane, template=str(held))
        path = self.bench.root / f"planes{len(list(self.bench.root.glob('planes*')))}.yaml"
        path.write_text(yaml.safe_dump({"planes": {PLANE: msgspec.to_builtins(plane)}}))
        return path

    def command(self, *words: str, planes: Path) -> subprocess.Popen[str]:
        """`polarpod`, as its user has it."""
        environment = os.environ | {"XDG_CACHE_HOME": str(self.bench.root / "xdg")}
        command = [POLARPOD, *words, "--plane", PLANE, "--planes", str(planes)]
        return subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=self.bench.root
        )


class Heard(NamedTuple):
    """What a launcher said of one attempt; without a uid where it did not come as far as an attempt."""

    uid: str
    verdict: Verdict


class Run:
    """One run in a thread of its own."""

    def __init__(
        self, yard: Yard, scene: Scene, *, step: Step | None = None, first: Mapping[str, str] | None = None
    ) -> None:
        """Args:
        step: of a run that somebody else has begun.
        first: more variables for its first worker.
        """
        self.yard, self.scene = yard, scene
        self.step = step or yard.next_step(scene)
        self.key = run_key_of({"day": self.step.day})
        self.before = {info.uid for info in yard.attempts(scene, self.key)} if step is None else set()
        self.heard: list[Heard] = []
        self.over = threading.Event()
        self.began = time.monotonic()
        self._first = dict(first or {})
        self.hold = self._first.get("TEST_HOLD") or self._first.get("TEST_FILL")
        self._contexts: list[Context] = []
        # the lines that one launcher passed on of one attempt
        self._logs: list[list[bytes]] = []
        self._result: Verdict | BaseException | None = None
        threading.Thread(target=self._launch, daemon=True).start()

    def _launch(self) -> None:
        try:
            for _ in range(_TRIES):
                self._result = self._try()
                if self._result.succeeded:
                    break
                self.yard.quiet.wait(PATIENCE_SECONDS)
        except BaseException as error:  # raised again where it is waited for
            self._result = error
        finally:
            self.over.set()

    def _try(self) -> Verdict:
        bench = self.yard.bench
        listener = Listener(on_attempt=self._on_attempt, on_verdict=self._on_verdict, on_log=self._on_log)
        try:
            return execute(
                lambda: bench.plan(self.scene.job, day=self.step.day),
                plane=bench.plane,
                state=bench.state,
                make_launcher=self._launcher,
                listener=listener,
                clock=Clock(pause=lambda seconds, stop: self.yard.quiet.wait(PATIENCE_SECONDS)),
            ).verdict
        except PolarpodError as error:
            self.heard.append(Heard("", error.verdict))
            return error.verdict

    def _launcher(self, plane: Plane) -> PodLauncher:
        assert isinstance(plane, KubernetesPlane)
        return PodLauncher(plane, connect(plane), finish=self._finish)

    def _finish(self, manifest: dict[str, Any]) -> dict[str, Any]:
        [worker] = manifest["spec"]["containers"]
        worker["env"] += [{"name": name, "value": value} for name, value in self._first.items()]
        self._first = {}
        return manifest

    def _on_attempt(self, context: Context, reason: str) -> None:
        self._logs.append([])
        self._contexts.append(context)

    def _on_verdict(self, verdict: Verdict, again: bool) -> None:  # the listener's signature
        self.heard.append(Heard(self._contexts[-1].attempt.uid, verdict))

    def _on_log(self, lines: bytes) -> None:
        self._logs[-1].append(lines)

    @property
    def uid(self) -> str:
        """Of the newest attempt; none before there is one."""
        return self._contexts[-1].attempt.uid if self._contexts else ""

    @property
    def pod(self) -> str:
        return pod_name(self._contexts[-1])

    @property
    def body(self) -> PodBody:
        return self.yard.site.body(self.yard.bench, self.uid)

    def has_started(self) -> bool:
        return bool(self._contexts)

    def until_held(self) -> bool:
        """Waits until the first worker stands where it was asked to. False where the run ended without coming there."""
        line = f"at {self.hold}\n".encode()
        return self.while_running(lambda: any(line in said for log in list(self._logs) for said in list(log)))

    def has_receipt(self) -> bool:
        return bool(self.uid) and self.yard.bench.state.receipt(self.scene.job, self.key, self.uid) is not None

    def resume(self) -> None:
        """Lets a worker go on that stands still."""
        if self.hold:
            self.body.signal(signal.SIGCONT, "child")

    def while_running(self, condition: Callable[[], Any]) -> bool:
        """Polls a condition. False where the run ended first."""
        limit = time.monotonic() + PATIENCE_SECONDS
        while not condition():
            if self.over.wait(0.02):
                return bool(condition())
            assert time.monotonic() < limit, f"nothing happened; {self.story()}"
        return True

    def end(self) -> list[AttemptInfo]:
        """Waits for the end, which is a success. Returns its own attempts, oldest first: each judged, and none a success
        without a receipt of its own."""
        assert self.over.wait(PATIENCE_SECONDS), f"the launcher did not return; {self.story()}"
        if isinstance(self._result, BaseException):
            raise self._result
        assert self._result is not None
        assert self._result.succeeded, self.story()
        attempts = [info for info in self.yard.attempts(self.scene, self.key) if info.uid not in self.before][::-1]
        for info in attempts:
            if info.context is None:
                continue
            assert info.record is not None, f"attempt {info.number} was never judged; {self.story()}"
            own = info.receipt is not None and info.receipt.status == "succeeded" and info.receipt.attempt.uid == info.uid
            assert not info.record.verdict.succeeded or own, f"a success without a receipt; {self.story()}"
        for lines in self._logs:
            doubled = [line for line, times in Counter(lines).items() if line.startswith(b"at ") and times > 1]
            assert not doubled, f"{doubled} came more than once; {self.story()}"
        self.yard.assert_holds(self.scene)
        return attempts

    def story(self) -> str:
        told = "; ".join(f"{heard.uid[:8] or 'no attempt'}: {heard.verdict.text()}" for heard in self.heard)
        return f"{self.scene.job}/{self.key} after {time.monotonic() - self.began:.0f} s: {told or 'nothing was heard'}"

    def categories(self) -> set[Category]:
        """All that was said of its attempts, to the caller and in the state store."""
        recorded = [info.record for info in self.yard.attempts(self.scene, self.key) if info.uid not in self.before]
        return {heard.verdict.category for heard in self.heard} | {one.verdict.category for one in recorded if one}


def source() -> str:
    return HOLD + JOBS
