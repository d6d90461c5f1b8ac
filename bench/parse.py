"""How long Airflow's DAG processor parses 300 tasks of `run_job`, over 300 stock KubernetesPodOperators.

Runs in Airflow's environment, without a cluster. Each round parses either file in a process of its own, as the DAG processor
does, with what the file imports. That is the figure that counts: the stock operator's provider takes seconds to import,
`run_job` loads it when a task first needs a pod. What the tasks alone take is printed beside it.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import sys
import tempfile
from pathlib import Path
from statistics import median

from bench.measure import Command, interleaved

ROOT = Path(__file__).parents[1]
TASKS, BAR = 300, 1.3

OURS = f"""
from airflow.sdk import DAG
from polarpod.airflow import run_job
from time import perf_counter
began = perf_counter()
with DAG("ours", schedule=None):
    for number in range({TASKS}):
        run_job(f"job_{{number}}", plane="pods", params={{"ds": "{{{{ ds }}}}"}}, task_id=f"task_{{number}}")
print(f"tasks {{perf_counter() - began:.4f}}")
"""
STOCK = f"""
from airflow.sdk import DAG
from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from time import perf_counter
began = perf_counter()
with DAG("stock", schedule=None):
    for number in range({TASKS}):
        KubernetesPodOperator(
            task_id=f"task_{{number}}", name=f"task-{{number}}", namespace="etl", image="example.org/jobs:1",
            cmds=["python", "-m", "job"], arguments=["{{{{ ds }}}}"], labels={{"team": "data"}}, env_vars={{"TZ": "UTC"}},
        )
print(f"tasks {{perf_counter() - began:.4f}}")
"""
PLANES = """
planes:
  pods: {kind: kubernetes, namespace: etl, image: "example.org/jobs:1", state: "s3://example/state",
         variables: {lake: "s3://example/lake"}}
  laptop: {kind: process, state: ./state, variables: {lake: ./lake}}
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder:
        dags = Path(folder)
        (dags / "planes.yaml").write_text(PLANES)
        (dags / "release.json").write_text(json.dumps(release()))
        commands = []
        for name, source in {"run_job": OURS, "stock": STOCK}.items():
            (dags / f"{name}.py").write_text(source)
            env = {"AIRFLOW_HOME": f"{dags}/home", "AIRFLOW__CORE__LOAD_EXAMPLES": "False"}
            commands.append(Command(name=name, argv=[sys.executable, str(dags / f"{name}.py")], env=env))
        interleaved(commands, repeats=1)  # Airflow writes its configuration, Python its byte code
        found = interleaved(commands, repeats=rounds)
    failed = [one.output for several in found.values() for one in several if one.exit_status]
    if failed:
        print(failed[0])
        return 1
    wall = {name: median(one.wall_seconds for one in several) for name, several in found.items()}
    own = {name: median(float(one.output.rpartition("tasks ")[2]) for one in several) for name, several in found.items()}
    for name, seconds in wall.items():
        print(f"{name}: {TASKS} tasks parsed in {seconds:.2f} s, without the imports {own[name] * 1000:.0f} ms")
    ratio = wall["run_job"] / wall["stock"]
    print(f"parse of {TASKS} tasks: {ratio:.2f} of the stock operator's (bar {BAR}), median of {rounds} rounds")
    return int(ratio > BAR)


def release() -> dict[str, object]:
    """A release document of as many jobs: each with an input, an output and a parameter, as `polarpod release` writes it."""
    import msgspec

    from polarpod.contract.dataset import Delta
    from polarpod.contract.job import JobSpec
    from polarpod.contract.param import Param
    from polarpod.contract.release import Release

    jobs = {}
    for number in range(TASKS):
        name = f"job_{number}"
        jobs[name] = JobSpec(
            name=name,
            module="jobs",
            function=name,
            inputs={"rows": Delta("{lake}/in/rows", where={"ds": "{ds}"})},
            output=Delta("{lake}/out/" + name, replace={"ds": "{ds}"}),
            params={"ds": Param(type="date")},
        )
    made = Release(jobs=jobs, code_version="0" * 32, created_at=dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
    document: dict[str, object] = msgspec.to_builtins(made)
    return document


if __name__ == "__main__":
    sys.exit(main())
