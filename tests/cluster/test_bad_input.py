"""A mistake in a plane or a request, through the command line against the real API server: each ends in words, at once.

None of them may start a pod, show a traceback or quote a token.
"""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes import client, config
from tests.support.kind import Kind
from tests.support.workshop import Workshop
from tools.cluster import names

from polarpod.launch.planes.kubernetes.config import KubernetesPlane

JOB = """
@job(inputs={}, output=Delta("{lake}/made", replace={}), memory="MEMORY")
def makes():
    return pl.LazyFrame({"x": [1]})
"""
TOKEN = "not-the-launchers-token"


@pytest.fixture
def workshop(kind: Kind, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workshop]:
    with kind.lake() as lake:
        for name, value in lake.environment.items():
            monkeypatch.setenv(name, value)
        made = Workshop(tmp_path, lake.uri, lake.storage, lake.environment, max_memory="100Ti", site=kind)
        made.write_job(JOB.replace("MEMORY", "256Mi"))
        yield made


Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(workshop: Workshop) -> Run:
    """Runs the job on a plane with these keys changed; exit code and everything that was said."""

    def execute(*arguments: str, **changes: Any) -> tuple[int, str]:
        plane = workshop.plane
        assert isinstance(plane, KubernetesPlane)
        import msgspec

        fields = {key: value for key, value in msgspec.to_builtins(plane).items() if value not in (None, {}, [])} | changes
        path = workshop.root / "planes.yaml"
        path.write_text(yaml.safe_dump({"planes": {"pods": fields}}))
        command = [sys.executable, "-c", "from polarpod.cli import main; main()", "run", "makes", "--planes", str(path)]
        done = subprocess.run(
            [*command, *(arguments or ("--plane", "pods"))],
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | {"XDG_CACHE_HOME": str(workshop.root / "cache")},
        )
        said = done.stdout + done.stderr
        assert "Traceback" not in said, said
        assert TOKEN not in said
        return done.returncode, " ".join(said.split())

    return execute


@pytest.fixture
def kubeconfig(tmp_path: Path) -> Callable[..., str]:
    """The launcher's kubeconfig with something wrong in it."""

    def write(**changes: Any) -> str:
        document = yaml.safe_load(names.LAUNCHER.read_text())
        document["clusters"][0]["cluster"] |= changes.get("cluster", {})
        document["users"][0]["user"] = changes.get("user", document["users"][0]["user"])
        path = tmp_path / "kubeconfig"
        path.write_text(yaml.safe_dump(document))
        return str(path)

    return write


def assert_says(answer: tuple[int, str], code: int, *words: str) -> None:
    assert answer[0] == code, answer[1]
    for one in (*words, "what to do: "):
        assert one in answer[1]


def test_an_unknown_plane(run: Run) -> None:
    assert_says(run("--plane", "pod"), 2, "there is no plane 'pod'", "Did you mean 'pods'?")


def test_a_kubeconfig_that_is_not_there(run: Run) -> None:
    answer = run(kubeconfig="/nowhere/kubeconfig")
    assert_says(answer, 2, "the cluster's configuration cannot be used", "no such file: /nowhere/kubeconfig")


def test_a_context_that_the_kubeconfig_does_not_have(run: Run) -> None:
    assert_says(run(context="prod"), 2, "the cluster's configuration cannot be used", "context prod")


def test_a_kubeconfig_that_is_no_kubeconfig(run: Run, tmp_path: Path) -> None:
    (tmp_path / "kubeconfig").write_text("{")
    assert_says(run(kubeconfig=str(tmp_path / "kubeconfig")), 2, "the cluster's configuration cannot be used")


def test_a_token_that_has_expired_or_never_was(run: Run, kubeconfig: Callable[..., str]) -> None:
    answer = run(kubeconfig=kubeconfig(user={"token": TOKEN}))
    assert_says(answer, 30, "plane_denied", "401")


def test_a_certificate_of_another_authority(run: Run, kubeconfig: Callable[..., str]) -> None:
    import ssl

    # any other certificate; the one here is a root that this machine knows
    other = ssl.DER_cert_to_PEM_cert(ssl.create_default_context().get_ca_certs(binary_form=True)[0])
    path = kubeconfig(cluster={"certificate-authority-data": base64.b64encode(other.encode()).decode()})
    assert_says(run(kubeconfig=path), 66, "cannot be reached", "certificate", "get a fresh kubeconfig")


def test_a_cluster_that_is_not_there(run: Run, kubeconfig: Callable[..., str]) -> None:
    answer = run(kubeconfig=kubeconfig(cluster={"server": "https://127.0.0.1:1"}))
    assert_says(answer, 66, "the cluster's API server cannot be reached", "Connection refused", "kubectl cluster-info")


def test_a_namespace_that_is_not_there(run: Run) -> None:
    # a launcher without rights in it is told that first, as the API server does
    assert_says(run(namespace="nowhere"), 30, 'cannot create resource "pods"', 'in the namespace "nowhere"')


def test_a_service_account_that_is_not_there(run: Run) -> None:
    assert_says(run(service_account="nobody"), 18, "nobody", "service_account")


def test_a_priority_class_that_is_not_there(run: Run) -> None:
    assert_says(run(priority_class="urgent"), 18, "urgent", "priority_class")


def test_an_image_that_is_no_image(run: Run) -> None:
    assert_says(run(image="Not An Image"), 17, "Not An Image", "`image` of the plane")


def test_an_image_that_nobody_has(run: Run) -> None:
    assert_says(run(image="polarpod-nothing:dev", image_pull_policy="Never"), 17, "polarpod-nothing:dev")


def test_a_secret_that_is_not_there(run: Run) -> None:
    answer = run(environment_from_secrets={"KEY": {"secret": "absent", "key": "k"}})
    assert_says(answer, 18, 'secret "absent" not found', "environment_from_secrets")


def test_memory_that_no_node_has(run: Run, workshop: Workshop) -> None:
    workshop.write_job(JOB.replace("MEMORY", "90Ti"))
    assert_says(run(), 31, "resources_impossible", "memory")


def test_memory_that_no_quota_gives(run: Run, workshop: Workshop, kind: Kind) -> None:
    api = client.CoreV1Api(config.new_client_from_config(str(names.ADMIN)))
    quota = {"metadata": {"name": "small"}, "spec": {"hard": {"requests.memory": "100Mi"}}}
    api.create_namespaced_resource_quota(kind.name, quota)
    try:
        assert_says(run(), 31, "resources_impossible", "quota", "small")
    finally:
        api.delete_namespaced_resource_quota("small", kind.name)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        pytest.param({"spill": "2GB"}, "'2GB' is not an amount of memory", id="spill"),
        pytest.param({"cpu_request": "half"}, "'half' is not an amount of CPU", id="cpu"),
        pytest.param({"max_memory": "1Mi"}, "no worker runs in less than 256 MiB", id="too little memory"),
        pytest.param({"namespace": "Not_DNS"}, "'Not_DNS' is not a namespace: at most 63 of a-z", id="namespace"),
        pytest.param({"namespace": "n" * 64}, "is not a namespace: at most 63", id="a long namespace"),
        pytest.param({"service_account": "a b"}, "'a b' is not a name", id="service account"),
        pytest.param({"labels": {"polarpod.dev/job": "x"}}, "is polarpod's own", id="a label of ours"),
        pytest.param({"start_timeout_seconds": 0}, "start_timeout_seconds", id="no time to start"),
        pytest.param({"image": " "}, "is not an image", id="no image"),
    ],
)
def test_a_plane_that_cannot_be_is_an_error_of_its_file(run: Run, changes: dict[str, Any], words: str) -> None:
    assert_says(run(**changes), 2, "the planes file is wrong", words, "planes.yaml:")


def test_a_template_that_breaks_the_hardening(run: Run, tmp_path: Path) -> None:
    (tmp_path / "weak.yaml").write_text("spec: {hostNetwork: true}")
    answer = run(template=str(tmp_path / "weak.yaml"))
    assert_says(answer, 2, "the plane's pod template cannot be used", "spec.hostNetwork")
