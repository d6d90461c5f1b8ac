"""Every way an API server refuses a pod, provoked on a real cluster, and what `diagnose` makes of its words.

POLARPOD_RECORD=1 rewrites the fixtures, as for the endings.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from kubernetes import client, config, watch
from tests.cluster.endings import STUBBORN, Scene, cluster, judged, limited, namespace_of, python, started
from tools.cluster.names import ADMIN

from polarpod.contract.verdict import Category
from polarpod.launch.planes.kubernetes.status import Status

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def scene() -> Iterator[Scene]:
    with namespace_of(cluster()) as scene:
        yield scene


@pytest.fixture
def own_scene() -> Iterator[Scene]:
    """For what holds for a whole namespace."""
    with namespace_of(cluster()) as scene:
        yield scene


class No(NamedTuple):
    """A case that the API server refuses."""

    fixture: str
    category: Category
    says: str
    spec: dict[str, Any] | None = None
    hard: dict[str, str] | None = None
    limits: dict[str, Any] | None = None
    level: str = ""
    namespace: str = ""
    name: str = "refused"


SMALL = limited("", memory="64Mi", cpu="100m")
REFUSALS = [
    No("quota_used_up", Category.QUOTA_EXCEEDED, "is used up", SMALL, hard={"pods": "1"}),
    No(
        "quota_too_small", Category.RESOURCES_IMPOSSIBLE, "asks for more requests.memory", SMALL, {"requests.memory": "32Mi"}
    ),
    No("quota_wants_requests", Category.WORKER_REFUSED, "wants every container to state", python(""), {"limits.cpu": "1"}),
    No(
        "limit_range_maximum",
        Category.RESOURCES_IMPOSSIBLE,
        "has 32Mi as maximum memory",
        SMALL,
        limits={"type": "Container", "max": {"memory": "32Mi"}},
    ),
    No(
        "limit_range_minimum",
        Category.WORKER_REFUSED,
        "has 1Gi as minimum memory",
        SMALL,
        limits={"type": "Container", "min": {"memory": "1Gi"}},
    ),
    No("pod_security", Category.WORKER_REFUSED, "Pod Security level restricted:latest", python(""), level="restricted"),
    No(
        "service_account_missing",
        Category.CONFIGURATION_MISSING,
        "service account etl does not exist",
        {**python(""), "serviceAccountName": "etl"},
    ),
    No(
        "priority_class_missing",
        Category.CONFIGURATION_MISSING,
        "priority class batch does not exist",
        {**python(""), "priorityClassName": "batch"},
    ),
    No(
        "runtime_class_missing",
        Category.CONFIGURATION_MISSING,
        "runtime class gvisor does not exist",
        {**python(""), "runtimeClassName": "gvisor"},
    ),
    No("namespace_missing", Category.CONFIGURATION_MISSING, "namespace nowhere does not exist", namespace="nowhere"),
    No("name_invalid", Category.REQUEST_INVALID, "does not accept this pod", name="Refused"),
    No("quantity_invalid", Category.REQUEST_INVALID, "does not accept this pod", limited("", memory="1 Gi")),
]


@pytest.mark.parametrize("no", [pytest.param(no, id=no.fixture) for no in REFUSALS])
def test_a_pod_that_is_refused_is_told_as(no: No, own_scene: Scene) -> None:
    scene = own_scene
    if no.hard:
        scene.api.create_namespaced_resource_quota(
            scene.namespace, {"metadata": {"name": "team"}, "spec": {"hard": no.hard}}
        )
        _quota_is_counted(scene)
    if no.fixture == "quota_used_up":
        scene.create("first", python("time.sleep(600)"))
    if no.limits:
        body = {"metadata": {"name": "sizes"}, "spec": {"limits": [no.limits]}}
        scene.api.create_namespaced_limit_range(scene.namespace, body)
    if no.level:
        labels = {"pod-security.kubernetes.io/enforce": no.level}
        scene.api.patch_namespace(scene.namespace, {"metadata": {"labels": labels}})
    refusal = scene.create(no.name, no.spec or python(""), namespace=no.namespace or None)
    assert refusal is not None
    verdict = judged(f"refused_{no.fixture}", Status(refusal=refusal), scene)
    assert (verdict.category, no.says in verdict.summary) == (no.category, True), verdict.text()


def _quota_is_counted(scene: Scene) -> None:
    for change in watch.Watch().stream(scene.api.list_namespaced_resource_quota, scene.namespace, timeout_seconds=60):
        if change["object"].status.hard:
            return


def test_a_name_that_is_taken_is_no_fault_of_the_job(scene: Scene) -> None:
    scene.create("taken", {**python(""), "nodeSelector": {"disk": "none"}})
    verdict = judged("refused_name_taken", Status(refusal=scene.create("taken", python(""))), scene)
    assert verdict.category is Category.NOT_STARTED
    scene.delete("taken", grace_period_seconds=0)


def test_a_namespace_that_is_being_deleted_is_told_as_missing() -> None:
    with namespace_of(cluster()) as scene:
        scene.create("last", python(STUBBORN))
        scene.wait("last", started)
        scene.api.delete_namespace(scene.namespace)
        refusal = scene.create("late", python(""))
        verdict = judged("refused_namespace_terminating", Status(refusal=refusal), scene)
        assert (verdict.category, verdict.summary) == (
            Category.CONFIGURATION_MISSING,
            f"namespace {scene.namespace} is being deleted",
        )


@pytest.mark.parametrize(
    ("fixture", "header"),
    [
        pytest.param("no_right", ("Impersonate-User", "system:serviceaccount:etl:launcher"), id="no right"),
        pytest.param("no_identity", ("Authorization", "Bearer expired"), id="expired token"),
    ],
)
def test_an_identity_without_the_right_is_told_as_denied(fixture: str, header: tuple[str, str], scene: Scene) -> None:
    known = config.new_client_from_config(str(ADMIN))
    if fixture == "no_identity":
        # the certificate is an identity of its own
        configuration = known.configuration
        configuration.cert_file = configuration.key_file = None
        known = client.ApiClient(configuration)
    known.set_default_header(*header)
    refusal = Scene(client.CoreV1Api(known), scene.namespace).create("denied", python(""))
    verdict = judged(f"refused_{fixture}", Status(refusal=refusal), scene)
    assert verdict.category is Category.PLANE_DENIED, verdict.text()


def test_an_admission_policys_words_are_passed_on(own_scene: Scene) -> None:
    scene, name = own_scene, f"endings-{secrets.token_hex(3)}"
    api = client.AdmissionregistrationV1Api(scene.api.api_client)
    here = {"matchLabels": {"kubernetes.io/metadata.name": scene.namespace}}
    pods = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
    rule = {"expression": "'team' in object.metadata.labels", "message": "every pod names its team"}
    api.create_validating_admission_policy(
        {"metadata": {"name": name}, "spec": {"matchConstraints": {"resourceRules": [pods]}, "validations": [rule]}}
    )
    try:
        api.create_validating_admission_policy_binding(
            {
                "metadata": {"name": name},
                "spec": {"policyName": name, "validationActions": ["Deny"], "matchResources": {"namespaceSelector": here}},
            }
        )
        refusal = scene.refuses(python(""))
    finally:
        api.delete_validating_admission_policy_binding(name)
        api.delete_validating_admission_policy(name)
    verdict = judged("refused_admission_policy", Status(refusal=refusal), scene)
    assert verdict.category is Category.WORKER_REFUSED, verdict.text()
    assert any("every pod names its team" in fact for fact in verdict.evidence)


def test_a_webhook_that_does_not_answer_is_the_clusters_trouble(own_scene: Scene) -> None:
    scene, name = own_scene, f"endings-{secrets.token_hex(3)}.polarpod.dev"
    api = client.AdmissionregistrationV1Api(scene.api.api_client)
    hook = {
        "name": name,
        "admissionReviewVersions": ["v1"],
        "sideEffects": "None",
        "timeoutSeconds": 1,
        "clientConfig": {"url": "https://localhost:1/validate"},
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": scene.namespace}},
        "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}],
    }
    api.create_validating_webhook_configuration({"metadata": {"name": name}, "webhooks": [hook]})
    try:
        refusal = scene.refuses(python(""))
    finally:
        api.delete_validating_webhook_configuration(name)
    verdict = judged("refused_webhook_down", Status(refusal=refusal), scene)
    assert (verdict.category, "does not answer" in verdict.summary) == (Category.PLANE_UNREACHABLE, True), verdict.text()
