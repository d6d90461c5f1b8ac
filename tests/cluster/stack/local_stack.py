"""The stack that `make up` makes, as its tests see it: through Airflow's API, its store, and the cluster's own words."""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from kubernetes import client, config, watch
from tests.support.kind import REQUIRED
from tools.cluster.command import kubectl, run
from tools.cluster.names import ADMIN
from tools.demo import report
from tools.demo.progress import wait_for_runs
from tools.demo.rest import Rest
from tools.stack import release
from tools.stack.names import AIRFLOW, LAKE, NAMESPACE, S3

from polarpod.contract.context import Storage
from polarpod.launch.attempt_records import AttemptInfo
from polarpod.launch.planes.kubernetes.status import Status
from polarpod.launch.state import State

DAG = "flights_week"
# its tasks of pods, and the table each of them publishes
TABLES = {
    "clean_flights": "clean/flights",
    "airport_delays": "marts/airport_delays",
    "delay_by_weather": "marts/delay_by_weather",
}
STATE = "s3://polarpod/state"
STORAGE = Storage(endpoint_url=S3, region="us-east-1", allow_http=True)
WORKERS = "app.kubernetes.io/managed-by=polarpod"
# the last that a task says that ends well
LAST_WORDS = "Pushing xcom"
# of pods that Helm says are to come, and of runs: far above what either takes on a busy machine
PATIENCE_SECONDS = 600.0
# the year whose flights are there, but for the days that everybody knows
_FIRST, _LAST = dt.date(2013, 2, 10), dt.date(2013, 12, 30)


@cache
def missing() -> str | None:
    """What these tests lack here, in one line; None where they can run."""
    for tool in ("helm", "kubectl"):
        if not shutil.which(tool):
            return f"no stack: there is no {tool} on $PATH"
    if not ADMIN.exists():
        return f"no stack: {ADMIN.name} of a cluster is not there; `make up` makes one, with the stack in it"
    try:
        if not Rest(AIRFLOW).healthy():
            return f"no stack: Airflow does not answer on {AIRFLOW}; `make up` brings it up"
        release.secret("airflow-sign-in")
    except Exception as error:  # whatever is there instead
        return f"no stack: {type(error).__name__} at {AIRFLOW}; `make up` brings it up"
    return None


def required() -> bool:
    return os.environ.get(REQUIRED) == "1"


class Stack:
    """The installation in its namespace."""

    def __init__(self) -> None:
        self.api = client.CoreV1Api(config.new_client_from_config(str(ADMIN)))
        self.state = State(STATE, STORAGE)
        self.rest = Rest(AIRFLOW)
        self.keys = release.secret("polarpod-s3")
        self.sign_in = release.secret("airflow-sign-in")
        self.rest.sign_in(self.sign_in["user"], self.sign_in["password"])

    @property
    def environment(self) -> dict[str, str]:
        """What reaches the store from this machine."""
        return {
            "AWS_ACCESS_KEY_ID": self.keys["access-key-id"],
            "AWS_SECRET_ACCESS_KEY": self.keys["secret-access-key"],
            "AWS_ENDPOINT_URL": S3,
            "AWS_REGION": "us-east-1",
            "AWS_ALLOW_HTTP": "true",
        }

    def new_days(self, count: int) -> list[str]:
        """Days in a row that no run has ever seen, with their raw data landed."""
        known = set(self.state.run_keys("clean_flights"))
        day = _FIRST
        while True:
            days = [(day + dt.timedelta(days=offset)).isoformat() for offset in range(count)]
            if not any(key.startswith(f"ds-{one}-") for one in days for key in known):
                break
            day += dt.timedelta(days=1)
            assert day < _LAST, "every day of the year has been run: `python -m tools.stack down`, then `make up`"
        script = ["examples/land_flights.py", "--lake", LAKE, "--from", days[0], "--days", str(count)]
        run(sys.executable, *script, environment=self.environment, remedy="See whether the store answers.")
        return days

    def trigger(self, days: list[str]) -> str:
        return self.rest.trigger(DAG, {"first": days[0], "days": len(days)})

    def succeeds(self, run_id: str) -> bool:
        """Waits for the end of a run; says why where it is not a good one."""
        ended = wait_for_runs(self.rest, DAG, 1, lambda: None, seconds=PATIENCE_SECONDS, run=run_id)
        if not ended:
            report.print_failures(self.rest, DAG, run_id)
        return ended

    def tasks(self, run_id: str) -> list[dict[str, Any]]:
        """The task instances of a run that run jobs."""
        return [task for task in self.rest.tasks(DAG, run_id) if task["task_id"] in TABLES]

    def log(self, task: dict[str, Any]) -> list[str]:
        """What a task that ended well has said, in all its tries: see docs/limits.md on deferred tasks.

        Airflow brings the log away after it has called the task a success.
        """
        told: list[str] = []
        tries = range(1, task["try_number"] + 1)

        def whole() -> bool:
            told[:] = [str(entry["event"]) for number in tries for entry in self.rest.log(task, number=number)]
            return LAST_WORDS in told

        until(whole, f"the log of {task['task_id']} was there", seconds=60)
        return told

    def attempts(self, job: str, day: str) -> list[AttemptInfo]:
        keys = [key for key in self.state.run_keys(job) if key.startswith(f"ds-{day}-")]
        return [info for key in keys for info in self.state.attempts(job, key)]

    def pods(self, selector: str = "", *, namespace: str = NAMESPACE) -> list[dict[str, Any]]:
        answer = self.api.list_namespaced_pod(namespace, label_selector=selector, _preload_content=False)
        return list(json.loads(answer.data)["items"])

    def running_worker(self, job: str) -> str:
        """Waits until a pod of that job runs. Returns its name."""
        for change in watch.Watch().stream(
            self.api.list_namespaced_pod,
            NAMESPACE,
            label_selector=f"{WORKERS},polarpod.dev/job={job}",
            timeout_seconds=int(PATIENCE_SECONDS),
        ):
            pod = change["raw_object"]
            if change["type"] != "DELETED" and pod["status"]["phase"] == "Running" and Status(pod=pod).started:
                return str(pod["metadata"]["name"])
        raise AssertionError(f"no pod of {job} ran within {PATIENCE_SECONDS:.0f} s")


def secrets_of(namespace: str = NAMESPACE) -> dict[str, dict[str, str]]:
    """Name -> values, of those that the chart has made; Helm's own are another kind."""
    found = json.loads(kubectl("get", "secrets", "-n", namespace, "--field-selector=type=Opaque", "-o", "json"))["items"]
    return {one["metadata"]["name"]: dict(one["data"]) for one in found}


@cache
def namespaced() -> list[str]:
    """Every kind of object that a namespace can hold."""
    return kubectl("api-resources", "--namespaced", "--verbs=list", "-o", "name").split()


@contextmanager
def yard(name: str) -> Iterator[str]:
    """Another namespace that is as strict as the stack's; gone at the end, with all that is in it."""
    release.namespace(name)
    try:
        yield name
    finally:
        kubectl("delete", "namespace", name)


def unready(pods: list[dict[str, Any]]) -> list[str]:
    """Those that are neither ready nor at their good end; and whoever is on its way out."""
    found = []
    for pod in pods:
        status = Status(pod=pod)
        ready = status.conditions.get("Ready", {}).get("status") == "True"
        if status.deleting or not (ready or status.phase == "Succeeded"):
            found.append(f"{pod['metadata']['name']}: {status.phase} {status.reason}".strip())
    return found


def until(condition: Callable[[], Any], what: str, *, seconds: float = PATIENCE_SECONDS) -> None:
    """Waits for what no watch tells."""
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, f"it took too long until {what}"
        time.sleep(0.5)
