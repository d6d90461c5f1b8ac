"""Identifies a run: its run key, and the fingerprint of its content.

The *run key* identifies a run of a job by its parameters. All attempts of "airport_delays for 2013-02-01", today's and last
year's, share it, so a table can fence them against each other. The *fingerprint* identifies the content: code, inputs and
declaration. Two attempts of one run key with one fingerprint would make the same rows.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping

import msgspec

from polarpod.contract.job import JobSpec
from polarpod.contract.param import Scalar

_UNSAFE = re.compile(r"[^a-z0-9]+")
# 10 hex digits keep a run key short; a collision is likely only from about a million runs of one job.
_DIGEST_DIGITS = 10
_SLUG_LENGTH = 40


def digest(document: object) -> str:
    """SHA-256 of a document's canonical JSON (sorted keys), in hex."""
    return hashlib.sha256(msgspec.json.encode(document, order="sorted")).hexdigest()


def run_key_of(params: Mapping[str, Scalar]) -> str:
    """The run key: readable, safe in a path, a label and a DNS name: {"ds": "2013-02-01"} -> "ds-2013-02-01-52c1…"."""
    readable = "-".join(f"{name}-{value}" for name, value in sorted(params.items())) or "all"
    slug = _UNSAFE.sub("-", readable.lower()).strip("-")[:_SLUG_LENGTH].strip("-") or "all"
    return f"{slug}-{digest(dict(params))[:_DIGEST_DIGITS]}"


def fingerprint_of(
    *,
    job: JobSpec,
    code_version: str,
    params: Mapping[str, Scalar],
    input_versions: Mapping[str, str],
    dependencies: Mapping[str, str] | None = None,
) -> str:
    """Digest (hex) of a run's content. Resources and deadlines are excluded: they do not change what a run publishes.

    Args:
        code_version: of the whole code; used only where the job's dependencies are unknown.
    """
    declaration = msgspec.to_builtins(job)
    for key in ("resources", "deadline_seconds", "grace_seconds", "doc"):
        declaration.pop(key)
    return digest(
        {
            "job": declaration,
            "code": dict(dependencies) if dependencies else code_version,
            "params": dict(params),
            "inputs": dict(input_versions),
        }
    )
