"""The label and annotation keys on objects that polarpod creates. Never renamed: selectors and dashboards match on them."""

from __future__ import annotations

PREFIX = "polarpod.dev/"

# labels: short, safe values for selectors
JOB = PREFIX + "job"
RUN_KEY = PREFIX + "run-key"
ATTEMPT = PREFIX + "attempt"
ATTEMPT_UID = PREFIX + "attempt-uid"
PLANE = PREFIX + "plane"
RELEASE = PREFIX + "release"

# annotations: longer texts
RECEIPT = PREFIX + "receipt"
CALLER = PREFIX + "caller"
