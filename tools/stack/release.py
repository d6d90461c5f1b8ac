"""The Helm release: installed, upgraded, removed; and the secrets it made."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from tools.cluster.command import Failed, ask, kubectl, run
from tools.cluster.names import ADMIN
from tools.stack.names import AIRFLOW, AIRFLOW_NODE_PORT, CHART, NAMESPACE, PLANE_CHART, RELEASE, S3_NODE_PORT

_REMEDY = (
    f"`kubectl get pods -n {NAMESPACE}` shows what is not ready, `kubectl describe pod` why. `make up` goes on from there."
)
# from images that are on the node; a cold, busy laptop needs a good part of it
_PATIENCE = "10m"


def namespace(name: str = NAMESPACE) -> None:
    """The namespace with its pod security, which nobody's chart may decide for itself."""
    labels = {
        f"pod-security.kubernetes.io/{mode}{suffix}": value
        for mode in ("enforce", "warn", "audit")
        for suffix, value in (("", "restricted"), ("-version", "latest"))
    }
    made = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
    kubectl("apply", "-f", "-", given=json.dumps(made))


def install(images: Mapping[str, str], *settings: str) -> None:
    """Installs the chart, or upgrades what is there, and waits until everything is ready.

    Args:
        images: value -> tag.
        settings: further values, as `--set` takes them.
    """
    pack()
    _recover()
    values = {
        "airflow.baseUrl": AIRFLOW,
        "airflow.service.type": "NodePort",
        "airflow.service.nodePort": AIRFLOW_NODE_PORT,
        "s3.service.type": "NodePort",
        "s3.service.nodePort": S3_NODE_PORT,
    }
    if _volumes_belong_to_root():
        values |= {"postgres.persistence.enabled": "false", "s3.persistence.enabled": "false"}
    given = [word for name, value in values.items() for word in ("--set", f"{name}={value}")]
    # an id may look like a number
    given += [word for place, tag in images.items() for word in ("--set-string", f"{place}.tag={tag}")]
    given += [word for setting in settings for word in ("--set", setting)]
    helm("upgrade", "--install", RELEASE, CHART, "--wait", "--timeout", _PATIENCE, *given)


def pack() -> None:
    """Puts the worker plane's chart into the stack's, unless it is there: whoever watches the files would see a change."""
    packed = [one.stat().st_mtime for one in (CHART / "charts").glob("*.tgz")]
    newest = max(one.stat().st_mtime for one in [*PLANE_CHART.rglob("*"), CHART / "Chart.yaml"])
    if len(packed) != 1 or packed[0] < newest:
        run("helm", "dependency", "update", "--skip-refresh", CHART, remedy="See the last lines.")


def reject_other_release(name: str, *, remedy: str) -> None:
    """Raises Failed where another release of the stack is installed: both would take the same ports of the node."""
    installed = json.loads(run("helm", "--kubeconfig", ADMIN, "list", "--all-namespaces", "-o", "json", remedy=_REMEDY))
    found = [one for one in installed if one["name"] == name]
    if found:
        raise Failed(
            f"another local stack is installed: the Helm release {name}",
            evidence=[
                f"namespace {found[0]['namespace']}, status {found[0]['status']}",
                "a cluster has one stack at a time: its ports of this machine lead to one Airflow and one S3 store",
                "nothing was changed",
            ],
            remedy=remedy,
        )


def _recover() -> None:
    """Ends what an interrupted Helm has left half done: it would refuse to begin anything else."""
    status = _status()
    state = status["info"]["status"] if status else ""
    if state in ("pending-install", "uninstalling"):
        helm("uninstall", RELEASE, "--wait")
    elif state.startswith("pending-"):
        helm("rollback", RELEASE)


def _status() -> dict[str, Any] | None:
    """Helm's account of the release; None where there is none."""
    asked = ask("helm", "--kubeconfig", ADMIN, "--namespace", NAMESPACE, "status", RELEASE, "-o", "json")
    return None if asked.returncode else {"config": {}, **json.loads(asked.stdout)}


def _volumes_belong_to_root() -> bool:
    """Whether the cluster's default class is the controller manager's own, for tests of Kubernetes: kind's is another."""
    classes = json.loads(kubectl("get", "storageclass", "-o", "json"))["items"]
    mark = "storageclass.kubernetes.io/is-default-class"
    defaults = [one for one in classes if one["metadata"].get("annotations", {}).get(mark) == "true"]
    return [one["provisioner"] for one in defaults] == ["kubernetes.io/host-path"]


def helm(*arguments: object, namespace: str = NAMESPACE, program: str = "helm") -> str:
    """Helm as the cluster's administrator.

    Args:
        program: another Helm than the one that people have.
    """
    words = [str(word) for word in arguments]
    return run(program, "--kubeconfig", ADMIN, "--namespace", namespace, *words, remedy=_REMEDY)


def uninstall() -> None:
    helm("uninstall", RELEASE, "--ignore-not-found", "--wait")
    kubectl("delete", "namespace", NAMESPACE, "--ignore-not-found")


def secret(name: str, *, namespace: str = NAMESPACE) -> dict[str, str]:
    """The values of a Secret of the stack."""
    found = kubectl("get", "secret", name, "-n", namespace, "--ignore-not-found", "-o", "json")
    if not found:
        raise Failed(
            f"the stack has no Secret {name}",
            evidence=[f"namespace {namespace}"],
            remedy="`make up` makes the stack, and this with it.",
        )
    return {key: base64.b64decode(value).decode() for key, value in json.loads(found)["data"].items()}
