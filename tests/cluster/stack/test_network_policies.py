"""What workers may reach, on this cluster's own network. Many accept NetworkPolicies and enforce none: then this says so."""

from __future__ import annotations

import json

import pytest
import yaml
from tests.cluster.stack.local_stack import Stack, until
from tools.cluster.command import kubectl
from tools.stack.names import NAMESPACE
from tools.stack.release import helm

_NAME = "polarpod-egress-by-hand"


def test_a_worker_reaches_nothing_but_what_is_listed(stack: Stack) -> None:
    """The pod of `helm test` that stands for a worker, told to fail where anything is open."""
    rendered = helm("get", "hooks", "polarpod-local")
    (pod,) = [one for one in yaml.safe_load_all(rendered) if one and one["metadata"]["name"] == "polarpod-egress-test"]
    # a pod of ours: Helm's own is gone when it succeeds, and its log with it
    pod["metadata"] |= {"name": _NAME, "annotations": {}}
    kubectl("delete", "pod", _NAME, "-n", NAMESPACE, "--ignore-not-found")
    kubectl("create", "-f", "-", given=json.dumps(pod))
    try:
        ended = ("Succeeded", "Failed")
        until(lambda: _phase(stack) in ended, "the pod that tries to connect had ended")
        told = kubectl("logs", _NAME, "-n", NAMESPACE)
        if "does not enforce NetworkPolicies" in told:
            pytest.skip("this cluster's network accepts NetworkPolicies and does not enforce them")
        assert _phase(stack) == "Succeeded", told
        assert "ok: a worker does not reach" in told
    finally:
        kubectl("delete", "pod", _NAME, "-n", NAMESPACE, "--ignore-not-found")


def _phase(stack: Stack) -> str:
    (pod,) = [one for one in stack.pods() if one["metadata"]["name"] == _NAME]
    return str(pod["status"]["phase"])
