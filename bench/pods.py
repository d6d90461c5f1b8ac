"""What launching a pod through Airflow costs over the pod itself. Runs in Airflow's environment, against `make cluster`'s.

Three ways to the same pod in turns: created raw and watched to its end; as `run_job`, from execute to success; as the
stock KubernetesPodOperator with its defaults. Medians of each are compared, so that what the pod itself takes cancels out.

The Kubernetes client and the provider are imported before the clocks start, as the stock operator's are when a DAG is
parsed; polarpod loads them when a task first needs a pod, and what that takes is printed too.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).parents[1]
HOME = ROOT / ".polarpod" / "cluster"
# what run_job may take over the raw pod, how many requests, and when user code may begin over a bare import
OPERATOR, REQUESTS, FIRST_LINE = 1.10, 6, 1.3
NAME = "polarpod-bench-jobs"
AUDIT = "/var/log/kubernetes/audit.log"
BARE = """
import polars, os, time
ticks = int(open("/proc/1/stat").read().rpartition(")")[2].split()[19])
print(f"first line after {time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf('SC_CLK_TCK'):.3f} s")
"""


class Pods:
    """The bench's own corner of the cluster: a plane, a release, and a way to make pods by hand."""

    def __init__(self, root: Path) -> None:
        from polarpod.launch.planes.kubernetes.cluster import connect
        from polarpod.launch.planes_file import load_planes, take_credentials
        from polarpod.launch.specs import from_release
        from polarpod.launch.state import State

        admin("apply", stdin=json.dumps(_config_map()))
        (root / "template.yaml").write_text(json.dumps(_template()))
        planes = json.loads(_planes(root))
        (root / "planes.yaml").write_text(json.dumps(planes))
        self.planes, self.release = root / "planes.yaml", root / "release.json"
        command = [ROOT / ".venv/dev/bin/polarpod", "release", "--jobs", ROOT / "bench/pod_jobs"]
        subprocess.run([*command, "--planes", self.planes, "--plane", "kind", "-o", self.release], check=True, stdout=2)
        self.plane: Any = load_planes(self.planes)["kind"]
        take_credentials(self.plane)
        self.state = State(self.plane.state, self.plane.storage)
        self.specs = from_release(self.release)
        self.cluster = connect(self.plane)

    def manifest(self) -> dict[str, Any]:
        """The pod of a new attempt, that nobody watches."""
        from polarpod.launch.plan import make_plan
        from polarpod.launch.planes.kubernetes.render.template import pod_of
        from polarpod.launch.run import Clock, RunOptions, prepare

        plan = make_plan("noop", {"by": "hand"}, specs=self.specs, plane_name="kind", plane=self.plane, state=self.state)
        return pod_of(*prepare(plan, self.plane, self.state, RunOptions(force=True), Clock()), self.plane)

    def raw(self, manifest: dict[str, Any]) -> tuple[float, str]:
        """Creates a pod and watches it to its end: seconds, and its log."""
        from polarpod.launch.planes.kubernetes.status import Status

        started = time.monotonic()
        created = self.cluster.create(manifest)
        name = created["metadata"]["name"]
        stream = self.cluster.watch(name, created["metadata"]["resourceVersion"])
        for line in stream:
            status = Status(pod=json.loads(line)["object"])
            if status.phase in ("Succeeded", "Failed"):
                break
        seconds = time.monotonic() - started
        stream.close()
        assert status.phase == "Succeeded", status
        log = "\n".join(text.decode() for text in self.cluster.log(name, "worker", since_seconds=None, tail_lines=None))
        self.cluster.delete(name, created["metadata"]["uid"], grace_seconds=0)
        return seconds, log


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.pods")
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory(prefix="polarpod-bench-") as folder:
        _set_up_airflow(Path(folder))
        started = time.monotonic()
        importlib.import_module("airflow.providers.cncf.kubernetes.operators.pod")
        importlib.import_module("polarpod.airflow.planes.kubernetes.launcher")
        print(f"loading the Kubernetes provider: {time.monotonic() - started:.2f} s, once a task process")
        pods = Pods(Path(folder))
        try:
            missed = [*_operators(pods, rounds), *_first_lines(pods, rounds)]
        finally:
            admin("delete", stdin=json.dumps(_config_map()))
    for bar in missed:
        print(f"MISSED: {bar}")
    return 1 if missed else 0


def _operators(pods: Pods, rounds: int) -> list[str]:
    from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
    from tests.airflow.tasks import a_dag

    from polarpod.airflow import run_job

    with a_dag("bench"):
        ours = run_job("noop", plane="kind", params={"by": "run_job"}, force=True)

    def stock(manifest: dict[str, Any]) -> Any:
        with a_dag("bench-stock"):
            return KubernetesPodOperator(
                task_id="stock",
                pod_template_dict=manifest,
                base_container_name="worker",
                random_name_suffix=False,
                config_file=pods.plane.kubeconfig,
                cluster_context=pods.plane.context,
                namespace=pods.plane.namespace,
            )

    found: dict[str, list[float]] = {"raw pod": [], "run_job": [], "stock operator": []}
    executed(ours)  # the first warms what the others find warm: connections, the node's page cache
    chance = random.Random(0)  # no secret
    for _ in range(rounds):
        ways = {
            "raw pod": lambda manifest: pods.raw(manifest)[0],
            "run_job": lambda _: executed(ours),
            "stock operator": lambda manifest: executed(stock(manifest)),
        }
        # The kubelet looks for ended containers once a second. Who starts right after another's end is in step with it,
        # and would seem up to a second faster than who does not.
        for name in chance.sample(sorted(ways), len(ways)):
            manifest = pods.manifest()
            time.sleep(chance.random())
            found[name].append(ways[name](manifest))
    base = median(found["raw pod"])
    for name, seconds in found.items():
        middle = median(seconds)
        print(f"{name:15} {middle:6.2f} s  {middle / base:5.2f} x  ({min(seconds):.2f} to {max(seconds):.2f})")
    missed = _over("run_job over a raw pod", median(found["run_job"]) / base, OPERATOR)
    requests = _requests(lambda: executed(ours))
    print(f"API requests of one run_job: {len(requests)} (bar {REQUESTS}): {', '.join(requests)}")
    return missed + ([f"{len(requests)} API requests, at most {REQUESTS}"] if len(requests) > REQUESTS else [])


def _first_lines(pods: Pods, rounds: int) -> list[str]:
    found: dict[str, list[float]] = {"bare": [], "job": []}
    for _ in range(rounds):
        manifest = pods.manifest()
        found["job"].append(_first_line(pods.raw(manifest)[1]))
        bare = pods.manifest()
        bare["spec"]["containers"][0]["command"] = ["python", "-c", BARE]
        found["bare"].append(_first_line(pods.raw(bare)[1]))
    value = median(found["job"]) / median(found["bare"])
    print(f"first line: import polars {median(found['bare']):.3f} s, a job {median(found['job']):.3f} s")
    return _over("container start to the first line of a job, over import polars", value, FIRST_LINE)


def _first_line(log: str) -> float:
    return float(log.partition("first line after ")[2].partition(" s")[0])


def executed(task: Any) -> float:
    """Seconds from a task's execute to its success."""
    from tests.airflow.tasks import run_task

    took: list[float] = []
    execute = type(task).execute

    def timed(self: Any, context: Any, **kwargs: Any) -> Any:
        started = time.monotonic()
        result = execute(self, context, **kwargs)
        took.append(time.monotonic() - started)
        return result

    type(task).execute = timed
    try:
        end = run_task(task)
    finally:
        type(task).execute = execute
    assert end.state == "success", end.text
    return took[0]


def _requests(run: Callable[[], object]) -> list[str]:
    """The API server's own account of what the launcher asked of it meanwhile."""
    account = "system:serviceaccount:polarpod:polarpod-launcher"
    before = len(_audited(account))
    run()
    time.sleep(2)  # the API server writes its log in batches; the bench may wait, nothing is timed here
    return _audited(account)[before:]


def _audited(account: str) -> list[str]:
    read = subprocess.run(["docker", "exec", "polarpod-control-plane", "cat", AUDIT], capture_output=True, check=True)
    entries = [json.loads(line) for line in read.stdout.splitlines()]
    # a watch and a followed log have two stages; their start is the request
    begun = [entry for entry in entries if entry["user"]["username"] == account and entry["stage"] == "RequestReceived"]
    return [" ".join([entry["verb"], *_resource(entry.get("objectRef", {}))]) for entry in begun]


def _resource(reference: dict[str, str]) -> list[str]:
    return [reference.get("resource", "no resource"), *([reference["subresource"]] if "subresource" in reference else [])]


def _over(what: str, value: float, bar: float) -> list[str]:
    print(f"{what}: {value:.2f} (bar {bar})")
    return [f"{what}: {value:.2f} over {bar}"] if value > bar else []


def admin(verb: str, *, stdin: str) -> None:
    """kubectl with the rights of whoever made the cluster."""
    command = ["kubectl", "--kubeconfig", HOME / "admin.kubeconfig", verb, "-f", "-"]
    subprocess.run(command, input=stdin, text=True, check=True, stdout=subprocess.DEVNULL)


def _config_map() -> dict[str, Any]:
    source = (ROOT / "bench/pod_jobs/noop.py").read_text()
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": NAME, "namespace": "polarpod"},
        "data": {"noop.py": source},
    }


def _template() -> dict[str, Any]:
    """The job's code comes by a volume: the image has the example's."""
    mount = {"name": "jobs", "mountPath": "/jobs/noop.py", "subPath": "noop.py"}
    worker = {"name": "worker", "volumeMounts": [mount]}
    return {"spec": {"containers": [worker], "volumes": [{"name": "jobs", "configMap": {"name": NAME}}]}}


def _planes(root: Path) -> str:
    import yaml

    plane = yaml.safe_load((ROOT / "dags/planes.yaml").read_text())["planes"]["kind"]
    plane |= {
        "image": os.environ.get("POLARPOD_JOB_IMAGE", "polarpod-job:dev"),
        "kubeconfig": str(HOME / "launcher.kubeconfig"),
        "credentials": str(HOME / "s3.env"),
        "python": str(ROOT / ".venv/dev/bin/python"),
        "jobs": str(ROOT / "bench/pod_jobs"),
        "template": str(root / "template.yaml"),
        "environment": {"POLARPOD_JOBS": "/jobs"},
        "variables": {"lake": "s3://polarpod/bench", "name": root.name},
    }
    return json.dumps({"planes": {"kind": plane}})


def _set_up_airflow(root: Path) -> None:
    """Said before Airflow is first imported, which is when it reads its configuration."""
    os.environ |= {
        "AIRFLOW_HOME": str(root / "airflow"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "ERROR",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        "POLARPOD_PLANES": str(root / "planes.yaml"),
        "POLARPOD_RELEASE": str(root / "release.json"),
    }


if __name__ == "__main__":
    sys.exit(main())
