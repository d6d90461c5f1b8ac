"""A namespace of the cluster that `make cluster` makes, for tasks that launch pods there with the launcher's credentials.

What only a test does, it does as the administrator: making the namespace, bringing the jobs there, looking at every pod.
"""

from __future__ import annotations

import base64
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import urllib3
import yaml
from kubernetes import client, config, watch
from tests.airflow.shop import worker_python
from tools.cluster import names

from polarpod.contract.verdict import Category
from polarpod.launch.attempt_records import AttemptInfo
from polarpod.launch.planes.kubernetes.status import Status
from polarpod.launch.planes_file import load_planes, take_credentials
from polarpod.launch.state import State
from polarpod.store.folder import Folder

JOBS = Path(__file__).parent / "jobs"
DAY = "2013-02-01"
LABEL = "polarpod.test/yard"
# far above what a pod takes on a busy machine
PATIENCE_SECONDS = 90.0
_STORAGE = {"region": "us-east-1", "allow_http": True}


def missing() -> str | None:
    """Why there is nothing to run these tests on, in one line; None where there is."""
    if not names.ADMIN.exists():
        return f"no cluster: {names.ADMIN} is not there; `make cluster` makes one"
    try:
        client.VersionApi(config.new_client_from_config(str(names.ADMIN))).get_code(_request_timeout=(2, 5))
    except Exception as error:
        return f"the cluster does not answer ({type(error).__name__}); `make cluster` brings it up"
    return None


@contextmanager
def namespace() -> Iterator[str]:
    """A namespace furnished like the cluster's own, with the jobs in it; gone at the end."""
    api_client = config.new_client_from_config(str(names.ADMIN))
    api, rbac = client.CoreV1Api(api_client), client.RbacAuthorizationV1Api(api_client)
    name = f"airflow-{secrets.token_hex(4)}"
    made, worker, launcher = (_documents(file) for file in ("namespace.yaml", "worker.yaml", "launcher.yaml"))
    api.create_namespace({"metadata": {"name": name, "labels": made["Namespace"]["metadata"]["labels"]}})
    try:
        secret = api.read_namespaced_secret(names.SECRET, names.NAMESPACE).data
        api.create_namespaced_secret(name, {"metadata": {"name": names.SECRET}, "data": secret})
        word = base64.b64encode(b"of-the-secret-5523").decode()
        api.create_namespaced_secret(name, {"metadata": {"name": "tolls"}, "data": {"password": word}})
        api.create_namespaced_config_map(
            name, {"metadata": {"name": "jobs"}, "data": {"tolls.py": (JOBS / "tolls.py").read_text()}}
        )
        api.create_namespaced_service_account(name, _into(name, worker["ServiceAccount"]))
        rbac.create_namespaced_role(name, _into(name, launcher["Role"]))
        rbac.create_namespaced_role_binding(name, _into(name, launcher["RoleBinding"]))
        # pods are refused until it is there
        for change in watch.Watch().stream(api.list_namespaced_config_map, name, timeout_seconds=30):
            if change["object"].metadata.name == "kube-root-ca.crt":
                break
        yield name
    finally:
        api.delete_namespace(name, grace_period_seconds=0)


class Yard:
    """One test's lake, state store and plane, and every pod that was ever made for it."""

    def __init__(self, namespace: str, root: Path, release: Path) -> None:
        self.namespace = namespace
        self.name = secrets.token_hex(6)
        self.root = root
        self.release = release
        self.planes = root / "planes.yaml"
        self.api = client.CoreV1Api(config.new_client_from_config(str(names.ADMIN)))
        self._pods: dict[str, dict[str, Any]] = {}
        self._changed = threading.Condition()
        self.most_at_once = 0
        self._watch = watch.Watch()
        self.write_plane()
        take_credentials(load_planes(self.planes)["kind"])
        self._folder("lake").write("passages.csv", b"gate,cents\nnorth,120\nsouth,80\nnorth,40\n")
        threading.Thread(target=self._look, daemon=True).start()

    def write_plane(self, **more: object) -> None:
        template = self.root / "pod.yaml"
        # file by file: a ConfigMap mounted whole has a second copy of everything in a hidden folder
        mount = {"name": "jobs", "mountPath": "/jobs/tolls.py", "subPath": "tolls.py", "readOnly": True}
        spec = {
            "containers": [{"name": "worker", "volumeMounts": [mount]}],
            "volumes": [{"name": "jobs", "configMap": {"name": "jobs"}}],
        }
        template.write_text(yaml.safe_dump({"spec": spec}))
        keys = {"AWS_ACCESS_KEY_ID": "access-key-id", "AWS_SECRET_ACCESS_KEY": "secret-access-key"}
        plane = {
            "kind": "kubernetes",
            "kubeconfig": str(names.LAUNCHER),
            "namespace": self.namespace,
            "image": names.JOB_IMAGE,
            "image_pull_policy": "Never",
            "service_account": "polarpod-worker",
            "state": f"s3://polarpod/airflow-tests/{self.name}/state",
            "variables": {"lake": f"s3://polarpod/airflow-tests/{self.name}/lake"},
            "storage": {"endpoint_url": names.GATEWAY, **_STORAGE},
            "worker_storage": {"endpoint_url": f"http://versitygw.{names.NAMESPACE}.svc:7070", **_STORAGE},
            "credentials": str(names.S3_KEYS),
            "environment": {"POLARPOD_JOBS": "/jobs", "TOLL_TOKEN": "of-the-plane-4411"},
            "environment_from_secrets": {
                **{name: {"secret": names.SECRET, "key": key} for name, key in keys.items()},
                "TOLL_PASSWORD": {"secret": "tolls", "key": "password"},
            },
            "python": worker_python(),
            "jobs": str(JOBS),
            "labels": {LABEL: self.name},
            "template": str(template),
            "cpu_request": "20m",
            "max_memory": "1Gi",
        }
        self.planes.write_text(json.dumps({"planes": {"kind": plane | more}}, indent=2))

    @property
    def attempts(self) -> list[AttemptInfo]:
        """All attempts of all runs; of one run in the order of their numbers."""
        plane = load_planes(self.planes)["kind"]
        state = State(plane.state, plane.storage)
        return [info for key in sorted(state.run_keys("tolls")) for info in reversed(state.attempts("tolls", key))]

    @property
    def verdicts(self) -> list[Category | None]:
        return [info.record.verdict.category if info.record else None for info in self.attempts]

    @property
    def pods(self) -> list[str]:
        """The uids of all pods that were ever made."""
        with self._changed:
            return list(self._pods)

    def until(self, is_so: Callable[[list[Status]], bool]) -> list[Status]:
        """Waits until all pods, the latest last, are so."""
        limit = time.monotonic() + PATIENCE_SECONDS
        with self._changed:
            while not is_so(found := [Status(pod=pod, gone=bool(pod.get("gone"))) for pod in self._pods.values()]):
                assert self._changed.wait(limit - time.monotonic()), f"not so in {PATIENCE_SECONDS} s: {found}"
            return found

    def until_running(self, number: int = 1) -> str:
        """Waits until so many pods were made and the last of them runs. Returns its name."""
        last = self.until(lambda pods: len(pods) >= number and pods[-1].started)[-1]
        return str(last.pod["metadata"]["name"]) if last.pod else ""

    def until_gone(self) -> None:
        self.until(lambda pods: all(pod.gone for pod in pods))

    def delete(self, pod: str) -> None:
        self.api.delete_namespaced_pod(pod, self.namespace, grace_period_seconds=0)

    def clear(self) -> None:
        """What a test has left."""
        self._watch.stop()
        self.api.delete_collection_namespaced_pod(
            self.namespace, label_selector=f"{LABEL}={self.name}", grace_period_seconds=0
        )
        folder = self._folder("")
        folder.delete([entry.key for entry in folder.list("")])

    def _folder(self, name: str) -> Folder:
        plane = load_planes(self.planes)["kind"]
        return Folder(f"s3://polarpod/airflow-tests/{self.name}/{name}", plane.storage)

    def _look(self) -> None:
        options = {"label_selector": f"{LABEL}={self.name}", "timeout_seconds": 600}
        # `clear` ends the connection under it
        with suppress(urllib3.exceptions.HTTPError, AttributeError):
            for change in self._watch.stream(self.api.list_namespaced_pod, self.namespace, **options):
                pod = change["raw_object"]
                with self._changed:
                    self._pods[pod["metadata"]["uid"]] = pod | ({"gone": True} if change["type"] == "DELETED" else {})
                    alive = sum(not Status(pod=pod, gone=bool(pod.get("gone"))).over for pod in self._pods.values())
                    self.most_at_once = max(self.most_at_once, alive)
                    self._changed.notify_all()


def _documents(file: str) -> dict[str, dict[str, Any]]:
    """Of a manifest, by their kind."""
    return {one["kind"]: one for one in yaml.safe_load_all((names.HERE / "manifests" / file).read_text())}


def _into(namespace: str, document: dict[str, Any]) -> dict[str, Any]:
    return {**document, "metadata": {**document["metadata"], "namespace": namespace}}
