"""A namespace of the cluster that `make cluster` makes, as a site: workers are pods on a real kubelet.

The launcher side has the launcher's credentials and no more. What only a test does, it does as the administrator: making
the namespace, bringing a test's jobs there (a ConfigMap that a pod template mounts), and killing inside the node.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import yaml
from kubernetes import client, config, watch
from kubernetes.client.exceptions import ApiException
from tests.fixtures.object_store import Lake
from tests.support.site import Said
from tools.cluster import names

from polarpod.contract import labels
from polarpod.contract.context import Context, Storage
from polarpod.launch.listener import Listener
from polarpod.launch.planes.kubernetes.cluster import connect
from polarpod.launch.planes.kubernetes.config import KubernetesPlane, SecretKey
from polarpod.launch.planes.kubernetes.launcher import PodLauncher
from polarpod.store.code_version import code_version
from polarpod.store.code_version import files as code_files
from polarpod.store.folder import Folder
from polarpod.store.location import join

if TYPE_CHECKING:
    from tests.support.workshop import Workshop

REQUIRED = "POLARPOD_CLUSTER_REQUIRED"
REGION = "us-east-1"
JOBS = "/jobs"
LABEL = "polarpod.dev/test"
_KEYS = {"AWS_ACCESS_KEY_ID": "access-key-id", "AWS_SECRET_ACCESS_KEY": "secret-access-key"}
# of the kernel's, for one variable; a context that is longer has to come by its URI
_LONGEST_VARIABLE_BYTES = 128 * 1024
# of pods that take up to their grace period to go
_PATIENCE_SECONDS = 30.0
# Finds one attempt's processes, and signals the victim among them. A process is the attempt's by the context in its
# environment; the first one, the supervisor, by its number in its own container. One trip into the node, so that it is
# quick; with a delay it waits there for the victim to be born, and so long after that.
_IN_NODE = r"""
uid=$1 victim=$2 number=$3 delay=$4
look() {
    supervisor= child= all= found=
    local place pid name first rest state parent one
    for place in $(grep -ls "$uid" /proc/[0-9]*/environ 2>/dev/null); do
        pid=${place#/proc/} pid=${pid%/environ} state=Z
        while read -r name first rest; do
            case $name in
                State:) state=$first ;;
                PPid:) parent=$first ;;
                NSpid:) [ "${rest##*[[:space:]]}" = 1 ] && [ "$state" != Z ] && supervisor=$pid ;;
            esac
        done 2>/dev/null < "/proc/$pid/status"
        [ "$state" = Z ] || all="$all $pid:$parent:$state"
    done
    for one in $all; do
        IFS=: read -r pid parent state <<< "$one"
        [ -n "$supervisor" ] && [ "$parent" = "$supervisor" ] && child=${child:-$pid:$state}
    done
    case $victim in
        supervisor) found=$supervisor ;;
        child) found=${child%:*} ;;
        group) found=$(for one in $all; do echo "${one%%:*}"; done) ;;
    esac
}
look
if [ -n "$delay" ]; then
    until [ -n "$found" ]; do
        [ -n "$seen" ] && [ -z "$all" ] && exit
        seen=$all
        sleep 0.02
        look
    done
    sleep "$delay"
    look
fi
[ "$victim" = state ] && echo "${child#*:}"
[ -n "$found" ] && kill -"$number" $found && echo signalled
"""


@cache
def missing() -> str | None:
    """What a suite in a cluster lacks here, in one line; None where it can run."""
    for path in (names.ADMIN, names.LAUNCHER):
        if not path.exists():
            return f"no cluster: {path} is not there; `make cluster` makes one"
    if not shutil.which("docker"):
        return "no cluster: there is no docker on $PATH, in whose containers its node runs"
    try:
        client.VersionApi(config.new_client_from_config(str(names.ADMIN))).get_code(_request_timeout=(2, 5))
        urllib.request.urlopen(f"{names.GATEWAY}/health", timeout=5).close()
    except Exception as error:  # whatever kubeconfigs, sockets and clients raise
        return f"the cluster does not answer ({type(error).__name__}); `make cluster` brings it up"
    return None


class Kind:
    """One namespace, its launcher's credentials and the store beside it."""

    victims = ("child", "supervisor", "pod")

    def __init__(self, api: client.CoreV1Api, name: str, keys: dict[str, str]) -> None:
        self._api = api
        self.name = name
        self._keys = keys
        self._shipped: set[str] = set()
        import boto3  # Airflow's environments, which find these tests' conftest, have none

        self._s3 = boto3.client("s3", endpoint_url=names.GATEWAY, region_name=REGION, **_for_boto(keys))

    def plane(self, workshop: Workshop) -> KubernetesPlane:
        own = set(workshop.extra_environment)
        return KubernetesPlane(
            namespace=self.name,
            kubeconfig=str(names.LAUNCHER),
            image=names.JOB_IMAGE,
            image_pull_policy="Never",
            service_account="polarpod-worker",
            state=join(workshop.lake, "_state"),
            variables={"lake": workshop.lake},
            storage=workshop.storage,
            worker_storage=Storage(
                endpoint_url=f"http://versitygw.{names.NAMESPACE}.svc:7070", region=REGION, allow_http=True
            ),
            environment={"POLARPOD_JOBS": JOBS, **workshop.extra_environment},
            environment_from_secrets={
                name: SecretKey(secret=names.SECRET, key=key) for name, key in _KEYS.items() if name not in own
            },
            python=sys.executable,
            jobs=str(workshop.jobs),
            template=str(self._template(workshop)),
            # waiting dominates: many of them share a core
            cpu_request="20m",
            max_memory=workshop.max_memory,
        )

    def _template(self, workshop: Workshop) -> Path:
        """Brings the jobs directory as it is now into the namespace. Returns a pod template that mounts it."""
        files = {path.relative_to(workshop.jobs).as_posix(): path.read_text() for path in code_files(workshop.jobs)}
        name = f"jobs-{code_version(workshop.jobs)}"
        if name not in self._shipped:
            data = {_key(path): text for path, text in files.items()}
            with _unless(409):
                self._api.create_namespaced_config_map(
                    self.name, {"metadata": {"name": name}, "data": data, "immutable": True}
                )
            self._shipped.add(name)
        # file by file: a ConfigMap mounted whole has a second copy of everything in a hidden folder
        mounts = [{"name": "jobs", "mountPath": f"{JOBS}/{path}", "subPath": _key(path), "readOnly": True} for path in files]
        spec = {
            "containers": [{"name": "worker", "volumeMounts": mounts}],
            "volumes": [{"name": "jobs", "configMap": {"name": name}}],
        }
        path = workshop.root / "pod.yaml"
        path.write_text(yaml.safe_dump({"metadata": {"labels": {LABEL: "suite"}}, "spec": spec}))
        return path

    def leftovers(self, workshop: Workshop) -> list[str]:
        """Pods that nobody has taken away. A test has the namespace to itself."""
        # the kubelet takes two seconds over an ended pod that was deleted; that it does is seen once, at the end
        found = [pod["metadata"]["name"] for pod in self._pods() if "deletionTimestamp" not in pod["metadata"]]
        for name in found:
            self.delete(name, grace_period_seconds=0)
        return found

    def assert_empty(self) -> None:
        """Every pod of every test is gone, or will be in a moment."""
        limit = time.monotonic() + _PATIENCE_SECONDS
        while found := self._pods():
            assert time.monotonic() < limit, [pod["metadata"]["name"] for pod in found]
            time.sleep(0.2)

    def _pods(self) -> list[dict[str, Any]]:
        return list(json.loads(self._api.list_namespaced_pod(self.name, _preload_content=False).data)["items"])

    def delete(self, pod: str, **options: Any) -> None:
        """As `kubectl delete pod` does."""
        with _unless(404):
            self._api.delete_namespaced_pod(pod, self.name, **options)

    def delete_attempt(self, uid: str) -> bool:
        """Deletes an attempt's pod. False where there is none, or it is being deleted already."""
        found = [pod for pod in self._pods() if pod["metadata"]["labels"].get(labels.ATTEMPT_UID) == uid]
        if not found or "deletionTimestamp" in found[0]["metadata"]:
            return False
        self.delete(found[0]["metadata"]["name"])
        return True

    def body(self, workshop: Workshop, uid: str) -> PodBody:
        return PodBody(self, uid)

    def with_changed_context(
        self, workshop: Workshop, context: Context, data: bytes, change: Callable[[bytes], bytes], *, signed: bool
    ) -> Said:
        plane = workshop.plane
        assert isinstance(plane, KubernetesPlane)
        changed = change(data)

        def finish(manifest: dict[str, Any]) -> dict[str, Any]:
            [worker] = manifest["spec"]["containers"]
            variables = {one["name"]: one for one in worker["env"]}
            if len(changed) < _LONGEST_VARIABLE_BYTES:
                variables["POLARPOD_CONTEXT"]["value"] = changed.decode().replace("$(", "$$(")
                if not signed:
                    del variables["POLARPOD_CONTEXT_SHA256"]
            else:
                Folder(context.attempt_uri, workshop.storage).write("changed.json", changed)
                del variables["POLARPOD_CONTEXT"]
                more = {
                    "POLARPOD_CONTEXT_URI": f"{context.attempt_uri}/changed.json",
                    "AWS_ENDPOINT_URL": context.storage.endpoint_url,
                    "AWS_REGION": context.storage.region,
                }
                variables |= {name: {"name": name, "value": value} for name, value in more.items()}
            worker["env"] = list(variables.values())
            return manifest

        # a release that was rolled out meanwhile
        plane = msgspec.structs.replace(plane, template=str(self._template(workshop)))
        ended = PodLauncher(plane, connect(plane), finish=finish).run(context, data, Listener())
        ended.release()  # a launcher does it once the verdict is recorded; none is recorded here
        return Said(ended.end.terminated["exitCode"], ended.log.decode())  # type: ignore[attr-defined]

    @contextmanager
    def lake(self) -> Iterator[Lake]:
        """A bucket of its own."""
        bucket = f"lake-{secrets.token_hex(8)}"
        self._s3.create_bucket(Bucket=bucket)
        try:
            yield Lake(
                name="kind",
                uri=f"s3://{bucket}",
                storage=Storage(endpoint_url=names.GATEWAY, region=REGION, allow_http=True),
                environment={
                    **self._keys,
                    "AWS_REGION": REGION,
                    "AWS_DEFAULT_REGION": REGION,
                    "AWS_EC2_METADATA_DISABLED": "true",
                },
            )
        finally:
            for page in self._s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
                if found := [{"Key": one["Key"]} for one in page.get("Contents", ())]:
                    self._s3.delete_objects(Bucket=bucket, Delete={"Objects": found, "Quiet": True})
            with suppress(Exception):  # a folder marker may be left; it goes with the cluster
                self._s3.delete_bucket(Bucket=bucket)


class PodBody:
    """The processes of a pod, seen from its node."""

    def __init__(self, kind: Kind, uid: str) -> None:
        self._kind = kind
        self._uid = uid

    def born(self) -> bool:
        return True  # a test that needs a process waits for it: not every one does, and each look is a trip into the node

    def signal(self, number: signal.Signals, victim: str) -> bool:
        if victim == "pod":
            return self._kind.delete_attempt(self._uid)
        return "signalled" in _in_node(self._uid, victim, str(int(number)))

    def kill_in(self, seconds: float, victim: str) -> bool:
        if victim == "pod":
            time.sleep(seconds)
            return self.signal(signal.SIGKILL, victim)
        return "signalled" in _in_node(self._uid, victim, str(int(signal.SIGKILL)), f"{seconds:.3f}")

    def stands_still(self) -> bool:
        return _in_node(self._uid, "state", "0").strip() == "T"

    def assert_gone(self) -> None:
        limit = time.monotonic() + _PATIENCE_SECONDS
        while _in_node(self._uid, "group", "0"):
            assert time.monotonic() < limit, "a process of the worker lives in the node"


def _in_node(*arguments: str) -> str:
    command = ["docker", "exec", names.NODE, "timeout", "60", "bash", "-c", _IN_NODE, "bash", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


@contextmanager
def namespace() -> Iterator[Kind]:
    """A namespace of its own, furnished as `make cluster` furnishes its own one; gone at the end."""
    api_client = config.new_client_from_config(str(names.ADMIN))
    api, rbac = client.CoreV1Api(api_client), client.RbacAuthorizationV1Api(api_client)
    name = f"suite-{secrets.token_hex(4)}"
    secret = api.read_namespaced_secret(names.SECRET, names.NAMESPACE).data
    [own, worker, launcher] = (_manifests(file) for file in ("namespace.yaml", "worker.yaml", "launcher.yaml"))
    api.create_namespace({"metadata": {"name": name, "labels": own["Namespace"]["metadata"]["labels"] | {LABEL: "suite"}}})
    try:
        api.create_namespaced_secret(name, {"metadata": {"name": names.SECRET}, "data": secret})
        api.create_namespaced_service_account(name, _into(name, worker["ServiceAccount"]))
        rbac.create_namespaced_role(name, _into(name, launcher["Role"]))
        # its subject is the launcher's account where it is, in the cluster's own namespace
        rbac.create_namespaced_role_binding(name, _into(name, launcher["RoleBinding"]))
        # pods are refused until it is there
        for change in watch.Watch().stream(api.list_namespaced_config_map, name, timeout_seconds=30):
            if change["object"].metadata.name == "kube-root-ca.crt":
                break
        made = Kind(api, name, {name: base64.b64decode(secret[key]).decode() for name, key in _KEYS.items()})
        yield made
        made.assert_empty()
    finally:
        api.delete_namespace(name, grace_period_seconds=0)


def _manifests(file: str) -> dict[str, dict[str, Any]]:
    """The documents of a manifest by their kind."""
    return {one["kind"]: one for one in yaml.safe_load_all((names.HERE / "manifests" / file).read_text())}


def _into(namespace: str, document: dict[str, Any]) -> dict[str, Any]:
    return {**document, "metadata": {**document["metadata"], "namespace": namespace}}


def _key(path: str) -> str:
    return path.replace("/", "__")


def _for_boto(keys: dict[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in keys.items()}


@contextmanager
def _unless(code: int) -> Iterator[None]:
    """Lets one answer of the API server pass."""
    try:
        yield
    except ApiException as error:
        if error.status != code:
            raise


def required() -> bool:
    return os.environ.get(REQUIRED) == "1"
