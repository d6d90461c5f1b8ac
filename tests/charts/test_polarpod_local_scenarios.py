"""Whole local stacks: what is in them, who reaches whom, and where no secret is."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from typing import Any

import pytest
import yaml
from tests.charts.helm import documents_of, need, pod_specs, scenario_path, scenarios, template, the_only, values_of
from tests.charts.reach import OUTSIDE, Labels, reaches
from tests.launch.kubernetes.attempts import CONTEXT, data_of, plane
from tools.stack import release

from polarpod.launch.planes.kubernetes.render.template import pod_of

CHART = "polarpod-local"
SCENARIOS = scenarios(CHART)
DIGEST = re.compile(r".+@sha256:[0-9a-f]{64}")
AIRFLOW = {"api-server", "scheduler", "dag-processor", "triggerer", "migration"}
LAUNCHERS = {"StatefulSet/airflow-scheduler", "StatefulSet/airflow-triggerer"}
OF_THE_PLANE = {"CronJob/polarpod-gc", "Pod/polarpod-doctor-test", "Pod/polarpod-forbidden-test"}
# what is said aloud: a name to sign in with
NO_SECRETS = {"user"}


@pytest.fixture(params=[pytest.param(name, id=name) for name in SCENARIOS])
def scenario(request: pytest.FixtureRequest) -> str:
    need("helm")
    return str(request.param)


@pytest.fixture
def documents(scenario: str) -> list[dict[str, Any]]:
    return documents_of(CHART, scenario)


def test_there_is_a_scenario_for_every_way_to_install_it() -> None:
    assert set(SCENARIOS) >= {"default", "dev", "node-ports", "digests"}


def test_make_up_sets_what_the_node_ports_scenario_has(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(release, "pack", lambda: None)
    monkeypatch.setattr(release, "_volumes_belong_to_root", lambda: False)
    monkeypatch.setattr(release, "helm", lambda *words: said.extend(map(str, words)))
    release.install({})
    given = dict(word.split("=", 1) for flag, word in pairwise(said) if flag == "--set")
    # the ports of this machine may be others
    assert given.pop("airflow.baseUrl").startswith("http://127.0.0.1:")
    asked = values_of(CHART, "node-ports")
    assert given == {
        f"{place}.service.{key}": str(value) for place in ("airflow", "s3") for key, value in asked[place]["service"].items()
    }


def test_the_launchers_alone_have_a_token(documents: list[dict[str, Any]]) -> None:
    specs = pod_specs(documents)
    assert {name for name, spec in specs.items() if spec["automountServiceAccountToken"]} == LAUNCHERS | OF_THE_PLANE
    assert the_only(documents, "ServiceAccount", "polarpod-launcher")


def test_an_image_is_named_by_its_digest_where_one_is_given(documents: list[dict[str, Any]], scenario: str) -> None:
    asked = values_of(CHART, scenario)
    images = {
        container["image"]
        for spec in pod_specs(documents).values()
        for container in spec["containers"] + spec.get("initContainers", [])
    }
    assert len(images) == 4, "job, Airflow, PostgreSQL, S3"
    assert all(bool(DIGEST.fullmatch(image)) is ("image" in asked.get("s3", {})) for image in images)


def test_no_secret_is_in_anything_but_a_secret(documents: list[dict[str, Any]]) -> None:
    made = {
        f"{one['metadata']['name']}: {key}": value
        for one in documents
        if one["kind"] == "Secret"
        for key, value in one["stringData"].items()
        if key not in NO_SECRETS
    }
    assert len(made) >= 10
    others = [one for one in documents if one["kind"] != "Secret"]
    told = json.dumps(others)
    assert [what for what, value in made.items() if value in told] == []


def test_variables_that_hold_secrets_are_references(documents: list[dict[str, Any]]) -> None:
    found = [
        variable
        for spec in pod_specs(documents).values()
        for container in spec["containers"] + spec.get("initContainers", [])
        for variable in container.get("env", [])
        if re.search("KEY|SECRET|CONN$", variable["name"])
    ]
    assert len(found) > 20
    names = {one["metadata"]["name"]: one["stringData"] for one in documents if one["kind"] == "Secret"}
    for variable in found:
        reference = variable["valueFrom"]["secretKeyRef"]
        assert reference["key"] in names[reference["name"]], variable


def test_every_service_leads_to_a_port_of_its_pods(documents: list[dict[str, Any]]) -> None:
    pods = labelled(documents)
    specs = pod_specs(documents)
    services = [one for one in documents if one["kind"] == "Service"]
    assert len(services) == 5
    for service in services:
        behind = [name for name, labels in pods.items() if service["spec"]["selector"].items() <= labels.items()]
        assert len(behind) == 1, service["metadata"]["name"]
        [container] = specs[behind[0]]["containers"]
        assert {one["targetPort"] for one in service["spec"]["ports"]} <= {one["name"] for one in container["ports"]}


def test_no_pod_asks_for_an_account_that_nobody_makes(documents: list[dict[str, Any]]) -> None:
    accounts = {one["metadata"]["name"] for one in documents if one["kind"] == "ServiceAccount"}
    wanted = {spec["serviceAccountName"] for spec in pod_specs(documents).values() if "serviceAccountName" in spec}
    assert wanted <= accounts


def test_the_quota_counts_workers_and_none_of_airflows_pods(documents: list[dict[str, Any]]) -> None:
    assert the_only(documents, "ResourceQuota")["spec"]["scopes"] == ["Terminating"]
    worker = worker_pod()
    assert worker["spec"]["activeDeadlineSeconds"] > 0
    with_deadline = {name for name, spec in pod_specs(documents).items() if "activeDeadlineSeconds" in spec}
    assert {name[-5:] for name in with_deadline} == {"-test"}


def worker_pod() -> dict[str, Any]:
    return pod_of(CONTEXT, data_of(CONTEXT), plane())


def labelled(documents: list[dict[str, Any]]) -> dict[str, Labels]:
    """ "Kind/name" -> the labels of the pods it makes."""
    found = {}
    for one in documents:
        place = one
        if one["kind"] == "CronJob":
            place = one["spec"]["jobTemplate"]["spec"]["template"]
        elif one["kind"] in ("Job", "Deployment", "StatefulSet"):
            place = one["spec"]["template"]
        elif one["kind"] != "Pod":
            continue
        found[f"{one['kind']}/{one['metadata']['name']}"] = place["metadata"]["labels"]
    return found


class Town:
    """Everybody of a scenario: its pods, a worker, a stranger in the namespace, somebody outside."""

    def __init__(self, documents: list[dict[str, Any]]) -> None:
        self._policies = [one for one in documents if one["kind"] == "NetworkPolicy"]
        pods = labelled(documents)
        self.all: dict[str, Labels] = {
            **{name.split("/")[1].removeprefix("airflow-"): labels for name, labels in pods.items()},
            "worker": worker_pod()["metadata"]["labels"],
            "stranger": {"app": "stranger"},
            "outside": OUTSIDE,
        }
        self.all["migration"] = self.all.pop("migration-1")

    def callers(self, target: str, port: int) -> set[str]:
        """Who reaches that port."""
        return {name for name, labels in self.all.items() if reaches(self._policies, labels, self.all[target], port)} - {
            target
        }


@pytest.fixture
def town(documents: list[dict[str, Any]]) -> Town:
    return Town(documents)


def test_airflow_alone_reaches_the_database(town: Town) -> None:
    assert town.callers("postgres", 5432) == AIRFLOW


def test_whoever_works_with_the_lake_reaches_the_store(town: Town, scenario: str) -> None:
    # the test of egress is a worker to every policy; `forbidden` needs the API server alone, and may as well
    working = AIRFLOW | {"worker", "polarpod-gc", "polarpod-doctor-test", "polarpod-egress-test", "polarpod-forbidden-test"}
    open_to_all = values_of(CHART, scenario).get("s3", {}).get("service", {}).get("type") == "NodePort"
    assert town.callers("polarpod-s3", 7070) == working | ({"stranger", "outside"} if open_to_all else set())


def test_people_and_tasks_reach_the_api_server(town: Town) -> None:
    # what is a launcher's or a worker's cannot leave for it
    assert town.callers("api-server", 8080) == (AIRFLOW - {"api-server"}) | {"stranger", "outside"}


@pytest.mark.parametrize(
    ("target", "port"), [pytest.param("scheduler", 8793, id="scheduler"), pytest.param("triggerer", 8794, id="triggerer")]
)
def test_the_api_server_alone_reads_logs_of_running_tasks(town: Town, target: str, port: int) -> None:
    assert town.callers(target, port) == {"api-server"}


@pytest.mark.parametrize(
    ("target", "port"),
    [
        pytest.param("scheduler", 8080, id="another port of the scheduler"),
        pytest.param("dag-processor", 8080, id="the DAG processor"),
        pytest.param("migration", 8080, id="the migration"),
        pytest.param("polarpod-s3", 22, id="another port of the store"),
        pytest.param("postgres", 22, id="another port of the database"),
        pytest.param("worker", 8080, id="a worker"),
    ],
)
def test_nobody_reaches_anything_else(town: Town, target: str, port: int) -> None:
    assert town.callers(target, port) == set()


@pytest.mark.parametrize("source", [pytest.param(name, id=name) for name in ("postgres", "polarpod-s3", "worker")])
def test_what_holds_data_calls_nobody(town: Town, source: str) -> None:
    called = [target for target in town.all for port in (443, 8080, 5432) if source in town.callers(target, port)]
    assert called == []


def test_whoever_is_added_reaches_the_database(tmp_path: Any) -> None:
    need("helm")
    worker = {"podSelector": {"matchLabels": {"app.kubernetes.io/name": "polarpod-worker"}}}
    database = {"podSelector": {"matchLabels": {"app.kubernetes.io/component": "postgres"}}}
    values = {
        "networkPolicy": {"postgres": {"from": [worker]}},
        "polarpod": {"networkPolicy": {"extraEgress": [{"to": [database], "ports": [{"protocol": "TCP", "port": 5432}]}]}},
    }
    path = tmp_path / "values.yaml"
    path.write_text(yaml.safe_dump(values))
    documents = [one for one in yaml.safe_load_all(template(CHART, scenario_path(CHART, "default"), path)) if one]
    assert Town(documents).callers("postgres", 5432) == AIRFLOW | {"worker", "polarpod-egress-test"}
