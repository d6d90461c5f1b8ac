"""The label and annotation keys polarpod puts on what it creates. Never renamed: selectors and dashboards match on them."""

from __future__ import annotations

PREFIX = "polarpod.dev/"

# labels: short, safe values to select by
JOB = PREFIX + "job"
RUN_KEY = PREFIX + "run-key"
ATTEMPT = PREFIX + "attempt"
ATTEMPT_UID = PREFIX + "attempt-uid"
PLANE = PREFIX + "plane"
RELEASE = PREFIX + "release"

# annotations: whole texts to read
RECEIPT = PREFIX + "receipt"
CALLER = PREFIX + "caller"
