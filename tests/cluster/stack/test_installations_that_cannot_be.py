"""Values that cannot work end before anything is made, with what to change."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest
from tests.cluster.stack.local_stack import namespaced, yard
from tools.cluster.command import Failed, kubectl
from tools.stack.names import CHART, RELEASE
from tools.stack.release import helm, pack

_NO_VOLUMES = ("postgres.persistence.enabled=false", "s3.persistence.enabled=false")


@pytest.fixture(scope="module")
def empty() -> Iterator[str]:
    pack()
    with yard(f"refused-{secrets.token_hex(3)}") as name:
        yield name


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        pytest.param(
            (*_NO_VOLUMES, "airflow.service.nodePort=30999"),
            "airflow.service.nodePort is 30999, but airflow.service.type is ClusterIP. Set the type to NodePort",
            id="a node port of a service that has none",
        ),
        pytest.param(
            (*_NO_VOLUMES, "s3.service.nodePort=30999"),
            "s3.service.nodePort is 30999, but s3.service.type is ClusterIP. Set the type to NodePort",
            id="the store's, too",
        ),
        pytest.param(
            ("s3.persistence.enabled=false", "postgres.persistence.storageClass=golden"),
            'postgres.persistence.storageClass is "golden"; this cluster has: ',
            id="a storage class that is not there",
        ),
        pytest.param(
            (*_NO_VOLUMES, "polarpod.plane.state=s3://elsewhere/state"),
            's3://elsewhere/state is in the bucket "elsewhere", and s3.buckets are polarpod, airflow-logs. Add the bucket',
            id="a state store in no bucket",
        ),
        pytest.param(
            (*_NO_VOLUMES, "polarpod.plane.variables.lake=s3://elsewhere/lake"),
            's3://elsewhere/lake is in the bucket "elsewhere", and s3.buckets are polarpod, airflow-logs. Add the bucket',
            id="a lake in no bucket",
        ),
        pytest.param(
            (*_NO_VOLUMES, "s3.buckets={polarpod}"),
            "s3.buckets lacks airflow-logs, where task logs go. Add it.",
            id="no bucket for logs",
        ),
        pytest.param(
            (*_NO_VOLUMES, "polarpod.fullnameOverride=mine"),
            "polarpod.fullnameOverride is \"mine\": this stack's objects name the worker plane's by `polarpod`.",
            id="another name of the worker plane",
        ),
        pytest.param(
            (*_NO_VOLUMES, "polarpod.plane.credentials.secretName=mine"),
            'polarpod.plane.credentials.secretName is "mine": this stack makes the Secret polarpod-s3 for its own store',
            id="another secret of the store",
        ),
    ],
)
def test_nothing_is_made_and_somebody_says_what_to_change(empty: str, settings: tuple[str, ...], told: str) -> None:
    given = [word for setting in settings for word in ("--set", setting)]
    with pytest.raises(Failed) as caught:
        helm("install", RELEASE, CHART, *given, namespace=empty)
    assert told in str(caught.value)
    # Helm's own record of an installation is a Secret
    kinds = ",".join(kind for kind in namespaced() if not kind.startswith("events"))
    found = kubectl("get", kinds, "-n", empty, "-o", "name", "--ignore-not-found").split()
    assert set(found) <= {"configmap/kube-root-ca.crt", "serviceaccount/default"}
