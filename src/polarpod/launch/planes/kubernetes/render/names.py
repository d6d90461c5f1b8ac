"""What an attempt's pod is called: readable, safe in DNS, the same however often it is computed."""

from __future__ import annotations

import re

from polarpod.contract.context import Context

# a pod's name is also its host name, and those stop here (RFC 1123)
LONGEST = 63
_UNSAFE = re.compile(r"[^a-z0-9]+")
# with the attempt's number beside it, two pods of one run share a name only if their uids do in 32 bits
_UID_DIGITS = 8


def pod_name(context: Context) -> str:
    """The pod's name: "airport-delays-ds-2013-02-01-52c1…-3-9f86d081". What is too long is cut in the middle, where the
    run key's readable part is."""
    tail = f"-{context.attempt.number}-{context.attempt.uid[:_UID_DIGITS]}"
    head = _UNSAFE.sub("-", f"{context.job.name}-{context.run_key}".lower()).strip("-")
    return head[: LONGEST - len(tail)].rstrip("-") + tail


def label_value(text: str) -> str:
    """A text as a label's value: its characters where they may stand there, at most 63."""
    return re.sub(r"[^A-Za-z0-9._-]", "-", text)[:LONGEST].strip("-._")
