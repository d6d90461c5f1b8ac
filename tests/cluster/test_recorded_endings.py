"""Every way a pod ends or does not start, provoked on a real cluster, and what `diagnose` makes of the API server's words.

POLARPOD_RECORD=1 rewrites the fixtures in tests/fixtures/pods, which the pure tests read where there is no cluster.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import pytest
from kubernetes import client
from tests.cluster.endings import (
    LABEL,
    ORDERLY,
    SLEEP,
    STUBBORN,
    Scene,
    cluster,
    judged,
    limited,
    namespace_of,
    python,
    started,
)
from tools.cluster.names import JOB_IMAGE, NODE

from polarpod.contract.verdict import Category
from polarpod.launch.planes.kubernetes.status import Status
from polarpod.launch.planes.kubernetes.verdicts.start_timeout import patience

pytestmark = pytest.mark.timeout(180)
# an image registry that says the same to everybody; a port of the node's for each process of the suite
REGISTRY_PORT = 5990 + int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
REGISTRY = f"""
from http.server import BaseHTTPRequestHandler, HTTPServer
class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        code = int(self.path.split('/')[2].removeprefix('answers-'))
        self.send_response(code)
        self.end_headers()
    do_HEAD = do_GET
HTTPServer(('127.0.0.1', {REGISTRY_PORT}), Handler).serve_forever()
"""


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    with namespace_of(cluster()) as scene:
        yield scene


def over(status: Status) -> bool:
    return status.over


def waiting_for(*reasons: str) -> Callable[[Status], bool]:
    return lambda status: any(
        ((one.get("state") or {}).get("waiting") or {}).get("reason") in reasons for one in [status.worker, *status.init]
    )


def unscheduled(status: Status) -> bool:
    return status.conditions.get("PodScheduled", {}).get("status") == "False"


def gone(status: Status) -> bool:
    return status.gone


class End(NamedTuple):
    """A case that a pod spec alone provokes."""

    fixture: str
    category: Category
    says: str
    spec: dict[str, Any]
    until: Callable[[Status], bool] = over
    event: str = ""


def with_volume(volume: dict[str, Any], script: str) -> dict[str, Any]:
    spec = python(script, volumeMounts=[{"name": "v", "mountPath": "/v"}])
    return {**spec, "volumes": [{"name": "v", **volume}]}


def variable(source: dict[str, Any]) -> dict[str, Any]:
    return python("", env=[{"name": "KEY", "valueFrom": source}])


def with_init(**container: Any) -> dict[str, Any]:
    first = {"name": "fetch-certificates", "image": JOB_IMAGE, "imagePullPolicy": "IfNotPresent", **container}
    return {**python(""), "initContainers": [first]}


# The runtime hears of the kill and of the end by two ways. The kill has to come first, or it is told as an ordinary end: the
# worker's own supervisor, which looks at its cgroup, is not misled by that.
CHILD = (
    "pid = os.fork()\nif not pid:\n    bytearray(300 << 20); os._exit(0)\n"
    "os.waitpid(pid, 0)\ntime.sleep(2)\nos._exit({code})"
)
FILL = "with open('{path}', 'wb') as file:\n    file.write(bytes(60 << 20))\n" + STUBBORN
HOG = "block = bytearray(300 << 20)"

ENDS = [
    End("exit_0", Category.RECEIPT_MISSING, "ended well but left no receipt", python("")),
    End("exit_1", Category.WORKER_LOST, "exit code 1", python("raise SystemExit(1)")),
    End("exit_24", Category.CHECKS_FAILED, "exit code 24 (checks_failed)", python("raise SystemExit(24)")),
    End("oom_killed", Category.OUT_OF_MEMORY, "more than its 100 MiB of memory", limited(HOG, memory="100Mi")),
    # under cgroup v1 the kernel kills one process; under v2 all of them, and the exit code is 137
    End("oom_killed_child", Category.OUT_OF_MEMORY, "100 MiB", limited(CHILD.format(code=11), memory="100Mi")),
    End("oom_killed_child_unnoticed", Category.OUT_OF_MEMORY, "100 MiB", limited(CHILD.format(code=0), memory="100Mi")),
    End("deadline", Category.DEADLINE_EXCEEDED, "before its deadline", {**python(STUBBORN), "activeDeadlineSeconds": 4}),
    End(
        "deadline_before_start",
        Category.NOT_STARTED,
        "before its worker started",
        {**python("", image="localhost:1/none:1"), "activeDeadlineSeconds": 3},
        event="DeadlineExceeded",
    ),
    End(
        "evicted_spill",
        Category.DISK_FULL,
        "wrote more to disk",
        with_volume({"emptyDir": {"sizeLimit": "10Mi"}}, FILL.format(path="/v/spill")),
    ),
    End(
        "evicted_ephemeral_storage",
        Category.DISK_FULL,
        "wrote more to disk",
        limited(FILL.format(path="/tmp/spill"), **{"ephemeral-storage": "20Mi"}),
    ),
    End(
        "node_did_not_admit",
        Category.UNSCHEDULABLE,
        "did not take the pod after all (OutOfmemory)",
        {**limited("", memory="900Gi"), "nodeName": NODE},
    ),
    End(
        "image_pull_connection_refused",
        Category.IMAGE_PULL_FAILED,
        "could not be pulled",
        python("", image="localhost:1/none:1"),
        waiting_for("ImagePullBackOff"),
    ),
    End(
        "image_never_pulled",
        Category.IMAGE_UNUSABLE,
        "may not be pulled",
        python("", image="none:1", imagePullPolicy="Never"),
        waiting_for("ErrImageNeverPull"),
    ),
    End(
        "image_name_invalid",
        Category.IMAGE_UNUSABLE,
        "is not the name of an image",
        python("", image="NONE:::1"),
        waiting_for("InvalidImageName"),
    ),
    End(
        "image_runs_as_root",
        Category.IMAGE_UNUSABLE,
        "runs as root",
        python("", securityContext={"runAsNonRoot": True, "runAsUser": 0}),
        waiting_for("CreateContainerConfigError"),
    ),
    End(
        "no_such_command", Category.IMAGE_UNUSABLE, "not have the worker's command", python("", command=["no-such-command"])
    ),
    End(
        "no_memory_to_start",
        Category.OUT_OF_MEMORY,
        "even to start a process",
        limited("", memory="1Mi"),
        waiting_for("ContainerCreating"),
        event="FailedCreatePodSandBox",
    ),
    End(
        "secret_missing",
        Category.CONFIGURATION_MISSING,
        "secret lake-credentials does not exist",
        variable({"secretKeyRef": {"name": "lake-credentials", "key": "secret"}}),
        waiting_for("CreateContainerConfigError"),
    ),
    End(
        "config_map_missing",
        Category.CONFIGURATION_MISSING,
        "configmap settings does not exist",
        variable({"configMapKeyRef": {"name": "settings", "key": "region"}}),
        waiting_for("CreateContainerConfigError"),
    ),
    End(
        "config_map_key_missing",
        Category.CONFIGURATION_MISSING,
        "configmap kube-root-ca.crt has no key region",
        variable({"configMapKeyRef": {"name": "kube-root-ca.crt", "key": "region"}}),
        waiting_for("CreateContainerConfigError"),
    ),
    End(
        "mount_failed",
        Category.CONFIGURATION_MISSING,
        "secret lake-credentials does not exist",
        with_volume({"secret": {"secretName": "lake-credentials"}}, ""),
        waiting_for("ContainerCreating"),
        event="FailedMount",
    ),
    End(
        "mount_failed_for_a_key",
        Category.CONFIGURATION_MISSING,
        "has no key region",
        with_volume({"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "region", "path": "r"}]}}, ""),
        waiting_for("ContainerCreating"),
        event="FailedMount",
    ),
    End(
        "claim_missing",
        Category.CONFIGURATION_MISSING,
        "persistent volume claim cache does not exist",
        with_volume({"persistentVolumeClaim": {"claimName": "cache"}}, ""),
        unscheduled,
    ),
    End(
        "init_failed",
        Category.NOT_STARTED,
        "init container fetch-certificates failed",
        with_init(command=["python", "-c", "open('/dev/termination-log', 'w').write('no route to vault'); exit(3)"]),
        lambda status: status.phase == "Failed",
    ),
    End(
        "init_image_never_pulled",
        Category.IMAGE_UNUSABLE,
        "image none:1 is not on the node",
        with_init(image="none:1", imagePullPolicy="Never"),
        waiting_for("ErrImageNeverPull"),
    ),
    End(
        "too_big_for_every_node",
        Category.RESOURCES_IMPOSSIBLE,
        "this much memory",
        limited("", memory="900Gi"),
        unscheduled,
    ),
    End(
        "no_node_selected",
        Category.UNSCHEDULABLE,
        "no node can take the pod",
        {**python(""), "nodeSelector": {"disk": "none"}},
        unscheduled,
    ),
    End(
        "scheduling_gated",
        Category.UNSCHEDULABLE,
        "waits in its queue",
        {**python(""), "schedulingGates": [{"name": "kueue.x-k8s.io/admission"}]},
        unscheduled,
    ),
]


@pytest.mark.parametrize("end", [pytest.param(end, id=end.fixture) for end in ENDS])
def test_a_pod_that_ends_by_itself_is_told_as(end: End, scene: Scene) -> None:
    name = end.fixture.replace("_", "-")
    assert scene.create(name, end.spec) is None
    status = scene.wait(name, end.until)
    if end.event:
        status = scene.with_events(name, status, end.event)
    verdict = judged(end.fixture, status, scene)
    assert (verdict.category, end.says in verdict.summary) == (end.category, True), verdict.text()
    scene.delete(name, grace_period_seconds=0)


def test_a_worker_that_runs_is_no_success_yet(scene: Scene) -> None:
    scene.create("running", python(SLEEP))
    status = scene.wait("running", started)
    assert judged("running", status, scene).category is Category.WORKER_LOST
    assert patience(status, start_timeout_seconds=1) is None


@pytest.mark.parametrize(
    ("fixture", "script", "says"),
    [
        pytest.param("deleted_sigterm", ORDERLY, "exit code 143 (SIGTERM)", id="SIGTERM, and it went"),
        pytest.param("deleted_sigkill", STUBBORN, "exit code 137 (SIGKILL)", id="SIGKILL after its grace"),
    ],
)
def test_a_worker_whose_pod_is_deleted_from_outside_is_lost(fixture: str, script: str, says: str, scene: Scene) -> None:
    name = fixture.replace("_", "-")
    scene.create(name, python(script))
    before = scene.wait(name, started)
    scene.delete(name)
    verdict = judged(fixture, scene.wait(name, gone, since=before), scene)
    assert verdict.category is Category.WORKER_LOST, verdict.text()
    assert verdict.summary == "its pod was deleted from outside"
    assert any(says in fact for fact in verdict.evidence)


def test_a_pod_that_is_gone_between_two_looks_is_told_from_the_last(scene: Scene) -> None:
    scene.create("forced", python(STUBBORN))
    before = scene.wait("forced", started)
    scene.delete("forced", grace_period_seconds=0)
    verdict = judged("deleted_by_force", scene.wait("forced", gone, since=before), scene)
    assert verdict.category is Category.WORKER_LOST
    assert verdict.summary == "its pod was deleted from outside, while its worker ran"


def test_a_pod_that_is_deleted_before_it_starts_is_told_so(scene: Scene) -> None:
    scene.create("pending", {**python(""), "nodeSelector": {"disk": "none"}})
    before = scene.wait("pending", unscheduled)
    scene.delete("pending")
    verdict = judged("deleted_while_pending", scene.wait("pending", gone, since=before), scene)
    assert verdict.category is Category.WORKER_LOST
    assert verdict.summary == "its pod was deleted from outside, before its worker started"


def test_an_evicted_pod_says_who_put_it_out(scene: Scene) -> None:
    scene.create("drained", python(ORDERLY))
    before = scene.wait("drained", started)
    body = client.V1Eviction(metadata=client.V1ObjectMeta(name="drained", namespace=scene.namespace))
    scene.api.create_namespaced_pod_eviction("drained", scene.namespace, body)
    verdict = judged("drained", scene.wait("drained", gone, since=before), scene)
    assert (verdict.category, "drained" in verdict.summary) == (Category.EVICTED, True), verdict.text()


@contextmanager
def seats(scene: Scene) -> Iterator[str]:
    """A resource of which the node has two, so that a full node is nobody else's trouble."""
    resource = f"polarpod.dev/seats-{secrets.token_hex(3)}"
    key = resource.replace("/", "~1")
    patch = [{"op": "add", "path": f"/status/capacity/{key}", "value": "2"}]
    scene.api.patch_node_status(NODE, patch)
    try:
        yield resource
    finally:
        gone = [{"op": "remove", "path": f"/status/{part}/{key}"} for part in ("capacity", "allocatable")]
        scene.api.patch_node_status(NODE, gone)


def test_a_full_node_is_not_taken_for_one_that_is_too_small(scene: Scene) -> None:
    with seats(scene) as seat:
        scene.create("sitting", limited(SLEEP, **{seat: "2"}))
        scene.wait("sitting", started)
        scene.create("standing", limited("", **{seat: "1"}))
        verdict = judged("node_full", scene.wait("standing", unscheduled), scene)
        assert verdict.category is Category.UNSCHEDULABLE, verdict.text()
        scene.create("impossible", limited("", **{seat: "3"}))
        verdict = judged("too_big_by_its_devices", scene.wait("impossible", unscheduled), scene)
        assert verdict.category is Category.RESOURCES_IMPOSSIBLE, verdict.text()
        for name in ("sitting", "standing", "impossible"):
            scene.delete(name, grace_period_seconds=0)


def test_a_preempted_pod_says_who_put_it_out(scene: Scene) -> None:
    scheduling = client.SchedulingV1Api(scene.api.api_client)
    urgent = f"urgent-{secrets.token_hex(3)}"
    scheduling.create_priority_class({"metadata": {"name": urgent, "labels": {LABEL: "endings"}}, "value": 1000})
    try:
        with seats(scene) as seat:
            scene.create("preempted", limited(ORDERLY, **{seat: "2"}))
            before = scene.wait("preempted", started)
            scene.create("urgent", {**limited("", **{seat: "1"}), "priorityClassName": urgent})
            verdict = judged("preempted", scene.wait("preempted", gone, since=before), scene)
            scene.delete("urgent", grace_period_seconds=0)
    finally:
        scheduling.delete_priority_class(urgent)
    assert (verdict.category, "higher priority" in verdict.summary) == (Category.EVICTED, True), verdict.text()


@contextmanager
def node_without_a_machine(scene: Scene) -> Iterator[str]:
    """A node that exists for the control plane only."""
    name = f"ghost-{secrets.token_hex(3)}"
    # off limits to whatever else waits for a node
    taint = {"key": LABEL, "value": "ghost", "effect": "NoSchedule"}
    scene.api.create_node({"metadata": {"name": name, "labels": {LABEL: "ghost"}}, "spec": {"taints": [taint]}})
    try:
        yield name
    finally:
        if any(node.metadata.name == name for node in scene.api.list_node(label_selector=f"{LABEL}=ghost").items):
            scene.api.delete_node(name)


def test_a_node_that_does_not_answer_is_told_as_lost(scene: Scene) -> None:
    with node_without_a_machine(scene) as node:
        scene.create("unreachable", {**python(""), "nodeName": node})
        taint = {"key": "node.kubernetes.io/unreachable", "effect": "NoExecute"}
        # two objects write taints; the control plane's own patch is a merge as well
        scene.api.patch_node(node, {"spec": {"taints": [taint]}})
        scene.api.patch_namespaced_pod(
            "unreachable",
            scene.namespace,
            {"spec": {"tolerations": [{**taint, "operator": "Exists", "tolerationSeconds": 1}]}},
        )
        status = scene.wait("unreachable", lambda status: status.deleting)
        verdict = judged("node_unreachable", status, scene)
        assert (verdict.category, "no longer ready or reachable" in verdict.summary) == (Category.NODE_LOST, True)
        scene.delete("unreachable", grace_period_seconds=0)


def test_a_node_that_is_gone_is_told_as_lost(scene: Scene) -> None:
    with node_without_a_machine(scene) as node:
        scene.create("orphan", {**python(""), "nodeName": node})
        scene.api.delete_node(node)
        status = scene.wait("orphan", lambda status: "DisruptionTarget" in status.conditions or status.gone)
        verdict = judged("node_gone", status, scene)
        assert (verdict.category, "its node is gone" in verdict.summary) == (Category.NODE_LOST, True), verdict.text()


@pytest.fixture(scope="module")
def registry(scene: Scene) -> str:
    listens = {"tcpSocket": {"host": "127.0.0.1", "port": REGISTRY_PORT}, "periodSeconds": 1}
    scene.create("registry", {**python(REGISTRY, readinessProbe=listens), "hostNetwork": True})
    scene.wait("registry", lambda status: status.conditions.get("Ready", {}).get("status") == "True")
    return f"localhost:{REGISTRY_PORT}"


@pytest.mark.parametrize(
    ("code", "category"),
    [
        pytest.param(404, Category.IMAGE_UNUSABLE, id="not found"),
        pytest.param(401, Category.IMAGE_UNUSABLE, id="unauthorized"),
        pytest.param(403, Category.IMAGE_UNUSABLE, id="forbidden"),
        pytest.param(429, Category.IMAGE_PULL_FAILED, id="too many requests"),
        pytest.param(503, Category.IMAGE_PULL_FAILED, id="service unavailable"),
    ],
)
def test_a_registrys_answer_decides_whether_another_pull_may_help(
    code: int, category: Category, scene: Scene, registry: str
) -> None:
    name = f"pull-{code}"
    scene.create(name, python("", image=f"{registry}/answers-{code}:1"))
    verdict = judged(f"image_pull_{code}", scene.wait(name, waiting_for("ImagePullBackOff", "ErrImagePull")), scene)
    assert verdict.category is category, verdict.text()
    scene.delete(name, grace_period_seconds=0)
