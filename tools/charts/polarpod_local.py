"""The values of charts/polarpod-local, as types; as in `polarpod`, values.yaml has the defaults and the words."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType
from tools.charts import polarpod
from tools.charts.kinds import Amounts, Bytes, MaybeName, Object, OwnLabels, Peer, Port, Struct, Variable
from tools.charts.polarpod import Image

# what is inside is for that chart's own schema to say, which helm asks as well
_PLANE_KEYS = "|".join(one.encode_name for one in msgspec.structs.fields(polarpod.Values))
_PlaneKey = Annotated[str, Meta(pattern=f"^({_PLANE_KEYS})$")]

# a user's name and role are told apart by a colon, users by a comma
_User = Annotated[str, Meta(pattern="^[A-Za-z0-9][-A-Za-z0-9._@]{0,62}$")]
# Airflow would answer below the path, and the probes ask at the top
_Url = Annotated[str, Meta(pattern="^https?://[^ /]+/?$")]
_Bucket = Annotated[str, Meta(pattern="^[a-z0-9][-a-z0-9.]{1,61}[a-z0-9]$")]
# those that clusters give out
_NodePort = Annotated[int, Meta(ge=30000, le=32767)]


class PlaneQuota(Struct, frozen=True):
    enabled: bool
    pods: Annotated[int, Meta(ge=1, le=10000)]


class Reachable(Struct, frozen=True):
    from_: list[Peer] = msgspec.field(name="from")


class NetworkPolicy(Struct, frozen=True):
    enabled: bool
    postgres: Reachable
    s3: Reachable


class Persistence(Struct, frozen=True):
    enabled: bool
    size: Bytes
    storage_class: MaybeName


class StoreService(Struct, frozen=True):
    type: Literal["ClusterIP", "NodePort"]
    node_port: _NodePort | None


class ApiService(StoreService, frozen=True):
    port: Port


class Dags(Struct, frozen=True):
    sync: bool


class Component(Struct, frozen=True):
    resources: Amounts


class Airflow(Struct, frozen=True):
    image: Image
    user: _User
    base_url: _Url
    # each is a process of the scheduler's pod, and holds a connection to the database
    parallelism: Annotated[int, Meta(ge=1, le=64)]
    config: dict[Variable, str]
    dags: Dags
    service: ApiService
    api_server: Component
    scheduler: Component
    dag_processor: Component
    triggerer: Component
    migration: Component


class Postgres(Struct, frozen=True):
    image: Image
    resources: Amounts
    persistence: Persistence


class S3(Struct, frozen=True):
    image: Image
    buckets: Annotated[list[_Bucket], Meta(min_length=1)]
    service: StoreService
    resources: Amounts
    persistence: Persistence


class Values(Struct, frozen=True):
    """The values of the polarpod-local chart: Airflow, PostgreSQL, S3 and the worker plane in one namespace."""

    polarpod: dict[_PlaneKey, Any]
    common_labels: OwnLabels
    quota: PlaneQuota
    network_policy: NetworkPolicy
    airflow: Airflow
    postgres: Postgres
    s3: S3
    global_: Annotated[Object, Meta(description="What a parent chart shares with all of its charts.")] | UnsetType = (
        msgspec.field(name="global", default=UNSET)
    )
