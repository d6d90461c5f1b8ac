"""The context: the one document a worker starts from."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, TypeAlias

import msgspec

from polarpod.contract.job import JobSpec, Seconds
from polarpod.contract.resources import Resources
from polarpod.contract.version import PROTOCOL

# One mebibyte holds thousands of parameters; a larger document is a mistake or an attack, and is not parsed.
MAXIMUM_BYTES = 2**20
# A uid names a folder and a file, so no other characters are accepted. In Python `$` alone also matches before a newline at
# the end, and JSON Schema has no \Z.
Uid = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{32}$(?!\n)")]
RunKey = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9](-?[a-z0-9])*$(?!\n)", max_length=63)]
Version = Annotated[str, msgspec.Meta(max_length=64)]
Value: TypeAlias = str | int | float | bool


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt of a run.

    Attributes:
        number: counts from 1 within the run key, over all time; a table refuses a number below one it has committed.
        uid: identifies this attempt permanently; 32 hex digits.
    """

    number: Annotated[int, msgspec.Meta(ge=1, le=2**53)]
    uid: Uid


class Storage(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How to reach the object store. Holds no credentials: they come from the worker's environment.

    Attributes:
        endpoint_url: for stores that are not AWS S3.
        region: as the store expects it.
        allow_http: whether an endpoint without TLS is acceptable.
        virtual_hosted: bucket as part of the host name instead of the path.
    """

    endpoint_url: str | None = None
    region: str | None = None
    allow_http: bool = False
    virtual_hosted: bool = False


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """The document a worker starts from.

    Readers ignore unknown fields at this level; another major protocol version is refused.

    Attributes:
        protocol: the wire protocol's version.
        job: the job with every template filled in.
        pins: Delta input name -> the table version the launcher planned with, which the worker reads.
        params: the run's parameters as given (a plane's variables are not among them).
        run_key: the run's place in the state store and in the table's fence.
        attempt: the attempt's number and uid.
        code_version: the code the launcher planned with; the worker refuses to run any other.
        dependencies: kind and name -> version of what the job's rows depend on besides inputs and parameters: modules, data
            files, libraries, variables. Empty where unknown: the code version then counts instead.
        plane: the name of the plane that runs the attempt.
        image: the release's job image, by digest; None where the plane sets it.
        resources: what this attempt may use; after an out-of-memory failure possibly more than the job declares.
        deadline_seconds: wall clock, enforced by the supervisor and, where there is one, by the cluster.
        grace_seconds: time between the stop request and the kill.
        attempt_uri: the attempt's folder in the state store; the receipt goes to <attempt_uri>/receipt.json.
        fingerprint: of the planned run; None in a context written before this field existed.
        force: publish although the table already holds this fingerprint.
        storage: how to reach the object store.
        created_at: by the launcher's clock, with an offset.
        labels: free text from the caller, such as a DAG run's name; copied to the receipt.
    """

    protocol: Version = PROTOCOL
    job: JobSpec
    pins: dict[str, int] = {}
    params: dict[str, Value]
    run_key: RunKey
    attempt: Attempt
    code_version: str
    dependencies: dict[str, str] = {}
    plane: str
    image: str | None = None
    resources: Resources
    deadline_seconds: Seconds
    grace_seconds: Annotated[int, msgspec.Meta(ge=1, le=3600)]
    attempt_uri: str
    fingerprint: str | None = None
    force: bool = False
    storage: Storage = Storage()
    created_at: dt.datetime
    labels: dict[str, str] = {}
