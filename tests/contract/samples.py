"""One document of every kind, with every field in use."""

from __future__ import annotations

import datetime as dt
from typing import Any

from polarpod import Csv, Delta, NdJson, Param, Parquet
from polarpod.contract.codec import encode
from polarpod.contract.context import Attempt, Context, Storage
from polarpod.contract.job import CheckSpec, JobSpec
from polarpod.contract.message import Message
from polarpod.contract.receipt import CheckResult, InputUse, Published, Receipt, Usage
from polarpod.contract.release import Release
from polarpod.contract.resources import GIB, MIB, Resources
from polarpod.contract.verdict import Category, Verdict

UID = "0123456789abcdef0123456789abcdef"
NOON = dt.datetime(2026, 11, 21, 12, tzinfo=dt.UTC)

SPEC = JobSpec(
    name="daily_revenue",
    module="sales.daily",
    function="daily_revenue",
    inputs={
        "orders": Parquet("/lake/orders/ds=2013-02-01/*.parquet", {"id": "Int64"}, hive=True, allow_empty=True),
        "shops": Csv("/lake/shops.csv", {"shop": "String"}, separator=";", null_values=["NA"]),
        "clicks": NdJson("/lake/clicks.ndjson", {"at": "Datetime"}),
        "rates": Delta("/lake/rates", version=3, where={"ds": "2013-02-01"}),
    },
    output=Delta("/lake/revenue", replace={"ds": "2013-02-01"}, partition_by=["ds"]),
    params={"ds": Param(type="date", doc="the day"), "top": Param(type="int", default=10)},
    arguments=["top"],
    checks=CheckSpec(schema="DailyRevenue", policy="quarantine", quarantine="/lake/bad", max_bad_share=0.1),
    input_checks={"orders": "Orders"},
    resources=Resources(cpu=2, memory_bytes=4 * GIB, spill_bytes=8 * GIB),
    doc="Revenue by day.",
)
_ATTEMPT = Attempt(number=2, uid=UID)
_PARAMS: dict[str, Any] = {"ds": "2013-02-01", "top": "10"}
CONTEXT = Context(
    job=SPEC,
    pins={"rates": 3},
    params=_PARAMS,
    run_key="ds-2013-02-01-top-10-0123456789",
    attempt=_ATTEMPT,
    code_version="c0de",
    plane="process",
    resources=SPEC.resources,
    deadline_seconds=3600,
    grace_seconds=30,
    attempt_uri=f"/state/runs/daily_revenue/ds-2013-02-01-top-10-0123456789/{UID}",
    storage=Storage(endpoint_url="http://store:9000", region="eu-central-1", allow_http=True),
    created_at=NOON,
    labels={"dag": "sales"},
)
VERDICT = Verdict(category=Category.CHECKS_FAILED, summary="3 rows", evidence=["rule positive: 3"], remedy="Look.")
RECEIPT = Receipt(
    job=SPEC.name,
    run_key=CONTEXT.run_key,
    attempt=_ATTEMPT,
    status="failed",
    verdict=VERDICT,
    params=_PARAMS,
    code_version="c0de",
    plane="process",
    fingerprint="f" * 64,
    inputs={"orders": InputUse(uri="/lake/orders", format="parquet", version="files-1", files=2, bytes=100)},
    checks=CheckResult(schema="DailyRevenue", policy="fail", rows_checked=9, rows_failed=3, rules={"positive": 3}),
    published=Published(uri="/lake/revenue", format="delta", mode="replace", version=4, rows=9, bytes=900, files=1),
    usage=Usage(wall_seconds=1.5, cpu_seconds=2.5, memory_peak_bytes=300 * MIB, memory_limit_bytes=4 * GIB),
    started_at=NOON,
    finished_at=NOON,
    engine={"polars": "2.1.0"},
)
MESSAGE = Message(kind="receipt", uid=UID, phase="done", rows=9, elapsed_seconds=1.5, summary={"rows": 9, "ok": True})
RELEASE = Release(code_version="c0de", created_at=NOON, image="jobs@sha256:00", jobs={SPEC.name: SPEC})

DOCUMENTS = {type(document): encode(document) for document in (CONTEXT, RECEIPT, MESSAGE, RELEASE)}
