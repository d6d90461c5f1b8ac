"""The `kubernetes` plane's keys in planes.yaml."""

from __future__ import annotations

from re import fullmatch
from typing import Annotated, Any, Literal

import msgspec

from polarpod.contract.context import Storage
from polarpod.contract.labels import PREFIX
from polarpod.contract.resources import parse_bytes, parse_cores
from polarpod.launch.planes.plane import Capabilities, Plane, environment_problems, quantity_problem

# what Kubernetes accepts as a name (RFC 1123): one label, or several with dots between
DNS_LABEL = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
DNS_NAME = r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?"
_DNS_LABEL_WORDS = "at most 63 of a-z, 0-9 and -, and no - at either end"
_DNS_NAME_WORDS = "at most 253 of a-z, 0-9, - and dots, and neither - nor a dot at either end"


class SecretKey(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One value of a Secret in the plane's namespace."""

    secret: str
    key: str


class KubernetesPlane(Plane, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="kubernetes"):
    """A namespace of a cluster: a worker is a pod.

    Attributes:
        namespace: the namespace of the pods.
        image: the job image; the release document's, by digest, takes precedence.
        kubeconfig: a file; else those of $KUBECONFIG, else ~/.kube/config, else inside a cluster the pod's own account.
        context: a context of the kubeconfig; its current one by default.
        connection: an Airflow connection that takes precedence over all of these, in DAGs.
        worker_storage: the pods' access to the object store, where it differs from the launcher's.
        environment_from_secrets: variable -> key of a Secret; pods get it by reference.
        service_account: of the pods; they get no token of it unless the cluster injects one (IRSA, Pod Identity).
        service_accounts: job -> service account, where a job has one of its own; `service_account` for all others.
        image_pull_policy: as in Kubernetes.
        image_pull_secrets: names of Secrets.
        cpu_request: the pods' request, where it is not the job's `cpu`: a smaller one packs more pods on a node.
        spill: disk for spilling and temporary files where the job sets none.
        queue: a Kueue LocalQueue.
        priority_class, node_selector, tolerations: where pods may run, as in Kubernetes.
        labels, annotations: additional ones of the pods.
        template: a pod template (YAML) that is merged into polarpod's own; a setting that weakens it is rejected.
        start_timeout_seconds: how long a pod may take to start, not counting the time in a queue.
        keep_pods: keep ended pods for inspection; `polarpod gc` deletes them.
    """

    namespace: str
    image: str
    kubeconfig: str | None = None
    context: str | None = None
    connection: str | None = None
    worker_storage: Storage | None = None
    environment_from_secrets: dict[str, SecretKey] = {}
    service_account: str = "default"
    service_accounts: dict[str, str] = {}
    image_pull_policy: Literal["Always", "IfNotPresent", "Never"] = "IfNotPresent"
    image_pull_secrets: list[str] = []
    cpu_request: str | float | None = None
    spill: str | int = "2Gi"
    queue: str | None = None
    priority_class: str | None = None
    node_selector: dict[str, str] = {}
    tolerations: list[dict[str, Any]] = []
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    template: str | None = None
    start_timeout_seconds: Annotated[int, msgspec.Meta(ge=1, le=86_400)] = 600
    keep_pods: bool = False

    @property
    def storage_of_workers(self) -> Storage:
        return self.worker_storage or self.storage

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(
            worker="pod",
            outlives_launcher=True,
            shares_folders=False,
            # whether the template mounts a volume at a given path is not checked
            mounts_folders=self.template is not None,
            how_to_mount="in pods by the plane's `template`",
        )

    def problems(self) -> list[tuple[str, str]]:
        found = super().problems()
        found += environment_problems(self.environment_from_secrets, "environment_from_secrets")
        if problem := quantity_problem(parse_bytes, self.spill):
            found.append(("spill", problem))
        if problem := quantity_problem(parse_cores, self.cpu_request):
            found.append(("cpu_request", problem))
        if not fullmatch(DNS_LABEL, self.namespace):
            found.append(("namespace", f"{self.namespace!r} is not a namespace: {_DNS_LABEL_WORDS}"))
        names = {
            "service_account": [self.service_account],
            "service_accounts": list(self.service_accounts.values()),
            "priority_class": [self.priority_class] if self.priority_class else [],
            "queue": [self.queue] if self.queue else [],
            "image_pull_secrets": self.image_pull_secrets,
            "environment_from_secrets": [source.secret for source in self.environment_from_secrets.values()],
        }
        for key, given in names.items():
            found += [(key, f"{name!r} is not a name: {_DNS_NAME_WORDS}") for name in given if not fullmatch(DNS_NAME, name)]
        if not self.image.strip() or self.image != self.image.strip():
            found.append(("image", f"{self.image!r} is not an image"))
        for key in ("labels", "annotations"):
            reserved = [name for name in getattr(self, key) if name.startswith(PREFIX)]
            found += [(key, f"{name!r} is polarpod's own") for name in reserved]
        return found
