"""Values of the local stack that cannot work: refused before anything is made, in words that say what to change."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.charts.refusals import merged, refusal, say

CHART = "polarpod-local"


# what a schema can say: the place and what it wants there
@pytest.mark.parametrize(
    ("place", "value", "words"),
    [
        pytest.param("airflow.usr", "x", "at '/airflow': additional properties 'usr' not allowed", id="misspelt key"),
        pytest.param("airflw", {}, "additional properties 'airflw' not allowed", id="unknown section"),
        pytest.param("polarpod.plan", {}, "at '/polarpod': additional properties 'plan' not", id="unknown of the plane"),
        pytest.param("polarpod.plane.stat", "x", "at '/plane': additional properties 'stat' not allowed", id="deeper"),
        pytest.param(
            "airflow.dags.sync", "yes", "at '/airflow/dags/sync': got string, want boolean", id="text for a switch"
        ),
        pytest.param("airflow.user", "a:b", "at '/airflow/user': 'a:b' does not match pattern", id="a user and a role"),
        pytest.param("airflow.user", "", "at '/airflow/user': '' does not match pattern", id="nobody"),
        pytest.param("airflow.baseUrl", "localhost:8080", "at '/airflow/baseUrl': 'localhost:8080' does not", id="no url"),
        pytest.param("airflow.baseUrl", "http://h/airflow", "at '/airflow/baseUrl': 'http://h/airflow' does", id="a path"),
        pytest.param("airflow.parallelism", 0, "at '/airflow/parallelism': minimum: got 0, want 1", id="no tasks"),
        pytest.param("airflow.parallelism", 99, "at '/airflow/parallelism': maximum: got 99, want 64", id="too many tasks"),
        pytest.param("airflow.config", {"A": True}, "at '/airflow/config/A': got boolean, want string", id="no text"),
        pytest.param("airflow.config", {"A-B": "x"}, "at '/airflow/config': additional properties 'A-B' not", id="variable"),
        pytest.param(
            "airflow.service.type", "LoadBalancer", "at '/airflow/service/type': value must be one of 'ClusterIP'", id="type"
        ),
        pytest.param(
            "airflow.service", {"type": "NodePort", "nodePort": 8080}, "minimum: got 8,080, want 30,000", id="no node port"
        ),
        pytest.param("airflow.service.port", 0, "at '/airflow/service/port': minimum: got 0, want 1", id="no port"),
        pytest.param("airflow.image.digest", "sha256:abc", "at '/airflow/image/digest': 'sha256:abc' does", id="digest"),
        pytest.param("s3.image.pullPolicy", "Sometimes", "at '/s3/image/pullPolicy': value must be one of", id="choice"),
        pytest.param("s3.buckets", [], "at '/s3/buckets': minItems: got 0, want 1", id="no buckets"),
        pytest.param("s3.buckets", ["a; rm -rf /"], "at '/s3/buckets/0': 'a; rm -rf /' does not match", id="a command"),
        pytest.param("s3.service.port", 9000, "at '/s3/service': additional properties 'port' not allowed", id="S3's port"),
        pytest.param(
            "postgres.persistence.size", "lots", "at '/postgres/persistence/size': 'lots' does not", id="an amount"
        ),
        pytest.param(
            "postgres.persistence.storageClass", "Fast SSD", "at '/postgres/persistence/storageClass'", id="no class's name"
        ),
        pytest.param(
            "postgres.resources", {"limits": {"memory": "much"}}, "at '/postgres/resources/limits/memory'", id="much"
        ),
        pytest.param("quota.pods", 0, "at '/quota/pods': minimum: got 0, want 1", id="a quota of nothing"),
        pytest.param(
            "networkPolicy.s3.from",
            [{"ipBlock": {"cidr": "10.0.0.0"}}],
            "at '/networkPolicy/s3/from/0/ipBlock/cidr': '10.0.0.0' does not match",
            id="no range",
        ),
        pytest.param("networkPolicy.s3.from", [{"pods": {}}], "additional properties 'pods' not allowed", id="no peer"),
        pytest.param("commonLabels", {"a b": "c"}, "at '/commonLabels': additional properties 'a b' not", id="no label"),
    ],
)
def test_the_schema_names_the_place_and_what_it_wants(tmp_path: Path, place: str, value: Any, words: str) -> None:
    said = refusal(tmp_path, CHART, say(place, value))
    assert "values don't meet the specifications of the schema(s)" in said
    assert words in said


# what only somebody who knows the stack can say; what the cluster has to be asked for is in unittests/preflight_test.yaml
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        pytest.param(
            say("polarpod.fullnameOverride", "other"),
            "polarpod.fullnameOverride is \"other\": this stack's objects name the worker plane's by `polarpod`. Leave",
            id="a plane of another name",
        ),
        pytest.param(
            say("polarpod.launcher.serviceAccount.name", "airflow"),
            "polarpod.launcher.serviceAccount is not the account polarpod-launcher, as which Airflow's scheduler and",
            id="another launcher",
        ),
        pytest.param(
            say("polarpod.launcher.serviceAccount", {"create": False, "name": "polarpod-launcher"}),
            "polarpod.launcher.serviceAccount is not the account polarpod-launcher",
            id="a launcher that nobody makes",
        ),
        pytest.param(
            say("polarpod.plane.credentials.secretName", "mine"),
            'polarpod.plane.credentials.secretName is "mine": this stack makes the Secret polarpod-s3 for its own store.',
            id="another secret of the store",
        ),
        pytest.param(
            say("polarpod.plane.storage.endpointUrl", "https://s3.example.org"),
            'polarpod.plane.storage.endpointUrl is "https://s3.example.org": this stack\'s own store is http://polarpod-s3:7070.',
            id="another store",
        ),
        pytest.param(
            say("polarpod.plane.state", "s3://elsewhere/state"),
            's3://elsewhere/state is in the bucket "elsewhere", and s3.buckets are polarpod, airflow-logs. Add the bucket',
            id="a state store in no bucket",
        ),
        pytest.param(
            say("polarpod.plane.variables.lake", "s3://elsewhere/lake"),
            's3://elsewhere/lake is in the bucket "elsewhere", and s3.buckets are polarpod, airflow-logs. Add the bucket',
            id="a lake in no bucket",
        ),
        pytest.param(
            say("polarpod.plane.variables.lake", "/var/lake"),
            'polarpod.plane.variables.lake is "/var/lake", which is in no bucket. Leave it out, or name a place such as',
            id="a lake in a folder",
        ),
        pytest.param(
            merged(say("polarpod.plane.maxMemory", "1Gi"), say("polarpod.limitRange.max", {"memory": "2Gi"})),
            "polarpod.limitRange.max.memory (2Gi) is less than airflow.scheduler.resources.limits.memory (2560Mi), and",
            id="a limit range that refuses the scheduler",
        ),
        pytest.param(
            say("s3.buckets", ["polarpod"]), "s3.buckets lacks airflow-logs, where task logs go. Add it.", id="no log bucket"
        ),
        pytest.param(
            say("airflow.service.nodePort", 30999),
            "airflow.service.nodePort is 30999, but airflow.service.type is ClusterIP. Set the type to NodePort",
            id="a node port of a service that has none",
        ),
        pytest.param(
            say("s3.service.nodePort", 30999),
            "s3.service.nodePort is 30999, but s3.service.type is ClusterIP. Set the type to NodePort",
            id="the store's, too",
        ),
        pytest.param(
            merged(
                say("airflow.service", {"type": "NodePort", "nodePort": 30901}),
                say("s3.service", {"type": "NodePort", "nodePort": 30901}),
            ),
            "airflow.service.nodePort and s3.service.nodePort are both 30901. Give one of them another port.",
            id="one port for two",
        ),
        pytest.param(
            say("postgres.image.tag", ""), "postgres.image has neither digest nor tag. Set one of them.", id="any image"
        ),
        pytest.param(
            say("airflow.config", {"AIRFLOW__CORE__FERNET_KEY": "x"}),
            "airflow.config sets AIRFLOW__CORE__FERNET_KEY, which comes from the Secret airflow-keys and is no business of",
            id="a secret in plain sight",
        ),
        pytest.param(
            say("airflow.config", {"AWS_SECRET_ACCESS_KEY": "x"}),
            "airflow.config sets AWS_SECRET_ACCESS_KEY, which comes from the Secret polarpod-s3 and is no business of",
            id="another",
        ),
    ],
)
def test_the_chart_says_what_is_wrong_and_what_to_change(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    said = refusal(tmp_path, CHART, changes)
    assert "polarpod-local cannot be installed with these values:" in said
    assert f"- {words}" in said


def test_the_plane_says_itself_what_is_wrong_with_it(tmp_path: Path) -> None:
    said = refusal(tmp_path, CHART, say("polarpod.plane.storage.allowHttp", False))
    assert "- plane.storage.endpointUrl is http://polarpod-s3:7070, without TLS: set plane.storage.allowHttp to true" in said


def test_everything_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    said = refusal(tmp_path, CHART, merged(say("s3.buckets", ["polarpod"]), say("postgres.image.tag", "")))
    assert said.count(" - ") == 2
