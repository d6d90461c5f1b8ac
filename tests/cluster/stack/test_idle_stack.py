"""What the stack is while it does nothing."""

from __future__ import annotations

import json

from kubernetes.client.exceptions import ApiException
from tests.cluster.stack.local_stack import Stack
from tools.cluster.command import kubectl
from tools.cluster.names import NODE
from tools.stack.names import NAMESPACE

_MOST_BYTES = 4 * 1024**3
# what the API server and the kubelet add to a pod
_ADDED = ("name", "generateName", "namespace", "labels", "annotations")


def test_every_pod_meets_the_restricted_standard(stack: Stack) -> None:
    enforced = stack.api.read_namespace(NAMESPACE).metadata.labels
    assert enforced["pod-security.kubernetes.io/enforce"] == "restricted"
    assert enforced["pod-security.kubernetes.io/enforce-version"] == "latest"
    # a label does nothing to pods that are there: each is held against it once more
    refused = []
    pods = stack.pods()
    assert len(pods) > 5
    for pod in pods:
        metadata = {key: value for key, value in pod["metadata"].items() if key in _ADDED}
        copy = {"metadata": metadata | {"name": "as-that-one"}, "spec": pod["spec"]}
        try:
            stack.api.create_namespaced_pod(NAMESPACE, copy, dry_run="All")
        except ApiException as error:
            refused.append(f"{pod['metadata']['name']}: {json.loads(error.body)['message']}")
    assert refused == []


def test_no_pod_of_it_was_ever_refused() -> None:
    events = json.loads(kubectl("get", "events", "-n", NAMESPACE, "--field-selector=reason=FailedCreate", "-o", "json"))
    assert [event["message"] for event in events["items"]] == []


def test_it_takes_less_than_four_gibibytes(stack: Stack) -> None:
    stats = json.loads(kubectl("get", "--raw", f"/api/v1/nodes/{NODE}/proxy/stats/summary"))
    mine = [pod for pod in stats["pods"] if pod["podRef"]["namespace"] == NAMESPACE]
    used = {pod["podRef"]["name"]: pod["memory"]["workingSetBytes"] for pod in mine if "memory" in pod}
    assert len(used) > 5
    assert sum(used.values()) < _MOST_BYTES, used
