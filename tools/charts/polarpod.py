"""The values of charts/polarpod, as types. Nothing here has a default: values.yaml says them, and what each value is for.
It has to read as these types, so that neither can name what the other does not.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType
from tools.charts.kinds import (
    Amounts,
    Annotations,
    Bytes,
    ContainerSecurity,
    Count,
    EgressRule,
    Environment,
    HostPort,
    JobName,
    Label,
    MaybeBytes,
    MaybeCores,
    MaybeLabel,
    MaybeName,
    MaybeS3,
    MaybeUrl,
    Name,
    Object,
    OwnLabels,
    Peer,
    PodSecurity,
    Port,
    PullPolicy,
    Quantities,
    Schedule,
    Seconds,
    SecretKey,
    Struct,
    Toleration,
    Variable,
)

# Kubernetes' 63 characters without what comes behind a full name: "-forbidden-test", the eleven of a CronJob's Jobs
_FULLNAME = Annotated[str, Meta(pattern="^([a-z0-9]([-a-z0-9]*[a-z0-9])?)?$", max_length=43)]
_REGION = Annotated[str, Meta(pattern="^[a-z0-9-]*$")]


class LauncherImage(Struct, frozen=True):
    registry: Annotated[str, Meta(pattern="^([a-z0-9][-a-z0-9.]*(:[0-9]{1,5})?(/[-a-z0-9._/]*)?)?$")]
    repository: Annotated[str, Meta(pattern="^([a-z0-9]+([-._/:]+[a-z0-9]+)*)?$")]
    tag: Annotated[str, Meta(pattern="^([A-Za-z0-9_][-A-Za-z0-9._]{0,127})?$")]
    digest: Annotated[str, Meta(pattern="^(sha256:[0-9a-f]{64})?$")]
    pull_policy: PullPolicy


class Image(LauncherImage, frozen=True):
    pull_secrets: list[Name]


class Storage(Struct, frozen=True):
    endpoint_url: MaybeUrl
    region: _REGION
    allow_http: bool
    virtual_hosted: bool


class WorkerStorage(Struct, frozen=True):
    endpoint_url: Annotated[MaybeUrl, Meta(description="For stores that are not AWS S3.")] | UnsetType = UNSET
    region: Annotated[_REGION, Meta(description="As the store expects it.")] | UnsetType = UNSET
    allow_http: Annotated[bool, Meta(description="Whether an endpoint without TLS will do.")] | UnsetType = UNSET
    virtual_hosted: Annotated[bool, Meta(description="The bucket as part of the host name.")] | UnsetType = UNSET


class Credentials(Struct, frozen=True):
    secret_name: MaybeName
    access_key_id_key: SecretKey
    secret_access_key_key: SecretKey


class FromSecret(Struct, frozen=True):
    secret: Annotated[Name, Meta(description="The Secret, in this namespace.")]
    key: Annotated[SecretKey, Meta(description="Its key.")]


class Plane(Struct, frozen=True):
    name: Annotated[str, Meta(pattern="^[A-Za-z]([-_A-Za-z0-9]{0,61}[A-Za-z0-9])?$")]
    state: MaybeS3
    variables: dict[Annotated[str, Meta(pattern="^[a-z][a-z0-9_]*$")], str]
    storage: Storage
    worker_storage: WorkerStorage
    credentials: Credentials
    environment: Environment
    environment_from_secrets: dict[Variable, FromSecret]
    connection: str
    cpu_request: MaybeCores
    spill: Bytes
    max_memory: MaybeBytes
    memory_growth: Annotated[float, Meta(gt=1, le=8)]
    retention: Annotated[str, Meta(pattern="^([1-9][0-9]{0,4}d|forever)$")]
    start_timeout_seconds: Annotated[int, Meta(ge=1, le=86400)]
    keep_pods: bool
    node_selector: dict[str, str]
    tolerations: list[Toleration]
    labels: OwnLabels
    annotations: Annotations


class PodTemplate(Struct, frozen=True):
    api_version: Literal["v1"] | UnsetType = UNSET
    kind: Literal["Pod"] | UnsetType = UNSET
    metadata: Annotated[Object, Meta(description="Labels and annotations.")] | UnsetType = UNSET
    spec: Annotated[Object, Meta(description="Of a Pod, as far as it adds to polarpod's.")] | UnsetType = UNSET


class Account(Struct, frozen=True):
    create: bool
    name: MaybeName
    annotations: Annotations


class JobAccount(Struct, frozen=True):
    create: Annotated[bool, Meta(description="Whether the chart makes it; true where it is not said.")] | UnsetType = UNSET
    name: Annotated[Name, Meta(description="Its name; by default the full name and the job.")] | UnsetType = UNSET
    annotations: Annotated[Annotations, Meta(description="For IRSA: the role of this job.")] | UnsetType = UNSET


class Subject(Struct, frozen=True):
    kind: Annotated[Literal["ServiceAccount", "Group", "User"], Meta(description="What it is.")]
    name: Annotated[str, Meta(min_length=1, description="Its name; of a Group, the one that an EKS access entry maps to.")]
    namespace: Annotated[Label, Meta(description="Of a ServiceAccount, where it is.")] | UnsetType = UNSET


class Launcher(Struct, frozen=True):
    service_account: Account
    image: LauncherImage
    environment: Environment
    extra_volumes: list[Object]
    extra_volume_mounts: list[Object]
    subjects: list[Subject]


class ServiceAccounts(Struct, frozen=True):
    default: Account
    jobs: dict[JobName, JobAccount]


class Dns(Struct, frozen=True):
    to: list[Peer]


class ObjectStore(Struct, frozen=True):
    to: list[Peer]
    ports: Annotated[list[Port], Meta(min_length=1)]


class ApiServer(Struct, frozen=True):
    to: list[Peer]
    ports: Annotated[list[Port], Meta(min_length=1)]


class NetworkPolicy(Struct, frozen=True):
    enabled: bool
    dns: Dns
    object_store: ObjectStore
    pod_identity_agent: bool
    extra_egress: list[EgressRule]
    launcher_egress: list[EgressRule]
    api_server: ApiServer


class Gc(Struct, frozen=True):
    enabled: bool
    schedule: Schedule
    time_zone: Annotated[str, Meta(pattern="^[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*$")]
    suspend: bool
    starting_deadline_seconds: Seconds
    active_deadline_seconds: Seconds
    backoff_limit: Count
    ttl_seconds_after_finished: Annotated[int, Meta(ge=0, le=31536000)]
    successful_jobs_history_limit: Count
    failed_jobs_history_limit: Count
    resources: Amounts
    pod_labels: OwnLabels
    pod_annotations: Annotations
    node_selector: dict[str, str]
    tolerations: list[Toleration]


class Quota(Struct, frozen=True):
    enabled: bool
    hard: Quantities


class LimitRange(Struct, frozen=True):
    enabled: bool
    default: Quantities
    default_request: Quantities
    max: Quantities


class Tests(Struct, frozen=True):
    enabled: bool
    egress_enforced: bool | Literal["auto"]
    closed: list[HostPort]
    other_namespaces: list[Label]
    active_deadline_seconds: Seconds
    resources: Amounts
    pod_labels: OwnLabels
    pod_annotations: Annotations
    node_selector: dict[str, str]
    tolerations: list[Toleration]


class Queue(Struct, frozen=True):
    name: MaybeName
    create: bool
    cluster_queue: MaybeName


class PriorityClass(Struct, frozen=True):
    name: MaybeName
    create: bool
    value: Annotated[int, Meta(ge=-2147483648, le=1000000000)]
    preemption_policy: Literal["Never", "PreemptLowerPriority"]


class StoreRef(Struct, frozen=True):
    name: MaybeName
    kind: Literal["SecretStore", "ClusterSecretStore"]


class RemoteRef(Struct, frozen=True):
    key: str
    access_key_id_property: str
    secret_access_key_property: str


class ExternalSecret(Struct, frozen=True):
    create: bool
    refresh_interval: Annotated[str, Meta(pattern="^([0-9]+(ns|us|ms|s|m|h))+$")]
    store_ref: StoreRef
    remote_ref: RemoteRef


class AllowedImages(Struct, frozen=True):
    require_digest: bool
    registries: list[Annotated[str, Meta(min_length=1)]]


class AdmissionPolicy(Struct, frozen=True):
    enabled: bool
    validation_actions: Annotated[list[Literal["Deny", "Warn", "Audit"]], Meta(min_length=1, max_length=2)]
    images: AllowedImages
    service_accounts: list[Name]
    secrets: list[Name]
    audiences: list[Annotated[str, Meta(min_length=1)]]


class Namespace(Struct, frozen=True):
    create: bool
    labels: OwnLabels


class Values(Struct, frozen=True):
    """The values of the polarpod chart: the worker plane in one namespace."""

    global_: Object = msgspec.field(name="global")
    name_override: MaybeLabel
    fullname_override: _FULLNAME
    common_labels: OwnLabels
    image: Image
    plane: Plane
    pod_template: PodTemplate
    launcher: Launcher
    service_accounts: ServiceAccounts
    network_policy: NetworkPolicy
    gc: Gc
    pod_security_context: PodSecurity
    security_context: ContainerSecurity
    quota: Quota
    limit_range: LimitRange
    tests: Tests
    queue: Queue
    priority_class: PriorityClass
    external_secret: ExternalSecret
    admission_policy: AdmissionPolicy
    namespace: Namespace
    extra_objects: list[str | Object]
