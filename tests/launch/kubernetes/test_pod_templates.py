"""A user's pod template: what it adds arrives, what it contradicts or weakens is refused with the place and the reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.launch.kubernetes.attempts import CONTEXT, data_of, plane

from polarpod.contract.verdict import Category, PolarpodError
from polarpod.launch.planes.kubernetes.render.template import pod_of

SIDECAR = """\
spec:
  containers:
    - name: proxy
      image: proxy:1
      resources: {limits: {memory: 64Mi}}
      securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
"""


def pod_with(template: str, tmp_path: Path) -> dict[str, Any]:
    path = tmp_path / "template.yaml"
    path.write_text(template)
    return pod_of(CONTEXT, data_of(CONTEXT), plane(template=str(path)))


def refusal(template: str, tmp_path: Path) -> list[str]:
    """What is said of a template that cannot be used, without the file's name."""
    with pytest.raises(PolarpodError) as caught:
        pod_with(template, tmp_path)
    verdict = caught.value.verdict
    assert verdict.category is Category.REQUEST_INVALID
    assert verdict.summary == "the plane's pod template cannot be used"
    assert verdict.evidence[0] == str(tmp_path / "template.yaml")
    assert verdict.remedy
    return verdict.evidence[1:]


def test_a_template_adds_labels_volumes_variables_and_sidecars(tmp_path: Path) -> None:
    added = yaml.safe_load(SIDECAR)
    added["metadata"] = {"labels": {"zone": "data"}}
    added["spec"]["volumes"] = [{"name": "ca", "configMap": {"name": "ca"}}]
    added["spec"]["containers"].append(
        {
            "name": "worker",
            "env": [{"name": "SSL_CERT_FILE", "value": "/ca/ca.crt"}],
            "volumeMounts": [{"name": "ca", "mountPath": "/ca"}],
        }
    )
    pod = pod_with(yaml.safe_dump(added), tmp_path)
    worker, proxy = pod["spec"]["containers"]
    assert proxy["name"] == "proxy"
    assert {"name": "SSL_CERT_FILE", "value": "/ca/ca.crt"} in worker["env"]
    assert [mount["mountPath"] for mount in worker["volumeMounts"]] == ["/scratch", "/ca"]
    assert [volume["name"] for volume in pod["spec"]["volumes"]] == ["scratch", "ca"]
    assert pod["metadata"]["labels"]["zone"] == "data"
    assert pod["metadata"]["labels"]["polarpod.dev/job"] == "airport_delays"


def test_an_image_built_for_another_user_may_run_as_it(tmp_path: Path) -> None:
    pod = pod_with("spec: {securityContext: {runAsUser: 1000}}", tmp_path)
    assert pod["spec"]["securityContext"]["runAsUser"] == 1000


def test_tolerations_of_template_and_plane_add_up(tmp_path: Path) -> None:
    path = tmp_path / "template.yaml"
    path.write_text("spec: {tolerations: [{key: b}]}")
    pod = pod_of(CONTEXT, data_of(CONTEXT), plane(template=str(path), tolerations=[{"key": "a"}]))
    assert pod["spec"]["tolerations"] == [{"key": "a"}, {"key": "b"}]


@pytest.mark.parametrize(
    ("template", "said"),
    [
        pytest.param(
            "spec: {restartPolicy: Always}",
            "spec.restartPolicy: polarpod sets 'Never', the template 'Always'; leave it out",
            id="restarts",
        ),
        pytest.param(
            "spec: {containers: [{name: worker, image: other}]}",
            "spec.containers[worker].image: polarpod sets 'jobs:1', the template 'other'; set `image` of the plane instead",
            id="another image",
        ),
        pytest.param(
            "spec: {containers: [{name: worker, resources: {limits: {memory: 8Gi}}}]}",
            "spec.containers[worker].resources.limits.memory: polarpod sets '4096Mi', the template '8Gi'; "
            "set `memory` in @job instead",
            id="another limit",
        ),
        pytest.param(
            "spec: {serviceAccountName: admin}",
            "spec.serviceAccountName: polarpod sets 'default', the template 'admin'; "
            "set `service_account` of the plane instead",
            id="another account",
        ),
        pytest.param(
            "spec: {automountServiceAccountToken: true}",
            "spec.automountServiceAccountToken: polarpod sets False, the template True; leave it out",
            id="a token",
        ),
        pytest.param(
            "spec: {hostNetwork: true}",
            "spec.hostNetwork: a worker must not share the node's or its neighbours' namespaces",
            id="the node's network",
        ),
        pytest.param(
            "spec: {volumes: [{name: root, hostPath: {path: /}}]}",
            "spec.volumes[root].hostPath: pod security `restricted` does not allow it",
            id="the node's disk",
        ),
        pytest.param(
            "spec: {volumes: [{name: t, projected: {sources: [{serviceAccountToken: {path: t}}]}}]}",
            "spec.volumes[t].projected: a worker gets no token for the API server",
            id="a projected token",
        ),
        pytest.param(
            "spec: {securityContext: {runAsUser: 0}}",
            "spec.securityContext.runAsUser: a worker must not run as root",
            id="root",
        ),
        pytest.param(
            "spec: {containers: [{name: worker, securityContext: {privileged: true}}]}",
            "spec.containers[worker].securityContext.privileged: a privileged container owns the node",
            id="privileged",
        ),
        pytest.param(
            "spec: {containers: [{name: worker, securityContext: {capabilities: {add: [SYS_ADMIN]}}}]}",
            "spec.containers[worker].securityContext.capabilities.add: SYS_ADMIN is not allowed",
            id="a capability",
        ),
        pytest.param(
            SIDECAR.replace("{limits: {memory: 64Mi}}", "{}"),
            "spec.containers[proxy].resources.limits.memory: a container without a limit takes it from the worker",
            id="a sidecar without a limit",
        ),
        pytest.param(
            SIDECAR.replace("[ALL]", "[]"),
            "spec.containers[proxy].securityContext.capabilities.drop: must have ALL",
            id="a sidecar with capabilities",
        ),
        pytest.param("spec: {containers: [{image: x}]}", "spec.containers: every member needs `name`", id="no name"),
        pytest.param("kind: Deployment", "it must be a Pod; it has Deployment", id="another kind"),
        pytest.param("spec: []", "it must be a mapping with spec, or metadata and spec", id="a list"),
        pytest.param("template: {}", "it must be a Pod; it has template", id="another key"),
    ],
)
def test_a_template_that_contradicts_or_weakens_is_refused(template: str, said: str, tmp_path: Path) -> None:
    assert said in refusal(template, tmp_path)


def test_every_place_is_named_at_once(tmp_path: Path) -> None:
    said = refusal("spec: {hostPID: true, hostIPC: true, restartPolicy: Always}", tmp_path)
    assert len(said) == 3


def test_text_that_is_no_yaml_is_refused(tmp_path: Path) -> None:
    (said,) = refusal("spec: {", tmp_path)
    assert said.startswith("ParserError: ")


def test_a_template_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PolarpodError, match="No such file"):
        pod_of(CONTEXT, data_of(CONTEXT), plane(template=str(tmp_path / "absent.yaml")))
