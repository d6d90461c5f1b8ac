"""The charts as a real API server takes them: admission, defaults and expressions that no schema knows."""

from __future__ import annotations

import copy
import json
import secrets
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
import yaml
from tests.charts.helm import documents_of, every_scenario, need, scenario_path, template, the_only
from tests.launch.kubernetes.attempts import CONTEXT, data_of
from tools.cluster import names

from polarpod.contract import labels
from polarpod.launch.planes.kubernetes.config import KubernetesPlane
from polarpod.launch.planes.kubernetes.render.template import pod_of
from polarpod.launch.planes_file import load_planes

# their definitions are not in this cluster
CUSTOM = ("LocalQueue", "ExternalSecret")
REGISTRY = "111122223333.dkr.ecr.eu-west-2.amazonaws.com"
OTHER = f"registry.example.org/other@sha256:{'a' * 64}"
# a policy is read by the API server a moment after it is made
PATIENCE_SECONDS = 30.0


class Said(NamedTuple):
    """What kubectl said."""

    code: int
    text: str


def kubectl(*arguments: str, given: object = None, user: str | None = None) -> Said:
    command = ["kubectl", "--kubeconfig", str(names.ADMIN), *([f"--as={user}"] if user else []), *arguments]
    text = given if isinstance(given, str) else json.dumps(given)
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    return Said(done.returncode, done.stdout + done.stderr)


@contextmanager
def restricted() -> Iterator[str]:
    """A namespace that Pod Security restricts, as the chart wants it."""
    need("helm", "kubectl")
    name = f"charts-{secrets.token_hex(4)}"
    # warn: of what makes pods, where nothing but the pods themselves would be refused
    security = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "warn")}
    metadata = {"name": name, "labels": security | {"polarpod.dev/test": "charts"}}
    made = kubectl("create", "-f", "-", given={"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
    assert made.code == 0, made.text
    try:
        yield name
    finally:
        kubectl("delete", "namespace", name, "--wait=false")


@pytest.fixture(scope="module")
def namespace() -> Iterator[str]:
    with restricted() as name:
        yield name


@pytest.mark.parametrize(
    ("chart", "scenario"), [pytest.param(chart, name, id=f"{chart} {name}") for chart, name in every_scenario()]
)
def test_the_api_server_takes_every_scenario(namespace: str, chart: str, scenario: str) -> None:
    rendered = template(chart, scenario_path(chart, scenario), namespace=namespace)
    documents = [one for one in yaml.safe_load_all(rendered) if one and one["kind"] not in (*CUSTOM, "Namespace")]
    for service in [one for one in documents if one["kind"] == "Service"]:
        for port in service["spec"]["ports"]:
            # that of a stack which runs in this cluster, perhaps
            port.pop("nodePort", None)
    # a pod is refused whose account is not there, and a dry run leaves none behind
    accounts = [one for one in documents if one["kind"] == "ServiceAccount"]
    made = kubectl("apply", "-f", "-", given={"apiVersion": "v1", "kind": "List", "items": accounts})
    assert made.code == 0, made.text
    said = kubectl("apply", "--dry-run=server", "-f", "-", given={"apiVersion": "v1", "kind": "List", "items": documents})
    assert said.code == 0, said.text
    assert "Warning" not in said.text, said.text


def test_a_pod_that_is_not_restricted_would_be_warned_of(namespace: str) -> None:
    rendered = template("polarpod-local", scenario_path("polarpod-local", "default"), namespace=namespace)
    deployment = the_only([one for one in yaml.safe_load_all(rendered) if one], "Deployment", "polarpod-s3")
    deployment["spec"]["template"]["spec"]["hostNetwork"] = True
    assert "would violate PodSecurity" in kubectl("create", "--dry-run=server", "-f", "-", given=deployment).text


def test_the_local_stacks_quota_refuses_workers_and_never_airflow(namespace: str) -> None:
    rendered = template("polarpod-local", scenario_path("polarpod-local", "default"), namespace=namespace)
    documents = [one for one in yaml.safe_load_all(rendered) if one]
    quota = the_only(documents, "ResourceQuota")
    quota["spec"]["hard"]["pods"] = "0"
    made = the_only(documents, "Deployment", "airflow-api-server")["spec"]["template"]
    airflow = {"apiVersion": "v1", "kind": "Pod", "spec": made["spec"]}
    airflow["metadata"] = {"name": "airflow", "namespace": namespace, "labels": made["metadata"]["labels"]}
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "worker", "namespace": namespace}}
    for one in (quota, account):
        assert kubectl("apply", "-f", "-", given=one).code == 0

    def tried(pod: dict[str, Any]) -> Said:
        return kubectl("create", "--dry-run=server", "-f", "-", given=pod)

    one_worker = worker(namespace)
    one_worker["spec"]["serviceAccountName"] = "worker"
    limit = time.monotonic() + PATIENCE_SECONDS
    while "exceeded quota: polarpod-workers" not in (said := tried(one_worker).text):
        assert time.monotonic() < limit, said
        time.sleep(0.5)
    said_of_airflow = tried(airflow)
    assert said_of_airflow.code == 0, said_of_airflow.text
    kubectl("delete", "resourcequota", "polarpod-workers", "-n", namespace)


@pytest.fixture(scope="module")
def policed() -> Iterator[str]:
    """A namespace with the chart in it, the admission policy as well, once it is enforced."""
    with restricted() as name:
        rendered = template("polarpod", scenario_path("polarpod", "eks-pod-identity"), namespace=name)
        documents = [one for one in yaml.safe_load_all(rendered) if one and one["kind"] not in ("Pod", "CronJob")]
        everything = {"apiVersion": "v1", "kind": "List", "items": documents}
        made = kubectl("apply", "-f", "-", given=everything)
        assert made.code == 0, made.text
        try:
            limit = time.monotonic() + PATIENCE_SECONDS
            while "denied request" not in create(name, lambda pod: pod["spec"].pop("activeDeadlineSeconds")).text:
                assert time.monotonic() < limit, "the policy is not enforced"
                time.sleep(0.5)
            yield name
        finally:
            # the policy and its binding are the whole cluster's
            kubectl("delete", "-f", "-", "--wait=false", given=everything)


def worker(namespace: str) -> dict[str, Any]:
    """A real worker's pod, as the chart's own plane makes it."""
    data = the_only(documents_of("polarpod", "eks-pod-identity"), "ConfigMap", "polarpod-plane")["data"]
    with tempfile.TemporaryDirectory() as made:
        for name, text in data.items():
            (Path(made) / name).write_text(text)
        (plane,) = load_planes(Path(made) / "planes.yaml", {}).values()
        assert isinstance(plane, KubernetesPlane)
        pod = pod_of(CONTEXT, data_of(CONTEXT), msgspec.structs.replace(plane, namespace=namespace))
    return copy.deepcopy(pod)


def create(namespace: str, change: Callable[[dict[str, Any]], object], *, user: str | None = None) -> Said:
    pod = worker(namespace)
    change(pod)
    return kubectl("create", "--dry-run=server", "-f", "-", given=pod, user=user)


def launcher(namespace: str) -> str:
    return f"system:serviceaccount:{namespace}:polarpod-launcher"


def container(pod: dict[str, Any]) -> dict[str, Any]:
    return pod["spec"]["containers"][0]


def volume(kind: str, value: Any) -> Callable[[dict[str, Any]], object]:
    return lambda pod: pod["spec"]["volumes"].append({"name": "more", kind: value})


def token(**options: str) -> Callable[[dict[str, Any]], object]:
    return volume("projected", {"sources": [{"serviceAccountToken": {"path": "token", **options}}]})


def variable(source: str) -> Callable[[dict[str, Any]], object]:
    reference = {"name": "any", "key": "any"}
    return lambda pod: container(pod)["env"].append({"name": "ANY", "valueFrom": {source: reference}})


def test_the_policy_takes_a_worker_from_whoever_may_launch(policed: str) -> None:
    said = create(policed, lambda pod: None, user=launcher(policed))
    assert said.code == 0, said.text


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(token(audience="sts.amazonaws.com"), id="what IRSA injects"),
        pytest.param(token(audience="pods.eks.amazonaws.com"), id="what Pod Identity injects"),
        pytest.param(volume("secret", {"secretName": "company-ca"}), id="a Secret that is listed"),
        pytest.param(volume("projected", {"sources": [{"configMap": {"name": "any"}}]}), id="what is no Secret"),
        pytest.param(variable("configMapKeyRef"), id="a variable that is no Secret"),
        pytest.param(
            lambda pod: container(pod)["resources"]["requests"].update(memory="4Gi"), id="the same amount, otherwise written"
        ),
        pytest.param(lambda pod: pod["spec"].update(serviceAccountName="polarpod-worker"), id="the account of other jobs"),
        pytest.param(
            lambda pod: pod["spec"].update(
                initContainers=[
                    {**copy.deepcopy(container(pod)), "name": "first", "image": f"{REGISTRY}/x@sha256:{'b' * 64}"}
                ]
            ),
            id="a first container of the same registry",
        ),
    ],
)
def test_the_policy_takes_what_a_cluster_may_add(policed: str, change: Callable[[dict[str, Any]], object]) -> None:
    said = create(policed, change, user=launcher(policed))
    assert said.code == 0, said.text


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param(lambda pod: container(pod).update(image=f"{REGISTRY}/jobs:1"), "named by its digest", id="a tag"),
        pytest.param(lambda pod: container(pod).update(image=OTHER), f"images must come from {REGISTRY}/", id="a registry"),
        pytest.param(
            lambda pod: pod["spec"].update(
                initContainers=[{**copy.deepcopy(container(pod)), "name": "first", "image": OTHER}]
            ),
            "images must come from",
            id="a first container",
        ),
        pytest.param(
            lambda pod: pod["spec"].update(serviceAccountName="polarpod-launcher"),
            "spec.serviceAccountName must be one of made-by-terraform, polarpod-airport-delays, polarpod-worker",
            id="the launcher's account",
        ),
        pytest.param(lambda pod: pod["spec"].update(automountServiceAccountToken=True), "must be false", id="a token"),
        pytest.param(token(), "must be for sts.amazonaws.com or pods.eks", id="a token by another door"),
        pytest.param(
            token(audience="https://kubernetes.default.svc"), "and never for the API server", id="a token for the API server"
        ),
        pytest.param(variable("secretKeyRef"), "a worker's Secrets are company-ca", id="a Secret as a variable"),
        pytest.param(
            lambda pod: container(pod).update(envFrom=[{"secretRef": {"name": "any"}}]),
            "a worker's Secrets are company-ca",
            id="a Secret as variables",
        ),
        pytest.param(volume("secret", {"secretName": "any"}), "a worker's Secrets are company-ca", id="a Secret as files"),
        pytest.param(
            volume("projected", {"sources": [{"secret": {"name": "any"}}]}),
            "a worker's Secrets are company-ca",
            id="a Secret among other files",
        ),
        pytest.param(
            lambda pod: pod["spec"].update(
                initContainers=[
                    {**copy.deepcopy(container(pod)), "name": "first", "envFrom": [{"secretRef": {"name": "any"}}]}
                ]
            ),
            "a worker's Secrets are company-ca",
            id="a Secret of a first container",
        ),
        pytest.param(lambda pod: pod["spec"].pop("activeDeadlineSeconds"), "activeDeadlineSeconds must be set", id="no end"),
        pytest.param(
            lambda pod: container(pod)["resources"]["requests"].update(memory="1Gi"),
            "every container's memory request must be its limit",
            id="more memory than it asked for",
        ),
        pytest.param(lambda pod: pod["metadata"]["labels"].pop(labels.JOB), "wears polarpod's labels", id="a label less"),
        pytest.param(lambda pod: pod["metadata"].pop("labels"), "wears polarpod's labels", id="no labels"),
    ],
)
def test_the_policy_refuses_what_is_no_worker(policed: str, change: Callable[[dict[str, Any]], object], words: str) -> None:
    said = create(policed, change, user=launcher(policed))
    assert said.code != 0
    assert f"ValidatingAdmissionPolicy '{policed}.polarpod'" in said.text
    assert words in said.text


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(volume("hostPath", {"path": "/"}), id="the node's files"),
        pytest.param(lambda pod: pod["spec"].update(hostNetwork=True), id="the node's network"),
    ],
)
def test_pod_security_refuses_the_node_before_the_policy_is_asked(
    policed: str, change: Callable[[dict[str, Any]], object]
) -> None:
    said = create(policed, change, user=launcher(policed))
    assert said.code != 0
    assert "violates PodSecurity" in said.text


def test_what_looks_like_a_worker_is_held_to_it_whoever_made_it(policed: str) -> None:
    assert "denied request" in create(policed, lambda pod: container(pod).update(image=OTHER)).text


def test_what_is_no_worker_is_an_administrators_own_business(policed: str) -> None:
    def someone_elses(pod: dict[str, Any]) -> None:
        pod["metadata"]["labels"] = {"app.kubernetes.io/name": "debugging"}
        container(pod)["image"] = OTHER

    assert create(policed, someone_elses).code == 0


def test_the_pods_of_helm_test_are_taken_where_the_policy_holds(policed: str) -> None:
    rendered = template("polarpod", scenario_path("polarpod", "eks-pod-identity"), namespace=policed)
    pods = [one for one in yaml.safe_load_all(rendered) if one and one["kind"] == "Pod"]
    assert len(pods) == 3
    said = kubectl("create", "--dry-run=server", "-f", "-", given={"apiVersion": "v1", "kind": "List", "items": pods})
    assert said.code == 0, said.text


@pytest.mark.parametrize(
    ("asked", "place", "answer"),
    [
        pytest.param(("create", "pods"), None, "yes", id="its own pods"),
        pytest.param(("create", "pods", "--subresource=exec"), None, "no", id="a shell in them"),
        pytest.param(("get", "pods", "--subresource=exec"), None, "no", id="a shell by another verb"),
        pytest.param(("deletecollection", "pods"), None, "no", id="all of them at once"),
        pytest.param(("get", "secrets"), None, "no", id="a Secret"),
        pytest.param(("create", "pods"), "default", "no", id="pods elsewhere"),
        pytest.param(("list", "pods"), "default", "no", id="a look elsewhere"),
    ],
)
def test_the_launcher_may_make_pods_and_nothing_more(
    policed: str, asked: tuple[str, ...], place: str | None, answer: str
) -> None:
    said = kubectl("auth", "can-i", *asked, "--namespace", place or policed, user=launcher(policed))
    assert said.text.strip() == answer
