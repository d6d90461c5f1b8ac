"""`skaffold dev` beside the stack of `make up`: refused in words, and nothing of that stack is touched."""

from __future__ import annotations

import json
import os
import shutil
import subprocess

import pytest
from tests.cluster.stack.local_stack import Stack, required
from tools.cluster.command import kubectl
from tools.cluster.names import ADMIN, ROOT
from tools.stack.names import DEV_NAMESPACE, DEV_RELEASE, NAMESPACE, RELEASE
from tools.stack.release import helm

# builds of four images that are in Docker already; minutes on a busy machine
_SECONDS = 900


def _uids() -> dict[str, str]:
    """What `skaffold dev` must leave alone: everything of the release, by its identity."""
    listed = json.loads(kubectl("get", "pods,statefulsets,deployments,secrets,services,pvc", "-n", NAMESPACE, "-o", "json"))
    return {
        f"{one['kind']}/{one['metadata']['name']}": one["metadata"]["uid"]
        for one in listed["items"]
        # the pods of jobs come and go
        if one["metadata"].get("labels", {}).get("app.kubernetes.io/managed-by") != "polarpod"
    }


def test_skaffold_dev_is_refused_beside_the_stack_of_make_up_and_leaves_it_alone(stack: Stack) -> None:
    if not shutil.which("skaffold"):
        assert not required(), "there is no skaffold on $PATH"
        pytest.skip("there is no skaffold on $PATH")
    before, revision = _uids(), helm("history", RELEASE, "-o", "json")
    environment = {**os.environ, "KUBECONFIG": str(ADMIN), "SKAFFOLD_INTERACTIVE": "false"}
    ran = subprocess.run(
        ["skaffold", "dev", "--tail=false", "--cleanup=true"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    assert ran.returncode != 0
    assert "another local stack is installed: the Helm release polarpod-local" in ran.stdout
    assert "-m tools.stack down" in ran.stdout
    assert "Tags used in deployment" not in ran.stdout, "it is refused before the deploy phase"
    assert _uids() == before
    assert helm("history", RELEASE, "-o", "json") == revision
    assert stack.rest.healthy()
    assert DEV_RELEASE not in helm("list", "--all-namespaces")
    assert not kubectl("get", "namespace", DEV_NAMESPACE, "--ignore-not-found")
