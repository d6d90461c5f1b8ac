"""A namespace of a real cluster in which pods are brought to every kind of end, and what the API server then says of them.

Only polarpod's judgement is under test, so the pods are raw ones: a script in the job image, and as little else as it takes.
"""

from __future__ import annotations

import json
import os
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client, config, watch
from kubernetes.client.exceptions import ApiException
from tests.contract.samples import UID
from tools.cluster.names import ADMIN, JOB_IMAGE

from polarpod.contract.message import Message, encode
from polarpod.contract.resources import MIB
from polarpod.contract.verdict import Verdict
from polarpod.launch.planes.kubernetes.status import Refusal, Status
from polarpod.launch.planes.kubernetes.verdicts.diagnose import diagnose

FIXTURES = Path(__file__).parents[1] / "fixtures" / "pods"
RECORD = os.environ.get("POLARPOD_RECORD") == "1"
LABEL = "polarpod.dev/test"
# an eviction for disk waits for the kubelet's next look at it, which may be a minute away
PATIENCE_SECONDS = 100

HEARTBEAT = Message(kind="heartbeat", uid=UID, phase="stage", rows=12_345, elapsed_seconds=1.5, memory_peak_bytes=70 * MIB)
# says what a worker would say last; scripts go on from here
SAY = f"import os, sys, time, signal\nopen('/dev/termination-log', 'w').write({encode(HEARTBEAT).decode()!r})\n"

LIMIT = 100 * MIB
SLEEP = "time.sleep(600)"
STUBBORN = "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + SLEEP
ORDERLY = "signal.signal(signal.SIGTERM, lambda *_: os._exit(143))\n" + SLEEP


def python(script: str, **container: Any) -> dict[str, Any]:
    """A pod spec whose worker runs a script, after a heartbeat."""
    worker = {
        "name": "worker",
        "image": JOB_IMAGE,
        "imagePullPolicy": "IfNotPresent",
        "command": ["python", "-u", "-c", SAY + script],
        **container,
    }
    return {"restartPolicy": "Never", "terminationGracePeriodSeconds": 2, "containers": [worker]}


def limited(script: str, **limits: str) -> dict[str, Any]:
    """Likewise, with requests and limits."""
    return python(script, resources={"limits": limits, "requests": limits})


def started(status: Status) -> bool:
    return status.started


class Scene:
    """One namespace, and what is known of the pods in it."""

    def __init__(self, api: client.CoreV1Api, namespace: str) -> None:
        self.api = api
        self.namespace = namespace

    def create(self, name: str, spec: dict[str, Any], *, namespace: str | None = None, **options: Any) -> Refusal | None:
        """Creates a pod; what the API server answered, where it did not take it."""
        body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {LABEL: "ending"}}, "spec": spec}
        try:
            self.api.create_namespaced_pod(namespace or self.namespace, body, **options)
        except ApiException as error:
            told = json.loads(error.body)
            return Refusal(int(error.status), told.get("reason", ""), told.get("message", ""))
        return None

    def refuses(self, spec: dict[str, Any]) -> Refusal:
        """The answer to a pod, once it is a refusal: the API server learns of webhooks and policies by and by, and tells
        nobody when."""
        limit = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < limit:
            if refusal := self.create("refused", spec, dry_run="All"):
                return refusal
            time.sleep(0.2)
        raise AssertionError(f"the API server still takes it after {PATIENCE_SECONDS} s")

    def delete(self, name: str, **options: Any) -> None:
        with suppress(ApiException):
            self.api.delete_namespaced_pod(name, self.namespace, **options)

    def seen(self, name: str, since: Status | None) -> Iterator[Status]:
        """A pod, at every change, until it is gone."""
        options = {"resource_version": since.pod["metadata"]["resourceVersion"]} if since and since.pod else {}
        for change in watch.Watch().stream(
            self.api.list_namespaced_pod,
            self.namespace,
            field_selector=f"metadata.name={name}",
            timeout_seconds=PATIENCE_SECONDS,
            **options,
        ):
            yield Status(pod=change["raw_object"], gone=change["type"] == "DELETED")

    def wait(self, name: str, until: Callable[[Status], bool], *, since: Status | None = None) -> Status:
        """The first state of a pod, or the first after a known one, that is what is waited for."""
        last = Status()
        for status in self.seen(name, since):
            last = status
            if until(status):
                return status
        raise AssertionError(f"{name} did not get there in {PATIENCE_SECONDS} s; last seen: {json.dumps(last.pod)}")

    def with_events(self, name: str, status: Status, reason: str) -> Status:
        """The status with the pod's events, once one of them has a reason."""
        selector = f"involvedObject.name={name}"
        for change in watch.Watch().stream(
            self.api.list_namespaced_event, self.namespace, field_selector=selector, timeout_seconds=PATIENCE_SECONDS
        ):
            event = change["raw_object"]
            # a busy kubelet has not read the object yet; it looks again, and then says what is wrong with it
            if event["reason"] == reason and "failed to sync" not in event["message"]:
                listed = self.api.list_namespaced_event(self.namespace, field_selector=selector, _preload_content=False)
                return status._replace(events=json.loads(listed.data)["items"])
        raise AssertionError(f"no event {reason} of {name} in {PATIENCE_SECONDS} s")


@contextmanager
def namespace_of(api: client.CoreV1Api, **labels: str) -> Iterator[Scene]:
    """A namespace of its own, which takes everything in it away at the end."""
    name = f"endings-{secrets.token_hex(4)}"
    api.create_namespace({"metadata": {"name": name, "labels": {LABEL: "endings", **labels}}})
    try:
        # pods are refused until the namespace has its service account
        for change in watch.Watch().stream(api.list_namespaced_service_account, name, timeout_seconds=PATIENCE_SECONDS):
            if change["object"].metadata.name == "default":
                break
        yield Scene(api, name)
    finally:
        # at once: nobody needs these pods to end well
        with suppress(ApiException):
            api.delete_collection_namespaced_pod(name, grace_period_seconds=0)
        api.delete_namespace(name)


def cluster() -> client.CoreV1Api:
    # never whatever KUBECONFIG happens to name
    if not ADMIN.exists():
        pytest.skip(f"no cluster: {ADMIN} does not exist; make cluster")
    return client.CoreV1Api(config.new_client_from_config(str(ADMIN)))


def judged(fixture: str, status: Status, scene: Scene) -> Verdict:
    """What diagnose makes of it, without a receipt."""
    record(fixture, status, scene)
    return diagnose(status, None, uid=UID, memory_limit_bytes=LIMIT)


def record(fixture: str, status: Status, scene: Scene) -> None:
    """Keeps what was seen as a fixture of the pure tests, if asked to."""
    if not RECORD:
        return
    version = client.VersionApi(scene.api.api_client).get_code().git_version
    document = {
        "source": f"recorded on kind, Kubernetes {version}",
        "pod": status.pod,
        "events": list(status.events),
        "gone": status.gone,
        "stop_requested": status.stop_requested,
        "refusal": status.refusal._asdict() if status.refusal else None,
    }
    # who wrote which field is half of the document and none of the story; a random name would differ at every recording
    text = json.dumps(_without(document, "managedFields"), indent=1, ensure_ascii=False)
    (FIXTURES / f"{fixture}.json").write_text(text.replace(scene.namespace, "endings") + "\n")


def _without(value: Any, key: str) -> Any:
    if isinstance(value, dict):
        return {name: _without(part, key) for name, part in value.items() if name != key}
    return [_without(one, key) for one in value] if isinstance(value, list) else value
