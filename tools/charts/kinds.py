"""The kinds of values that charts take: names, amounts, and the pieces of Kubernetes' own objects that are passed on.

Patterns stay within what Go's and Python's expressions both know: the schema is read by helm and by tests.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from msgspec import UNSET, Meta, UnsetType

_NAME = "[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?"
_LABEL = "[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
_QUANTITY = r"[0-9]+(\.[0-9]+)?(m|k|M|G|T|P|Ki|Mi|Gi|Ti|Pi)?"
_BYTES = r"[0-9]{1,15}(\.[0-9]{1,9})?(Ki|Mi|Gi|Ti|k|M|G|T)?"
_CORES = r"[0-9]{1,6}(\.[0-9]{1,9})?m?"
_IPV4 = r"[0-9]{1,3}(\.[0-9]{1,3}){3}/(3[0-2]|[12]?[0-9])"
_IPV6 = "[0-9a-f:]*:[0-9a-f:]*/(12[0-8]|1[01][0-9]|[1-9]?[0-9])"

# names of objects (RFC 1123); the optional ones may be left empty
Name = Annotated[str, Meta(pattern=f"^{_NAME}$")]
MaybeName = Annotated[str, Meta(pattern=f"^({_NAME})?$")]
Label = Annotated[str, Meta(pattern=f"^{_LABEL}$")]
MaybeLabel = Annotated[str, Meta(pattern=f"^({_LABEL})?$")]
SecretKey = Annotated[str, Meta(pattern="^[-._a-zA-Z0-9]{1,253}$")]
Variable = Annotated[str, Meta(pattern="^[A-Za-z_][A-Za-z0-9_]*$")]
JobName = Annotated[str, Meta(pattern="^[a-z][a-z0-9_]{0,47}$")]
LabelKey = Annotated[str, Meta(pattern=r"^([a-z0-9][-a-z0-9.]{0,252}/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$")]
LabelValue = Annotated[str, Meta(pattern="^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$")]

OwnLabels: TypeAlias = dict[LabelKey, LabelValue]
Annotations: TypeAlias = dict[LabelKey, str]
Environment: TypeAlias = dict[Variable, str]

# amounts, as Kubernetes writes them
Quantity: TypeAlias = (
    Annotated[str, Meta(pattern=f"^{_QUANTITY}$")] | Annotated[int, Meta(ge=0)] | Annotated[float, Meta(ge=0)]
)
Quantities: TypeAlias = dict[str, Quantity]
# those that polarpod reads itself: it knows no milli-bytes and no exponents
Bytes = Annotated[str, Meta(pattern=f"^{_BYTES}$")]
MaybeBytes = Annotated[str, Meta(pattern=f"^({_BYTES})?$")]
MaybeCores = Annotated[str, Meta(pattern=f"^({_CORES})?$")]
Count = Annotated[int, Meta(ge=0, le=1000)]
Seconds = Annotated[int, Meta(ge=1, le=604800)]
Port = Annotated[int, Meta(ge=1, le=65535)]

MaybeS3 = Annotated[str, Meta(pattern="^(s3://[a-z0-9][-a-z0-9.]{1,61}[a-z0-9](/[^/ ]+)*/?)?$")]
MaybeUrl = Annotated[str, Meta(pattern="^(https?://[^ ]+)?$")]
Cidr = Annotated[str, Meta(pattern=f"^({_IPV4}|{_IPV6})$")]
HostPort = Annotated[str, Meta(pattern=r"^[^ :/]+:[0-9]{1,5}$|^\[[0-9a-f:]+\]:[0-9]{1,5}$")]
Schedule = Annotated[str, Meta(pattern=r"^(@(yearly|annually|monthly|weekly|daily|midnight|hourly)|\S+( \S+){4})$")]
PullPolicy = Literal["Always", "IfNotPresent", "Never"]


class Struct(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """One map of values: what it does not name is refused."""


class Requirement(Struct, frozen=True):
    """One condition of a label selector."""

    key: LabelKey
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist"]
    values: list[str] | UnsetType = UNSET


class Selector(Struct, frozen=True):
    """A label selector."""

    match_labels: dict[LabelKey, LabelValue] | UnsetType = UNSET
    match_expressions: list[Requirement] | UnsetType = UNSET


class IpBlock(Struct, frozen=True):
    """A range of addresses."""

    cidr: Cidr
    except_: list[Cidr] | UnsetType = msgspec.field(default=UNSET, name="except")


class Peer(Struct, frozen=True):
    """One side of a connection, as in a NetworkPolicy."""

    ip_block: IpBlock | UnsetType = UNSET
    namespace_selector: Selector | UnsetType = UNSET
    pod_selector: Selector | UnsetType = UNSET


class PolicyPort(Struct, frozen=True):
    """A port, as in a NetworkPolicy."""

    protocol: Literal["TCP", "UDP", "SCTP"] | UnsetType = UNSET
    port: Port | str | UnsetType = UNSET
    end_port: Port | UnsetType = UNSET


class EgressRule(Struct, frozen=True):
    """What may go out. Without `to` it would be everywhere, the instance metadata included."""

    to: Annotated[list[Peer], Meta(min_length=1)]
    ports: list[PolicyPort] | UnsetType = UNSET


class Toleration(Struct, frozen=True):
    """A taint that is tolerated."""

    key: str | UnsetType = UNSET
    operator: Literal["Exists", "Equal"] | UnsetType = UNSET
    value: str | UnsetType = UNSET
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | UnsetType = UNSET
    toleration_seconds: Annotated[int, Meta(ge=0)] | UnsetType = UNSET


class Amounts(Struct, frozen=True):
    """Resources of a container."""

    requests: Quantities
    limits: Quantities


class Seccomp(Struct, frozen=True):
    """A seccomp profile."""

    type: Literal["RuntimeDefault", "Localhost"]
    localhost_profile: str | UnsetType = UNSET


class PodSecurity(Struct, frozen=True):
    """A pod's security context, as far as Pod Security `restricted` leaves a choice."""

    run_as_non_root: bool
    run_as_user: Annotated[int, Meta(ge=1)]
    run_as_group: Annotated[int, Meta(ge=1)]
    fs_group: Annotated[int, Meta(ge=1)]
    seccomp_profile: Seccomp


class Capabilities(Struct, frozen=True):
    """Powers of root, in parts."""

    drop: list[str]


class ContainerSecurity(Struct, frozen=True):
    """A container's security context."""

    allow_privilege_escalation: bool
    read_only_root_filesystem: bool
    capabilities: Capabilities


# an object of Kubernetes whose inside is Kubernetes' business
Object: TypeAlias = dict[str, Any]
