"""An attempt as a Pod, rendered from one hardened template. Pure; plain JSON, so that it is its own golden file.

Hardened means Pod Security Standard `restricted` in full, no service-account token, a read-only root, and limits for all
that a node can run out of. Memory's request equals its limit: a worker that uses more than it requests is evicted first when
the node runs short.
"""

from __future__ import annotations

import hashlib
import math
from typing import Any

import msgspec

from polarpod.contract import labels
from polarpod.contract.context import Context
from polarpod.contract.resources import MIB, parse_bytes, parse_cores
from polarpod.launch.planes.kubernetes.config import KubernetesPlane
from polarpod.launch.planes.kubernetes.render.names import label_value, pod_name
from polarpod.launch.planes.kubernetes.status import WORKER

SCRATCH = "/scratch"
# any number but root's; the job image is built for this one
_USER = 65532
# Above this the context is passed by its URI: etcd accepts objects of 1.5 MiB, and a pod is stored whole at every change.
_INLINE_BYTES = 32 * 1024
# in addition to the spill volume: the container's log and whatever else the kubelet counts
_EPHEMERAL_EXTRA_BYTES = 256 * MIB
# The supervisor ends an overdue run itself and writes a receipt; the pod's deadline covers a supervisor that cannot. Image
# pulls count towards the pod's deadline.
_DEADLINE_SLACK_SECONDS = 120


def render(context: Context, data: bytes, plane: KubernetesPlane) -> dict[str, Any]:
    """The manifest of an attempt's pod, without a user's template.

    Args:
        data: the context's bytes.
    """
    spill = _spill(context, plane)
    memory = _bytes(context.resources.memory_bytes)
    ephemeral = _bytes(spill + _EPHEMERAL_EXTRA_BYTES)
    worker = {
        "name": WORKER,
        "image": context.image or plane.image,
        "imagePullPolicy": plane.image_pull_policy,
        "command": ["python", "-I", "-m", "polarpod.runtime"],
        "workingDir": SCRATCH,
        "env": _environment(context, data, plane),
        "resources": {
            "requests": {"cpu": _cores(context, plane), "memory": memory, "ephemeral-storage": ephemeral},
            "limits": {"memory": memory, "ephemeral-storage": ephemeral},
        },
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
        "volumeMounts": [{"name": "scratch", "mountPath": SCRATCH}],
    }
    spec: dict[str, Any] = {
        "restartPolicy": "Never",
        "serviceAccountName": plane.service_accounts.get(context.job.name, plane.service_account),
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "activeDeadlineSeconds": context.deadline_seconds + context.grace_seconds + _DEADLINE_SLACK_SECONDS,
        "terminationGracePeriodSeconds": context.grace_seconds,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": _USER,
            "runAsGroup": _USER,
            "fsGroup": _USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [worker],
        "volumes": [{"name": "scratch", "emptyDir": {"sizeLimit": _bytes(spill)}}],
    }
    if plane.image_pull_secrets:
        spec["imagePullSecrets"] = [{"name": name} for name in plane.image_pull_secrets]
    if plane.node_selector:
        spec["nodeSelector"] = dict(plane.node_selector)
    if plane.tolerations:
        spec["tolerations"] = [dict(one) for one in plane.tolerations]
    if plane.priority_class:
        spec["priorityClassName"] = plane.priority_class
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": pod_name(context),
            "namespace": plane.namespace,
            "labels": _labels(context, plane),
            "annotations": _annotations(context, plane),
        },
        "spec": spec,
    }


def selector(uid: str) -> str:
    """The label selector of one attempt's pod."""
    return f"{labels.ATTEMPT_UID}={uid}"


def _labels(context: Context, plane: KubernetesPlane) -> dict[str, str]:
    queue = {"kueue.x-k8s.io/queue-name": plane.queue} if plane.queue else {}
    return {
        **plane.labels,
        "app.kubernetes.io/name": "polarpod-worker",
        "app.kubernetes.io/managed-by": "polarpod",
        labels.JOB: context.job.name,
        labels.RUN_KEY: context.run_key,
        labels.ATTEMPT: str(context.attempt.number),
        labels.ATTEMPT_UID: context.attempt.uid,
        labels.PLANE: label_value(context.plane),
        labels.RELEASE: label_value(context.code_version),
        **queue,
    }


def _annotations(context: Context, plane: KubernetesPlane) -> dict[str, str]:
    found = {
        **plane.annotations,
        # a run that is moved to another node restarts from the beginning: consolidation must wait for its end
        "karpenter.sh/do-not-disrupt": "true",
        "cluster-autoscaler.kubernetes.io/safe-to-evict": "false",
        "kubectl.kubernetes.io/default-container": WORKER,
        labels.RECEIPT: f"{context.attempt_uri}/receipt.json",
    }
    if context.labels:
        found[labels.CALLER] = msgspec.json.encode(context.labels, order="sorted").decode()
    return found


def _environment(context: Context, data: bytes, plane: KubernetesPlane) -> list[dict[str, Any]]:
    plain = {
        "HOME": SCRATCH,
        "TMPDIR": SCRATCH,
        **plane.environment,
        "POLARPOD_SCRATCH": SCRATCH,
        # the one value of the envelope that a template's sidecar or a person with kubectl may want to read
        "POLARS_MAX_THREADS": str(context.resources.threads),
    }
    # the state store's copy is indented, for readability
    compact = msgspec.json.format(data, indent=-1)
    if len(compact) <= _INLINE_BYTES:
        plain["POLARPOD_CONTEXT"] = compact.decode()
        plain["POLARPOD_CONTEXT_SHA256"] = hashlib.sha256(compact).hexdigest()
    else:
        plain["POLARPOD_CONTEXT_URI"] = f"{context.attempt_uri}/context.json"
        # before the context is read, only the standard variables can locate the store
        if context.storage.endpoint_url:
            plain["AWS_ENDPOINT_URL"] = context.storage.endpoint_url
        if context.storage.region:
            plain["AWS_REGION"] = context.storage.region
        plain["POLARPOD_CONTEXT_SHA256"] = hashlib.sha256(data).hexdigest()
    # Kubernetes replaces $(NAME) in values; a doubled dollar keeps it as it is
    entries: list[dict[str, Any]] = [{"name": name, "value": value.replace("$(", "$$(")} for name, value in plain.items()]
    for name, source in plane.environment_from_secrets.items():
        reference = {"secretKeyRef": {"name": source.secret, "key": source.key}}
        entries.append({"name": name, "valueFrom": reference})
    return entries


def _spill(context: Context, plane: KubernetesPlane) -> int:
    return context.resources.spill_bytes or parse_bytes(plane.spill)


def _bytes(count: int) -> str:
    """As kubectl prints it: in mebibytes where the count is whole."""
    return f"{count // MIB}Mi" if count % MIB == 0 else str(count)


def _cores(context: Context, plane: KubernetesPlane) -> str:
    cores = context.resources.cpu if plane.cpu_request is None else parse_cores(plane.cpu_request)
    return f"{max(1, math.ceil(cores * 1000))}m"
