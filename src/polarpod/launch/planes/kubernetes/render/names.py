"""The name of an attempt's pod: readable, valid in DNS, deterministic."""

from __future__ import annotations

import re

from polarpod.contract.context import Context

# a pod's name is also its host name, which has this limit (RFC 1123)
LONGEST = 63
_UNSAFE = re.compile(r"[^a-z0-9]+")
# with the attempt's number in it, two pods of one run share a name only if 32 bits of their uids are equal
_UID_DIGITS = 8


def pod_name(context: Context) -> str:
    """The pod's name: "airport-delays-ds-2013-02-01-52c1…-3-9f86d081". One that is too long is cut in the middle, at the end
    of the run key."""
    tail = f"-{context.attempt.number}-{context.attempt.uid[:_UID_DIGITS]}"
    head = _UNSAFE.sub("-", f"{context.job.name}-{context.run_key}".lower()).strip("-")
    return head[: LONGEST - len(tail)].rstrip("-") + tail


def label_value(text: str) -> str:
    """A text as a valid label value: invalid characters become `-`; at most 63 characters."""
    return re.sub(r"[^A-Za-z0-9._-]", "-", text)[:LONGEST].strip("-._")
