"""The manifest of an attempt's pod: what it must hold whatever the job and the plane say."""

from __future__ import annotations

import hashlib
import re
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.launch.kubernetes.attempts import context, data_of, plane

from polarpod.contract.context import Attempt, Context, Storage
from polarpod.contract.resources import GIB, Resources
from polarpod.launch.planes.kubernetes.config import DNS_LABEL, SecretKey
from polarpod.launch.planes.kubernetes.render.manifest import render
from polarpod.launch.planes.kubernetes.render.names import LONGEST, label_value, pod_name


def rendered(attempt: Context | None = None, **fields: Any) -> dict[str, Any]:
    attempt = attempt or context()
    return render(attempt, data_of(attempt), plane(**fields))


def worker_of(pod: dict[str, Any]) -> dict[str, Any]:
    (worker,) = pod["spec"]["containers"]
    return dict(worker)


def environment_of(pod: dict[str, Any]) -> dict[str, Any]:
    return {entry["name"]: entry.get("value", entry.get("valueFrom")) for entry in worker_of(pod)["env"]}


@given(
    job=st.from_regex(r"[a-z][a-z0-9_]{0,47}", fullmatch=True),
    run_key=st.from_regex(r"[a-z0-9](-?[a-z0-9]){0,30}", fullmatch=True),
    number=st.integers(1, 10**8),
    uid=st.from_regex(r"[0-9a-f]{32}", fullmatch=True),
)
def test_every_attempt_has_a_name_that_kubernetes_takes(job: str, run_key: str, number: int, uid: str) -> None:
    attempt = context(
        job=msgspec.structs.replace(context().job, name=job), run_key=run_key, attempt=Attempt(number=number, uid=uid)
    )
    name = pod_name(attempt)
    assert re.fullmatch(DNS_LABEL, name)
    assert len(name) <= LONGEST
    assert name == pod_name(attempt), "computed again it is the same"
    assert name.endswith(f"-{number}-{uid[:8]}"), "what tells attempts apart is never cut off"


@given(st.text(max_size=200))
def test_every_text_becomes_a_label_that_kubernetes_takes(text: str) -> None:
    assert re.fullmatch(r"([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?", label_value(text))


def test_memory_is_requested_in_full() -> None:
    resources = worker_of(rendered())["resources"]
    assert resources["requests"]["memory"] == resources["limits"]["memory"] == "4096Mi"
    assert resources["requests"]["ephemeral-storage"] == resources["limits"]["ephemeral-storage"]
    assert resources["requests"]["cpu"] == "2000m"
    assert "cpu" not in resources["limits"], "idle cores may be used"


def test_a_plane_may_request_less_cpu_than_the_job_computes_with() -> None:
    pod = rendered(cpu_request="250m")
    assert worker_of(pod)["resources"]["requests"]["cpu"] == "250m"
    assert environment_of(pod)["POLARS_MAX_THREADS"] == "2"


def test_the_spill_volume_has_a_limit_and_its_bytes_are_requested() -> None:
    attempt = context(resources=Resources(memory_bytes=GIB, spill_bytes=5 * GIB))
    for pod, mebibytes in ((rendered(spill="3Gi"), 3072), (rendered(attempt, spill="3Gi"), 5120)):
        (scratch,) = pod["spec"]["volumes"]
        assert scratch["emptyDir"] == {"sizeLimit": f"{mebibytes}Mi"}
        assert worker_of(pod)["resources"]["requests"]["ephemeral-storage"] == f"{mebibytes + 256}Mi"


def test_a_small_context_travels_in_the_pod_with_its_digest() -> None:
    environment = environment_of(rendered())
    inline = environment["POLARPOD_CONTEXT"]
    assert msgspec.json.decode(inline, type=Context) == context()
    assert environment["POLARPOD_CONTEXT_SHA256"] == hashlib.sha256(inline.encode()).hexdigest()
    assert "POLARPOD_CONTEXT_URI" not in environment


def test_a_large_context_travels_by_its_uri_with_the_way_to_the_store() -> None:
    attempt = context(
        labels={"long": "x" * 40_000}, storage=Storage(endpoint_url="http://s3:7070", region="eu", allow_http=True)
    )
    environment = environment_of(rendered(attempt))
    assert environment["POLARPOD_CONTEXT_URI"] == f"{attempt.attempt_uri}/context.json"
    assert environment["POLARPOD_CONTEXT_SHA256"] == hashlib.sha256(data_of(attempt)).hexdigest()
    assert (environment["AWS_ENDPOINT_URL"], environment["AWS_REGION"]) == ("http://s3:7070", "eu")
    assert "POLARPOD_CONTEXT" not in environment


def test_kubernetes_does_not_replace_what_looks_like_a_reference_to_a_variable() -> None:
    attempt = context(params={"pattern": "$(HOME)/x"})
    environment = environment_of(rendered(attempt, environment={"PRICE": "$(5)"}))
    assert "$$(HOME)/x" in environment["POLARPOD_CONTEXT"]
    assert environment["PRICE"] == "$$(5)"


def test_the_image_of_a_release_comes_before_that_of_the_plane() -> None:
    assert worker_of(rendered(context(image="jobs@sha256:abc"), image="jobs:latest"))["image"] == "jobs@sha256:abc"
    assert worker_of(rendered(image="jobs:latest"))["image"] == "jobs:latest"


def test_a_secret_is_only_ever_a_reference() -> None:
    environment = environment_of(rendered(environment_from_secrets={"TOKEN": SecretKey(secret="vault", key="token")}))
    assert environment["TOKEN"] == {"secretKeyRef": {"name": "vault", "key": "token"}}


def test_the_cluster_holds_to_the_deadline_after_the_supervisor_had_its_chance() -> None:
    spec = rendered(context(deadline_seconds=100, grace_seconds=7))["spec"]
    assert spec["activeDeadlineSeconds"] > 107
    assert spec["terminationGracePeriodSeconds"] == 7


def test_labels_select_and_annotations_tell() -> None:
    metadata = rendered(labels={"team": "data"}, queue="etl")["metadata"]
    assert metadata["labels"]["polarpod.dev/attempt-uid"] == context().attempt.uid
    assert metadata["labels"]["polarpod.dev/job"] == "airport_delays"
    assert metadata["labels"]["team"] == "data"
    assert metadata["labels"]["kueue.x-k8s.io/queue-name"] == "etl"
    assert metadata["annotations"]["karpenter.sh/do-not-disrupt"] == "true"
    assert metadata["annotations"]["polarpod.dev/receipt"].endswith("/receipt.json")
    assert msgspec.json.decode(metadata["annotations"]["polarpod.dev/caller"]) == context().labels


@pytest.mark.parametrize(
    ("place", "value"),
    [
        pytest.param(("automountServiceAccountToken",), False, id="no token"),
        pytest.param(("restartPolicy",), "Never", id="a pod is one attempt"),
        pytest.param(("securityContext", "runAsNonRoot"), True, id="not root"),
        pytest.param(("securityContext", "seccompProfile"), {"type": "RuntimeDefault"}, id="seccomp"),
        pytest.param(("enableServiceLinks",), False, id="no variables of neighbours"),
    ],
)
def test_the_pod_is_hardened(place: tuple[str, ...], value: object) -> None:
    found = rendered()["spec"]
    for key in place:
        found = found[key]
    assert found == value


def test_the_container_is_hardened() -> None:
    assert worker_of(rendered())["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
