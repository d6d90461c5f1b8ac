"""How long people wait for the local stack: from nothing to a green DAG, and for a change under `skaffold dev`.

`make bench` gives it a cluster of its own, which it deletes. What is changed for the bench is changed in a work tree
of its own: never in the files that somebody is working on.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from tools.cluster import kind
from tools.cluster.command import ask, kubectl
from tools.cluster.names import ADMIN
from tools.demo.rest import Rest
from tools.stack import images, release
from tools.stack.names import AIRFLOW, DEV_NAMESPACE

ROOT = Path(__file__).parents[1]
# minutes and seconds that the stack may take on two cores
UP, JOB_CHANGE, DAG_CHANGE = 300.0, 30.0, 10.0
ROUNDS = 3
# far beyond the bars: for a stack that does not come at all
_PATIENCE_SECONDS = 900.0

# of those that are landed
_DAYS = (f"2013-02-0{day}" for day in range(1, 8))

Found = TypeVar("Found")


def main() -> int:
    found = {"make up, then a green DAG": (_up(), UP)}
    release.uninstall()
    with _skaffold() as tree:
        # not by skaffold's own forwarding, which it begins anew at each change
        rest = Rest(AIRFLOW)
        keys = release.secret("airflow-sign-in", namespace=DEV_NAMESPACE)
        rest.sign_in(keys["user"], keys["password"])
        # the first of each warms what stays warm while somebody works
        found["a changed job runs in a pod"] = (_worst(lambda: _change_job(tree, rest)), JOB_CHANGE)
        found["a changed DAG is parsed"] = (_worst(lambda: _change_dag(tree, rest)), DAG_CHANGE)
    missed = [name for name, (seconds, bar) in found.items() if seconds > bar]
    kind.delete()
    for name, (seconds, bar) in found.items():
        print(f"{name}: {seconds:.1f} s (bar {bar:.0f} s){'  MISSED' if name in missed else ''}")
    return 1 if missed else 0


def _worst(measure: Callable[[], float]) -> float:
    measured = [measure() for _ in range(ROUNDS + 1)][1:]
    print("  " + ", ".join(f"{seconds:.1f} s" for seconds in measured), flush=True)
    return max(measured)


def _up() -> float:
    """The images are in Docker; there is no cluster, and nothing else."""
    images.build_all()
    kind.delete()
    began = time.monotonic()
    for verb in ("up", "smoke"):
        subprocess.run([sys.executable, "-m", "tools.stack", verb], cwd=ROOT, check=True)
    return time.monotonic() - began


def _change_job(tree: Path, rest: Rest) -> float:
    """From a saved file to a container that runs it, the DAG triggered as soon as Airflow has the release."""
    job = tree / "jobs/clean_flights.py"
    before = _released(tree)
    began = time.monotonic()
    job.write_text(f"{job.read_text()}\n# {uuid.uuid4()}\n")
    _until(lambda: _released(tree) != before)
    # what the pods have, not what the tree has: the copy is skaffold's
    wanted = (tree / "dags/release.json").read_bytes().strip()
    _until(lambda: _in_scheduler("cat", "/opt/airflow/dags/release.json") == wanted)
    version = json.loads(wanted)["code_version"]
    # a day of its own for each, since a DAG has one run a day; its first task is the job that has changed
    run = rest.trigger("flights", {}, logical_date=f"{next(_DAYS)}T00:00:00Z")
    _until(lambda: _running(version))
    took = time.monotonic() - began
    # the next one is measured on an idle machine, too
    _until(lambda: any(one["dag_run_id"] == run and one["state"] in ("success", "failed") for one in rest.runs("flights")))
    return took


def _change_dag(tree: Path, rest: Rest) -> float:
    """From a saved file to a DAG that says so in Airflow's REST API."""
    dag = tree / "dags/flights.py"
    mark = uuid.uuid4().hex
    text = dag.read_text()
    began = time.monotonic()
    dag.write_text(text.replace('tags=["polarpod"', f'tags=["{mark}", "polarpod"'))
    _until(lambda: mark in json.dumps(rest.dag("flights")))
    took = time.monotonic() - began
    dag.write_text(text)
    _until(lambda: mark not in json.dumps(rest.dag("flights")))
    return took


@contextmanager
def _skaffold() -> Iterator[Path]:
    """`skaffold dev` over a work tree of its own, until it says that it watches for changes."""
    tree = ROOT / ".cache/bench-tree"
    subprocess.run(["git", "worktree", "remove", "--force", tree], cwd=ROOT, check=False, stderr=subprocess.DEVNULL)
    subprocess.run(["git", "worktree", "add", "--quiet", "--detach", tree], cwd=ROOT, check=True)
    for shared in (".venv", ".polarpod"):
        (tree / shared).symlink_to(ROOT / shared)
    log = ROOT / ".cache/bench-skaffold.log"
    environment = {**os.environ, "KUBECONFIG": str(ADMIN), "SKAFFOLD_INTERACTIVE": "false"}
    command = ["skaffold", "dev", "--tail=false", "--cleanup=true"]
    with log.open("wb") as said:
        process = subprocess.Popen(command, cwd=tree, env=environment, stdout=said, stderr=said, start_new_session=True)
        try:
            _until(lambda: b"Watching for changes" in log.read_bytes() or process.poll() is not None)
            if process.poll() is not None:
                sys.exit(f"skaffold ended with exit code {process.returncode}:\n{log.read_text()[-3000:]}")
            yield tree
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(timeout=_PATIENCE_SECONDS)
            subprocess.run(["git", "worktree", "remove", "--force", tree], cwd=ROOT, check=False)


def _released(tree: Path) -> str:
    return str(json.loads((tree / "dags/release.json").read_bytes())["code_version"])


def _in_scheduler(*command: str) -> bytes:
    asked = ask("kubectl", "--kubeconfig", ADMIN, "-n", DEV_NAMESPACE, "exec", "airflow-scheduler-0", "--", *command)
    return asked.stdout.encode().strip()


def _running(version: str) -> bool:
    listed = kubectl("get", "pods", "-n", DEV_NAMESPACE, "-l", f"polarpod.dev/release={version}", "-o", "json")
    return any("startedAt" in json.dumps(pod.get("status", {})) for pod in json.loads(listed)["items"])


def _until(ask_again: Callable[[], Found]) -> Found:
    limit = time.monotonic() + _PATIENCE_SECONDS
    while not (found := ask_again()):
        if time.monotonic() > limit:
            sys.exit(f"gave up after {_PATIENCE_SECONDS:.0f} s; see .cache/bench-skaffold.log, and {AIRFLOW}")
        time.sleep(0.2)
    return found


if __name__ == "__main__":
    sys.exit(main())
