"""What a plane is: one place where runs may execute, by its kind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from re import fullmatch
from tempfile import gettempdir
from typing import Annotated, Any, Literal

import msgspec

from polarpod.contract.context import Storage
from polarpod.contract.labels import PREFIX
from polarpod.contract.resources import MINIMUM_MEMORY_BYTES, format_bytes, parse_bytes, parse_cores
from polarpod.contract.verdict import PolarpodError

# what Kubernetes takes as a name (RFC 1123): one label, or several with dots between
DNS_LABEL = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
DNS_NAME = r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?"
_DNS_LABEL_WORDS = "at most 63 of a-z, 0-9 and -, and no - at either end"
_DNS_NAME_WORDS = "at most 253 of a-z, 0-9, - and dots, and neither - nor a dot at either end"


class Plane(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind"):
    """What every place to run has.

    Attributes:
        state: the state store: a folder or an s3:// prefix.
        variables: values for placeholders that are the place's business, such as {lake}; not part of a run's key.
        storage: how to reach the object store.
        credentials: a file of NAME=value lines that the launcher takes into its environment where they are not set, so
            that it reaches the store; for a laptop. In production the environment has them already.
        environment: variables of the worker; it gets no others.
        python: the interpreter that has polarpod[worker], to read a jobs directory; the caller's own by default.
        jobs: the jobs directory.
        root: the folder that relative places of jobs and of this plane are relative to; by default that of the planes
            file, and without a file the current directory.
        max_memory: how far a run may grow after running out of memory.
        memory_growth: factor on the limit after running out of memory.
    """

    state: str
    variables: dict[str, str] = {}
    storage: Storage = Storage()
    credentials: str | None = None
    environment: dict[str, str] = {}
    python: str | None = None
    jobs: str = "jobs"
    root: str | None = None
    max_memory: str | int | None = None
    memory_growth: Annotated[float, msgspec.Meta(gt=1, le=8)] = 2.0

    @property
    def max_memory_bytes(self) -> int | None:
        return None if self.max_memory is None else parse_bytes(self.max_memory)

    @property
    def storage_of_workers(self) -> Storage:
        """How its workers reach the object store."""
        return self.storage

    @property
    def outlives_launcher(self) -> bool:
        """Whether a worker goes on when its launcher dies, so that an attempt without a verdict may still run."""
        return False

    def end_note(self, uid: str) -> Path | None:  # noqa: ARG002  # of planes that have one
        """Where the end of an attempt's worker is noted until it is recorded, if not by the plane itself."""
        return None


class ProcessPlane(Plane, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="process"):
    """This machine: a worker is a child process of whoever launches it.

    Attributes:
        environment_from: names of variables that are passed on from the caller's environment, for credentials.
        scratch: where attempts get their scratch directories; the system's temporary directory by default.
    """

    environment_from: list[str] = []
    scratch: str | None = None

    def scratch_of(self, uid: str) -> Path:
        """An attempt's scratch directory."""
        return Path(self.scratch or gettempdir()) / f"polarpod-{uid}"

    def end_note(self, uid: str) -> Path:
        return self.scratch_of(uid).with_suffix(".end.json")


class SecretKey(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One value of a Secret in the plane's namespace."""

    secret: str
    key: str


class KubernetesPlane(Plane, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="kubernetes"):
    """A namespace of a cluster: a worker is a pod.

    Attributes:
        namespace: where pods are made.
        image: the job image; the release document's, by digest, comes before it.
        kubeconfig: a file; else those of $KUBECONFIG, else ~/.kube/config, else inside a cluster the pod's own account.
        context: of the kubeconfig; its current one by default.
        connection: an Airflow connection that comes before all of these, in DAGs.
        worker_storage: how pods reach the object store, where that differs from how the launcher does.
        environment_from_secrets: variable -> key of a Secret; pods get it by reference.
        service_account: of the pods; they get no token of it unless the cluster injects one (IRSA, Pod Identity).
        service_accounts: job -> service account, where a job has one of its own; `service_account` for all others.
        image_pull_policy: as Kubernetes has it.
        image_pull_secrets: names of Secrets.
        cpu_request: what pods request, where it is not the job's `cpu`: smaller packs more of them on a node.
        spill: disk for spilling and temporary files where the job does not say.
        queue: a Kueue LocalQueue.
        priority_class, node_selector, tolerations: where pods may run, as Kubernetes has it.
        labels, annotations: more of them.
        template: a pod template (YAML) that is merged into polarpod's own; what weakens it is refused.
        start_timeout_seconds: how long a pod may take to start, not counting the time in a queue.
        keep_pods: leave ended pods where they are, for looking at; `polarpod gc` removes them.
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
    def outlives_launcher(self) -> bool:
        return True


def problems_of(plane: Plane) -> list[tuple[str, str]]:
    """(key, what is wrong with its value), for what types cannot say. Nothing is asked of any cluster."""
    found = []
    if problem := _amount(parse_bytes, plane.max_memory):
        found.append(("max_memory", problem))
    elif (cap := plane.max_memory_bytes) is not None and cap < MINIMUM_MEMORY_BYTES:
        found.append(("max_memory", f"no worker runs in less than {format_bytes(MINIMUM_MEMORY_BYTES)}"))
    if not isinstance(plane, KubernetesPlane):
        return found
    if problem := _amount(parse_bytes, plane.spill):
        found.append(("spill", problem))
    if problem := _amount(parse_cores, plane.cpu_request):
        found.append(("cpu_request", problem))
    if not fullmatch(DNS_LABEL, plane.namespace):
        found.append(("namespace", f"{plane.namespace!r} is not a namespace: {_DNS_LABEL_WORDS}"))
    names = {
        "service_account": [plane.service_account],
        "service_accounts": list(plane.service_accounts.values()),
        "priority_class": [plane.priority_class] if plane.priority_class else [],
        "queue": [plane.queue] if plane.queue else [],
        "image_pull_secrets": plane.image_pull_secrets,
        "environment_from_secrets": [source.secret for source in plane.environment_from_secrets.values()],
    }
    for key, given in names.items():
        found += [(key, f"{name!r} is not a name: {_DNS_NAME_WORDS}") for name in given if not fullmatch(DNS_NAME, name)]
    if not plane.image.strip() or plane.image != plane.image.strip():
        found.append(("image", f"{plane.image!r} is not an image"))
    for key in ("labels", "annotations"):
        reserved = [name for name in getattr(plane, key) if name.startswith(PREFIX)]
        found += [(key, f"{name!r} is polarpod's own") for name in reserved]
    return found


def _amount(parse: Callable[[Any], object], given: str | float | None) -> str | None:
    """What is wrong with a quantity, or None."""
    try:
        if given is not None:
            parse(given)
    except PolarpodError as error:
        return error.verdict.summary
    return None
