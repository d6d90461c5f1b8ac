"""What the machine, the store or somebody from outside did to the run, wherever in it that came up.

These rules come before the question whose code was running: a full disk is a full disk also where a job's own function
met it, and blaming the code would spend no retry on what a retry mends. So each must be sure of its words.
"""

from __future__ import annotations

from polarpod.contract.verdict import MORE_MEMORY, Category
from polarpod.runtime.failure.rule import Rule

# How the Rust client shared by Polars, deltalake and obstore begins every failure of a request. A job's own HTTP or
# database client says none of it, so its 403s and refused connections stay the job's.
_STORE = (
    r"(?:object-store error|Generic S3 error|Error performing (?:GET|PUT|POST|HEAD|DELETE)"
    r"|error sending request for url)"
)
_STATUS = rf"{_STORE}.*non-2xx status code: "

# Asked only where a signal has come: a job can raise KeyboardInterrupt itself, and fails by it.
INTERRUPTION: list[Rule] = [
    Rule(
        Category.INTERRUPTED,
        "the run was asked to stop, and stopped",
        "Run it again; nothing was published by this attempt.",
        kinds=("builtins.KeyboardInterrupt",),
    ),
    Rule(
        # Polars unwinds an interrupted query by panics with this word; one of them can win the race to be reported.
        Category.INTERRUPTED,
        "the run was asked to stop, and stopped",
        "Run it again; nothing was published by this attempt.",
        text="__POLARS_ABORT_KEYBOARD_INTERRUPT",
    ),
]

PLATFORM: list[Rule] = [
    Rule(
        # Also a bug that asks for petabytes: the retries with more memory are few, and then a person looks.
        Category.OUT_OF_MEMORY,
        "the worker ran out of memory",
        MORE_MEMORY,
        kinds=("builtins.MemoryError",),
    ),
    Rule(
        # The last words of Rust's allocator and of Polars' own guard, and ENOMEM. Nothing else is worded so.
        Category.OUT_OF_MEMORY,
        "the worker ran out of memory",
        MORE_MEMORY,
        text=r"memory allocation of \d+ bytes failed|exceeded POLARS_OOMKILL_THRESHOLD|\(os error 12\)|\[Errno 12\]",
    ),
    Rule(
        # Before DISK_FULL's general rule: here the disk has room, the budget has not, and only `spill` helps.
        Category.DISK_FULL,
        "the query needed more disk to spill to than it was given",
        "Raise `spill` in @job, or give it more `memory` so that it spills less.",
        text="exceeded the out-of-core disk budget",
    ),
    Rule(
        # ENOSPC and EDQUOT, in Rust's words and in Python's. Polars wraps it as "parquet: File out of specification",
        # so it must come before the rules for bad files.
        Category.DISK_FULL,
        "a disk is full",
        "Free space where the evidence says, or raise `spill` in @job if it is the scratch disk; then run again.",
        text=r"No space left on device|\(os error (?:28|122)\)|\[Errno (?:28|122)\]|Disk quota exceeded",
    ),
    Rule(
        # Polars goes on without spilling where it cannot write, and panics where it cannot read back. Nobody else
        # speaks of spill files in these words.
        Category.SPILL_UNUSABLE,
        "the spill directory became unusable while the query ran",
        "Point the scratch directory at a disk that nothing else cleans up; in a pod, mount an emptyDir there.",
        text=r"failed to (?:create|open|read|write|encode) spill (?:file|directory)",
    ),
    Rule(
        # The metadata services of EC2 and ECS are asked last, when nothing else gave credentials. A hiccup of theirs
        # would be told apart by nothing but another attempt, and missing credentials are the common case by far.
        Category.STORAGE_DENIED,
        "the worker has no credentials for the object store",
        "Give the pod an identity (service account, IAM role) or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
        text=rf"{_STORE}.*(?:/latest/(?:api/token|meta-data)|//169\.254\.170\.2)",
    ),
    Rule(
        # The codes name what is wrong with the credentials; some stores send them with status 400 or even 404.
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
        # Without http allowed the client refuses the URL before any connection; it calls that an HTTP error too.
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
        # What is written cannot be missing; a listed entry of a log cannot either, unless it was cleaned up just now.
        Category.STORAGE_UNAVAILABLE,
        "the object store answered that what it was asked to write or had just listed is not there",
        "Run it again later; if that lasts, look at the store's health and at gateways before it.",
        text=r"Error performing (?:PUT|POST)\b(?!.*<Code>NoSuchBucket<).*status code: 404\b"
        r"|Kernel error: File not found: \S*_delta_log/",
    ),
    Rule(
        # Refused, unresolved, timed out and cut connections; the cause is in the evidence. A wrong endpoint looks the
        # same and costs a few retries.
        Category.STORAGE_UNAVAILABLE,
        "the object store could not be reached",
        "Check that the store is up and its endpoint is right, from inside the worker's network; then run again.",
        text=rf"{_STORE}.*(?:HTTP error|error sending request|error decoding response body|operation timed out)",
    ),
]
