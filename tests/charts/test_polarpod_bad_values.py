"""Values that cannot work end the installation before anything is made, in words that say what to change."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.charts.refusals import merged, refusal, say

IMAGE = "registry.example.org/jobs:1"


# what a schema can say: the place and what it wants there
@pytest.mark.parametrize(
    ("place", "value", "words"),
    [
        pytest.param("plane.stat", "x", "at '/plane': additional properties 'stat' not allowed", id="misspelt key"),
        pytest.param("planes", {}, "additional properties 'planes' not allowed", id="unknown section"),
        pytest.param("gc.enabled", "yes", "at '/gc/enabled': got string, want boolean", id="text for a switch"),
        pytest.param("gc.backoffLimit", 1.5, "at '/gc/backoffLimit': got number, want integer", id="a fraction for a count"),
        pytest.param(
            "plane.environment", {"COUNT": 5}, "at '/plane/environment/COUNT': got number, want string", id="a bare number"
        ),
        pytest.param(
            "plane.environment", {"A-B": "x"}, "at '/plane/environment': additional properties 'A-B' not", id="no variable"
        ),
        pytest.param(
            "plane.state", "/var/state", "at '/plane/state': '/var/state' does not match pattern '^(s3://", id="state"
        ),
        pytest.param("plane.maxMemory", "60GB", "at '/plane/maxMemory': '60GB' does not match pattern", id="an amount"),
        pytest.param(
            "plane.startTimeoutSeconds", 0, "at '/plane/startTimeoutSeconds': minimum: got 0, want 1", id="no time"
        ),
        pytest.param("plane.memoryGrowth", 1, "at '/plane/memoryGrowth': exclusiveMinimum: got 1, want 1", id="no growth"),
        pytest.param(
            "plane.credentials.accessKeyIdKey", "", "at '/plane/credentials/accessKeyIdKey': '' does not match", id="no key"
        ),
        pytest.param(
            "plane.environmentFromSecrets", {"T": {"secret": "s"}}, "missing property 'key'", id="half a reference"
        ),
        pytest.param("plane.storage.endpointUrl", "s3.local", "at '/plane/storage/endpointUrl'", id="no url"),
        pytest.param("image.digest", "sha256:abc", "at '/image/digest': 'sha256:abc' does not match pattern", id="digest"),
        pytest.param("image.tag", ":1", "at '/image/tag': ':1' does not match pattern", id="tag"),
        pytest.param("image.pullPolicy", "Sometimes", "at '/image/pullPolicy': value must be one of 'Always'", id="choice"),
        pytest.param(
            "fullnameOverride", "x" * 44, "at '/fullnameOverride': maxLength: got 44, want 43", id="too long a name"
        ),
        pytest.param(
            "fullnameOverride", "Polar_Pod", "at '/fullnameOverride': 'Polar_Pod' does not match", id="no DNS name"
        ),
        pytest.param(
            "launcher.subjects",
            [{"kind": "Role", "name": "x"}],
            "at '/launcher/subjects/0/kind': value must be",
            id="subject",
        ),
        pytest.param("launcher.subjects", [{"kind": "User"}], "missing property 'name'", id="a subject without a name"),
        pytest.param(
            "serviceAccounts.jobs",
            {"Air-Delays": {}},
            "at '/serviceAccounts/jobs': additional properties 'Air-Delays'",
            id="job",
        ),
        pytest.param(
            "networkPolicy.objectStore.to",
            [{"ipBlock": {"cidr": "10.0.0.0"}}],
            "at '/networkPolicy/objectStore/to/0/ipBlock/cidr': '10.0.0.0' does not match",
            id="no range",
        ),
        pytest.param("networkPolicy.extraEgress", [{"ports": [{"port": 1}]}], "missing property 'to'", id="egress to all"),
        pytest.param("networkPolicy.objectStore.ports", [0], "minimum: got 0, want 1", id="no port"),
        pytest.param("gc.schedule", "every day", "at '/gc/schedule': 'every day' does not match pattern", id="schedule"),
        pytest.param("quota.hard", {"pods": "many"}, "at '/quota/hard/pods'", id="no quantity"),
        pytest.param("tests.egressEnforced", "maybe", "at '/tests/egressEnforced'", id="neither auto nor a switch"),
        pytest.param("tests.closed", ["warehouse"], "at '/tests/closed/0': 'warehouse' does not match", id="no port to try"),
        pytest.param("admissionPolicy.validationActions", [], "minItems: got 0, want 1", id="no action"),
        pytest.param(
            "podTemplate", {"sepc": {}}, "at '/podTemplate': additional properties 'sepc' not allowed", id="template"
        ),
    ],
)
def test_the_schema_names_the_place_and_what_it_wants(tmp_path: Path, place: str, value: Any, words: str) -> None:
    said = refusal(tmp_path, "polarpod", say(place, value))
    assert "values don't meet the specifications of the schema(s)" in said
    assert words in said


# what only somebody who knows Kubernetes and polarpod can say
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        pytest.param(
            say("plane.state", ""),
            "plane.state is empty: set it to the s3:// prefix for contexts, receipts and verdicts",
            id="gc without state",
        ),
        pytest.param(
            say("image.repository", ""),
            "image.repository is empty: build the job image with your jobs (images/job), push it, and name it here",
            id="no image",
        ),
        pytest.param(
            say("image.digest", ""),
            "the image has neither image.digest nor image.tag: set image.digest (sha256:...), or a tag that is never moved",
            id="neither tag nor digest",
        ),
        pytest.param(
            say("image", {"digest": "", "tag": "latest"}),
            "image.tag is latest, which may be other code on a run's retry: set image.digest",
            id="latest",
        ),
        pytest.param(
            say("plane.storage.endpointUrl", "http://s3:7070"),
            "plane.storage.endpointUrl is http://s3:7070, without TLS: set plane.storage.allowHttp to true",
            id="http by accident",
        ),
        pytest.param(
            say("plane.workerStorage.endpointUrl", "http://s3:7070"),
            "plane.workerStorage.endpointUrl is http://s3:7070, without TLS: set plane.workerStorage.allowHttp",
            id="http by accident, for workers",
        ),
        pytest.param(
            say(
                "plane",
                {
                    "credentials": {"secretName": "s3"},
                    "environmentFromSecrets": {"AWS_ACCESS_KEY_ID": {"secret": "other", "key": "id"}},
                },
            ),
            "AWS_ACCESS_KEY_ID is set twice, by plane.credentials and by plane.environmentFromSecrets: remove one",
            id="credentials twice",
        ),
        pytest.param(
            say("plane.environment", {"AWS_SECRET_ACCESS_KEY": "x"}),
            "plane.environment holds AWS_SECRET_ACCESS_KEY, where everybody who may read ConfigMaps or pods sees it",
            id="a secret in plain sight",
        ),
        pytest.param(
            say("launcher.image", {"repository": "", "digest": ""}),
            "launcher.image.repository is empty, and sweep and tests need an image with the polarpod command: name one",
            id="a sweep without its command",
        ),
        pytest.param(
            merged(
                say("launcher.image", {"registry": "registry.example.org", "repository": "", "digest": ""}),
                say("gc.enabled", False) | say("tests.enabled", False),
            ),
            "launcher.image has a registry, a tag or a digest and no repository: set launcher.image.repository",
            id="a registry of nothing",
        ),
        pytest.param(
            say("launcher.image.digest", ""),
            "launcher.image has neither a digest nor a tag: set launcher.image.digest",
            id="the launcher's image by halves",
        ),
        pytest.param(
            say("serviceAccounts.jobs", {"clean": {"create": False}}),
            "serviceAccounts.jobs.clean is neither made nor named: set create to true, or name to an account that is there",
            id="a job as nobody",
        ),
        pytest.param(
            say("serviceAccounts.jobs", {"clean": {"create": False, "name": "x", "annotations": {"a.b/c": "d"}}}),
            "serviceAccounts.jobs.clean.annotations have no effect on an account that the chart does not make",
            id="a note on another's account",
        ),
        pytest.param(
            say("quota.hard", {"limits.cpu": "64"}),
            "quota.hard has limits.cpu, and workers have no CPU limit: every one would be refused",
            id="a quota of what workers do not say",
        ),
        pytest.param(
            say("limitRange.default.cpu", "500m"),
            "limitRange.default has cpu, and workers have no CPU limit",
            id="a limit that workers did not ask for",
        ),
        pytest.param(
            say("plane.startTimeoutSeconds", 3600),
            "tests.activeDeadlineSeconds (900) leaves the doctor no time for its pod, which may take "
            "plane.startTimeoutSeconds (3600) to start: raise the first",
            id="a test shorter than a start",
        ),
        pytest.param(
            say("launcher.subjects", [{"kind": "ServiceAccount", "name": "airflow"}]),
            'launcher.subjects[0] is the ServiceAccount "airflow" without a namespace: add the one it is in',
            id="an account of nowhere",
        ),
        pytest.param(
            say("launcher.subjects", [{"kind": "Group", "name": "mwaa", "namespace": "etl"}]),
            'launcher.subjects[0] is the Group "mwaa" with a namespace, which only a ServiceAccount has: remove it',
            id="a group of a namespace",
        ),
        pytest.param(
            merged(say("launcher.serviceAccount.create", False), say("gc.enabled", False)) | say("tests.enabled", False),
            "nobody may launch: set launcher.serviceAccount.create, its name, or launcher.subjects",
            id="nobody may launch",
        ),
        pytest.param(
            say("launcher", {"serviceAccount": {"create": False}, "subjects": [{"kind": "Group", "name": "mwaa"}]}),
            "gc.enabled needs an account to run as: set launcher.serviceAccount.create or its name, or gc.enabled to false",
            id="a sweep as nobody",
        ),
        pytest.param(
            say("launcher", {"serviceAccount": {"create": False}, "subjects": [{"kind": "Group", "name": "mwaa"}]}),
            "tests.enabled needs an account to run as",
            id="tests as nobody",
        ),
        pytest.param(
            say("serviceAccounts.default.create", False),
            "serviceAccounts.default is neither made nor named: set create to true, or name to an account that is there",
            id="workers as nobody",
        ),
        pytest.param(
            say("serviceAccounts.default", {"create": False, "name": "jobs", "annotations": {"a": "b"}}),
            "serviceAccounts.default.annotations have no effect on an account that the chart does not make",
            id="annotations on somebody else's account",
        ),
        pytest.param(
            say("serviceAccounts.default.name", "polarpod-launcher"),
            'the launcher and serviceAccounts.default are one account, "polarpod-launcher"',
            id="workers as the launcher",
        ),
        pytest.param(
            say("serviceAccounts.jobs", {"worker": {}}),
            'serviceAccounts.jobs.worker would make the account "polarpod-worker", which is serviceAccounts.default\'s',
            id="a job called worker",
        ),
        pytest.param(
            say("serviceAccounts.jobs", {"delays_": {}}),
            'serviceAccounts.jobs.delays_ would make the account "polarpod-delays-", which is no name in Kubernetes',
            id="a job whose name ends in an underscore",
        ),
        pytest.param(
            say("networkPolicy.objectStore.to", []),
            "networkPolicy.objectStore.to is empty, so that no worker reaches its data: name the store's addresses or pods",
            id="no way to the store",
        ),
        pytest.param(
            say("networkPolicy.apiServer.to", []),
            "networkPolicy.apiServer.to is empty, so that sweep and tests reach no API server",
            id="no way to the API server",
        ),
        pytest.param(
            say("networkPolicy.objectStore.to", [{"ipBlock": {"cidr": "169.254.169.254/32"}}]),
            "networkPolicy.objectStore.to allows 169.254.169.254/32, which may hold the address where instances hand out",
            id="the instance metadata",
        ),
        pytest.param(
            say("networkPolicy.extraEgress", [{"to": [{"ipBlock": {"cidr": "fd00:ec2::254/128"}}]}]),
            "networkPolicy.extraEgress[0].to allows fd00:ec2::254/128, which may hold the address",
            id="the instance metadata by IPv6",
        ),
        pytest.param(
            say("networkPolicy.extraEgress", [{"to": [{"ipBlock": {"cidr": "fd00:ec2::/96"}}]}]),
            "networkPolicy.extraEgress[0].to allows fd00:ec2::/96, which may hold the address",
            id="a range around it",
        ),
        pytest.param(
            say("networkPolicy.launcherEgress", [{"to": [{"ipBlock": {"cidr": "::0/0"}}]}]),
            "networkPolicy.launcherEgress[0].to allows ::0/0, which may hold the address",
            id="everywhere, written otherwise",
        ),
        pytest.param(
            say("networkPolicy.apiServer.to", [{"ipBlock": {"cidr": "fd00::/10"}}]),
            "networkPolicy.apiServer.to allows fd00::/10, which may hold the address",
            id="a range nobody gives out",
        ),
        pytest.param(
            say("networkPolicy.objectStore.to", [{}]),
            "networkPolicy.objectStore.to has an entry that names nobody: give it an ipBlock",
            id="a peer that is nobody",
        ),
        pytest.param(
            say(
                "networkPolicy.objectStore.to",
                [{"ipBlock": {"cidr": "10.0.0.0/8"}, "podSelector": {"matchLabels": {"a": "b"}}}],
            ),
            "networkPolicy.objectStore.to has an entry with both an ipBlock and a selector, which Kubernetes refuses",
            id="a peer that is two",
        ),
        pytest.param(
            merged(
                say("networkPolicy.podIdentityAgent", True), say("plane.labels", {"eks.amazonaws.com/fargate-profile": "b"})
            ),
            "networkPolicy.podIdentityAgent is for nodes, and plane.labels sends workers to Fargate, which has no agent",
            id="Pod Identity on Fargate",
        ),
        pytest.param(
            merged(say("quota.hard", {"requests.memory": "32Gi"}), say("limitRange.max", {"memory": "64Gi"})),
            "limitRange.max.memory (64Gi) is more than quota.hard.requests.memory (32Gi) has for all pods together",
            id="one container larger than the quota",
        ),
        pytest.param(
            merged(say("quota.hard", {"limits.cpu": "500m"}), say("limitRange.max", {"cpu": 1})),
            "limitRange.max.cpu (1) is more than quota.hard.limits.cpu (500m)",
            id="cores in thousandths",
        ),
        pytest.param(
            merged(say("plane.maxMemory", "60Gi"), say("limitRange.max", {"memory": "32Gi"})),
            "plane.maxMemory (60Gi) is more than limitRange.max.memory (32Gi): a run would grow into a pod that nothing",
            id="growth past the limit range",
        ),
        pytest.param(
            merged(say("plane.maxMemory", "60G"), say("quota.hard", {"requests.memory": "55Gi"})),
            "plane.maxMemory (60G) is more than quota.hard.requests.memory (55Gi)",
            id="growth past the quota",
        ),
        pytest.param(
            say("quota.hard", {"pods": None}),
            "quota.enabled without anything in quota.hard: name an amount, or set quota.enabled to false",
            id="a quota of nothing",
        ),
        pytest.param(
            say("limitRange.defaultRequest.memory", "1Gi"),
            "limitRange.defaultRequest.memory (1Gi) is more than limitRange.default.memory (256Mi)",
            id="a request above its limit",
        ),
        pytest.param(
            say("limitRange.max", {"memory": "128Mi"}),
            "limitRange.default.memory (256Mi) is more than limitRange.max.memory (128Mi)",
            id="a default above the maximum",
        ),
        pytest.param(
            say("queue", {"create": True, "name": "etl"}),
            "queue.create without queue.clusterQueue: name the ClusterQueue behind it (kubectl get clusterqueues)",
            id="a queue to nowhere",
        ),
        pytest.param(
            say("queue", {"name": "etl", "clusterQueue": "shared"}),
            "queue.clusterQueue has no effect on a queue that the chart does not make: remove it, or set queue.create",
            id="a queue that is not made",
        ),
        pytest.param(
            say("priorityClass.create", True),
            "priorityClass.create without priorityClass.name: name it",
            id="a nameless class",
        ),
        pytest.param(
            say("priorityClass", {"create": True, "name": "system-batch"}),
            'priorityClass.name is "system-batch", and Kubernetes keeps system- for itself: choose another name',
            id="a class of the system",
        ),
        pytest.param(
            say("externalSecret", {"create": True, "storeRef": {"name": "vault"}, "remoteRef": {"key": "s3"}}),
            "externalSecret.create without plane.credentials.secretName: name the Secret it makes",
            id="a Secret without a name",
        ),
        pytest.param(
            merged(say("externalSecret.create", True), say("plane.credentials.secretName", "s3")),
            "externalSecret.create without externalSecret.storeRef.name: name the SecretStore to ask",
            id="a vault without a name",
        ),
        pytest.param(
            say("admissionPolicy", {"enabled": True, "images": {"requireDigest": False}}),
            "admissionPolicy allows every image: set admissionPolicy.images.requireDigest, name",
            id="a policy that allows everything",
        ),
        pytest.param(
            merged(say("admissionPolicy.enabled", True), say("image", {"digest": "", "tag": "1"})),
            f'admissionPolicy.images.requireDigest refuses the plane\'s own image "{IMAGE}": set image.digest',
            id="a policy against the plane's own tag",
        ),
        pytest.param(
            say("admissionPolicy", {"enabled": True, "images": {"registries": ["other.example.org/"]}}),
            "admissionPolicy.images.registries refuses the plane's own image",
            id="a policy against the plane's own registry",
        ),
    ],
)
def test_the_chart_says_what_is_wrong_and_what_to_change(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    said = refusal(tmp_path, "polarpod", changes)
    assert "polarpod cannot be installed with these values:" in said
    assert f"- {words}" in said


def test_a_release_whose_name_is_no_name_for_objects_is_told_of_it(tmp_path: Path) -> None:
    said = refusal(tmp_path, "polarpod", {}, release="my.release")
    assert (
        '"my.release-polarpod" is not a name for objects: use a-z, 0-9 and - in the release\'s name, or set fullname' in said
    )


def test_everything_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    said = refusal(tmp_path, "polarpod", merged(say("plane.state", ""), say("queue.create", True)))
    assert said.count(" - ") == 3
