"""Rules for failures of the machine or the store and for interrupts, in whichever code they surface.

These rules precede the check for the job's frames: a full disk is a full disk also in a job's own function, and a verdict
against the job's code would skip a retry that fixes it. So the pattern of each rule must be unambiguous.
"""

from __future__ import annotations

from polarpod.contract.verdict import MORE_MEMORY, Category
from polarpod.runtime.failure.rule import Rule

# The beginning of every failed request of the Rust client that Polars, deltalake and obstore share. A job's own HTTP or
# database client has no such text, so its 403s and refused connections stay failures of the job.
_STORE = (
    r"(?:object-store error|Generic S3 error|Error performing (?:GET|PUT|POST|HEAD|DELETE)"
    r"|error sending request for url)"
)
_STATUS = rf"{_STORE}.*non-2xx status code: "

# Applied only after a signal: a KeyboardInterrupt that the job raises itself is a failure of the job.
INTERRUPTION: list[Rule] = [
    Rule(
        Category.INTERRUPTED,
        "the run was asked to stop, and stopped",
        "Run it again; nothing was published by this attempt.",
        kinds=("builtins.KeyboardInterrupt",),
    ),
    Rule(
        # Polars unwinds an interrupted query by panics with this text; one of them may be the reported error.
        Category.INTERRUPTED,
        "the run was asked to stop, and stopped",
        "Run it again; nothing was published by this attempt.",
        text="__POLARS_ABORT_KEYBOARD_INTERRUPT",
    ),
]

PLATFORM: list[Rule] = [
    Rule(
        # Includes a bug that requests petabytes: retries with more memory are few, then the failure is final.
        Category.OUT_OF_MEMORY,
        "the worker ran out of memory",
        MORE_MEMORY,
        kinds=("builtins.MemoryError",),
    ),
    Rule(
        # The messages of Rust's allocator and of Polars' own guard, and ENOMEM. No other error has these texts.
        Category.OUT_OF_MEMORY,
        "the worker ran out of memory",
        MORE_MEMORY,
        text=r"memory allocation of \d+ bytes failed|exceeded POLARS_OOMKILL_THRESHOLD|\(os error 12\)|\[Errno 12\]",
    ),
    Rule(
        # Precedes the general rule for DISK_FULL: the disk has room, but the budget is used up, and only `spill` helps.
        Category.DISK_FULL,
        "the query needed more disk to spill to than it was given",
        "Raise `spill` in @job, or give it more `memory` so that it spills less.",
        text="exceeded the out-of-core disk budget",
    ),
    Rule(
        # ENOSPC and EDQUOT, as Rust and as Python report them. Polars wraps it as "parquet: File out of specification",
        # so this rule must precede those for bad files.
        Category.DISK_FULL,
        "a disk is full",
        "Free space where the evidence says, or raise `spill` in @job if it is the scratch disk; then run again.",
        text=r"No space left on device|\(os error (?:28|122)\)|\[Errno (?:28|122)\]|Disk quota exceeded",
    ),
    Rule(
        # Polars continues without spilling where it cannot write, and panics where it cannot read back. No other library
        # has these messages about spill files.
        Category.SPILL_UNUSABLE,
        "the spill directory became unusable while the query ran",
        "Point the scratch directory at a disk that nothing else cleans up; in a pod, mount an emptyDir there.",
        text=r"failed to (?:create|open|read|write|encode) spill (?:file|directory)",
    ),
    Rule(
        # The client queries the metadata services of EC2 and ECS last, where no other source has credentials. Only another
        # attempt could reveal a transient failure of theirs, and missing credentials are by far the common case.
        Category.STORAGE_DENIED,
        "the worker has no credentials for the object store",
        "Give the pod an identity (service account, IAM role) or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
        text=rf"{_STORE}.*(?:/latest/(?:api/token|meta-data)|//169\.254\.170\.2)",
    ),
    Rule(
        # The codes state the defect of the credentials; some stores send them with status 400 or even 404.
        Category.STORAGE_DENIED,
        "the object store does not accept the worker's credentials ({code})",
        "Correct or renew the worker's credentials; check that they belong to this endpoint and region.",
        text=rf"{_STORE}.*<Code>(?P<code>InvalidAccessKeyId|SignatureDoesNotMatch|ExpiredToken|InvalidToken|"
        r"XAdminUserNotFound|RequestTimeTooSkewed|TokenRefreshRequired)</Code>",
    ),
    Rule(
        Category.STORAGE_DENIED,
        "the object store denied access",
        "Give the worker's identity the right to read the inputs, and to list and write the output's place.",
        text=rf"{_STATUS}40[13]|{_STORE}.*lacked the necessary privileges",
    ),
    Rule(
        # Unless http is allowed, the client refuses the URL before it connects, and reports that as an HTTP error too.
        Category.REQUEST_INVALID,
        "the object store's endpoint is plain http, which is not allowed",
        "Use an https endpoint, or set allow_http in the storage settings.",
        text=rf"{_STORE}.*HTTP error: builder error",
    ),
    Rule(
        Category.STORAGE_UNAVAILABLE,
        "the object store answered {status}",
        "Run it again later; if that lasts, look at the store's health and its request limits.",
        text=rf"{_STATUS}(?P<status>408|429|5\d\d)",
    ),
    Rule(
        # A write cannot fail with "not found", nor can a listed log entry be missing, unless it was just cleaned up.
        Category.STORAGE_UNAVAILABLE,
        "the object store answered that what it was asked to write or had just listed is not there",
        "Run it again later; if that lasts, look at the store's health and at gateways before it.",
        text=r"Error performing (?:PUT|POST)\b(?!.*<Code>NoSuchBucket<).*status code: 404\b"
        r"|Kernel error: File not found: \S*_delta_log/",
    ),
    Rule(
        # Refused, unresolved, timed out and cut connections; the cause is in the evidence. A wrong endpoint is
        # indistinguishable and costs a few retries.
        Category.STORAGE_UNAVAILABLE,
        "the object store could not be reached",
        "Check that the store is up and its endpoint is right, from inside the worker's network; then run again.",
        text=rf"{_STORE}.*(?:HTTP error|error sending request|error decoding response body|operation timed out)",
    ),
]
