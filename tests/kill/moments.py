"""When to kill: somewhere in a run's time, or right where it hurts."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

from tests.kill.readers import listed
from tests.kill.scenes import Scene
from tests.support.live import Live

Moment = Callable[[Live, Scene, random.Random, float], object]


def somewhere(live: Live, scene: Scene, rng: random.Random, seconds: float) -> object:
    """At any time between the start and a little after an undisturbed run's end."""
    return live.over.wait(rng.uniform(0, 1.1) * seconds)


def once_loaded(live: Live, scene: Scene, rng: random.Random, seconds: float) -> object:
    """While it works: interpreters start long enough for most of the others to fall there."""
    return live.over.wait(rng.uniform(0.5, 1.0) * seconds)


def at_first_staged_file(live: Live, scene: Scene, rng: random.Random, seconds: float) -> object:
    base = Path(live.context.job.output.uri)
    return live.while_running(lambda: any(base.rglob(f"*{live.uid}*")))


def at_quarantine(live: Live, scene: Scene, rng: random.Random, seconds: float) -> object:
    """When the bad rows are visible (or about to be) and the good ones are not yet; a commit where there are none."""
    checks = live.context.job.checks
    folder = Path(checks.quarantine or "") / "_polarpod" if checks else scene.log(live.workshop)
    return _change(live, lambda: listed_with_times(folder))


def at_commit_begun(live: Live, scene: Scene, rng: random.Random, seconds: float) -> object:
    """At the first sign in the log's folder: a temporary file, a lock, or the commit itself."""
    return _change(live, lambda: listed(scene.log(live.workshop)))


def at_commit(live: Live, scene: Scene, rng: random.Random, seconds: float) -> object:
    """The commit stands and nobody has been told."""
    return _change(live, lambda: scene.commits(live.workshop))


def at_receipt(live: Live, scene: Scene, rng: random.Random, seconds: float) -> object:
    return live.while_running(lambda: any(name.startswith("receipt") for name in listed(Path(live.context.attempt_uri))))


def _change(live: Live, look: Callable[[], object]) -> bool:
    before = look()
    return live.while_running(lambda: look() != before)


def listed_with_times(folder: Path) -> list[tuple[str, int]]:
    try:
        return [(name, (folder / name).stat().st_mtime_ns) for name in listed(folder)]
    except FileNotFoundError:  # it was temporary; its going is a change too
        return []


MOMENTS: tuple[Moment, ...] = (
    somewhere,
    somewhere,
    once_loaded,
    at_first_staged_file,
    at_quarantine,
    at_commit_begun,
    at_commit,
    at_receipt,
)
VICTIMS = ("child", "supervisor", "group")
