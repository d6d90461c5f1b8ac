"""Strategies for every document that crosses a process boundary. Whatever they make is valid."""

from __future__ import annotations

import datetime as dt

from hypothesis import strategies as st

from polarpod.contract.context import Attempt, Context, Storage
from polarpod.contract.dataset import Csv, Delta, NdJson, Parquet
from polarpod.contract.job import CheckSpec, JobSpec
from polarpod.contract.message import Message
from polarpod.contract.param import Param
from polarpod.contract.receipt import CheckResult, InputUse, Published, Receipt, Usage
from polarpod.contract.release import Release
from polarpod.contract.resources import MINIMUM_MEMORY_BYTES, Resources
from polarpod.contract.verdict import Category, Verdict

_WORD = "abcdefghijklmnopqrstuvwxyz0123456789"
TEXT = st.text(max_size=12)  # any characters but halves of surrogate pairs, which no JSON text can hold
NAMES = st.builds(str.__add__, st.sampled_from("abcxyz"), st.text(_WORD + "_", max_size=8))
COUNTS = st.integers(0, 2**53)
SHARES = st.floats(0, 1)
SECONDS = st.floats(0, 1e9)
VALUES = TEXT | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False) | st.booleans()
UIDS = st.text("0123456789abcdef", min_size=32, max_size=32)
RUN_KEYS = st.lists(st.text(_WORD, min_size=1, max_size=8), min_size=1, max_size=6).map("-".join)
# with an offset (the next argument), as every launcher writes them
TIMES = st.datetimes(
    dt.datetime(1970, 1, 2),  # noqa: DTZ001
    timezones=st.integers(-14 * 60, 14 * 60).map(lambda minutes: dt.timezone(dt.timedelta(minutes=minutes))),
)


def maybe(strategy: st.SearchStrategy) -> st.SearchStrategy:
    return st.none() | strategy


def table(values: st.SearchStrategy, *, size: int = 2) -> st.SearchStrategy:
    return st.dictionaries(NAMES, values, max_size=size)


_TEXTS = table(TEXT)
_COLUMNS = st.lists(NAMES, max_size=2)
INPUTS = st.one_of(
    st.builds(Parquet, TEXT, maybe(_TEXTS), maybe(st.booleans()), st.booleans()),
    st.builds(Csv, TEXT, maybe(_TEXTS), st.sampled_from(",;\t|"), st.lists(TEXT, max_size=2), st.booleans()),
    st.builds(NdJson, TEXT, maybe(_TEXTS), st.booleans()),
    st.builds(Delta, TEXT, maybe(COUNTS), maybe(_TEXTS), st.booleans()),
)
OUTPUTS = st.one_of(
    st.builds(Parquet, TEXT, replace=maybe(_TEXTS), append=st.booleans(), partition_by=_COLUMNS),
    st.builds(Delta, TEXT, replace=maybe(_TEXTS | TEXT), append=st.booleans(), merge=maybe(_COLUMNS), partition_by=_COLUMNS),
)
RESOURCES = st.builds(
    Resources,
    cpu=st.floats(0.001, 1024),
    memory_bytes=st.integers(MINIMUM_MEMORY_BYTES, 2**50),
    spill_bytes=maybe(st.integers(0, 2**50)),
)
CHECKS = st.builds(
    CheckSpec, schema=TEXT, policy=st.sampled_from(["fail", "quarantine"]), quarantine=maybe(TEXT), max_bad_share=SHARES
)
PARAMS = st.builds(Param, type=st.sampled_from(["str", "int", "float", "bool", "date"]), default=maybe(VALUES), doc=TEXT)
JOB_SPECS = st.builds(
    JobSpec,
    name=NAMES,
    module=TEXT,
    function=TEXT,
    inputs=table(INPUTS),
    output=OUTPUTS,
    params=table(PARAMS),
    arguments=_COLUMNS,
    checks=maybe(CHECKS),
    input_checks=_TEXTS,
    resources=RESOURCES,
    deadline_seconds=st.integers(1, 604_800),
    grace_seconds=st.integers(1, 3600),
    doc=TEXT,
)
ATTEMPTS = st.builds(Attempt, number=st.integers(1, 2**53), uid=UIDS)
VERDICTS = st.builds(
    Verdict, category=st.sampled_from(Category), summary=TEXT, evidence=st.lists(TEXT, max_size=3), remedy=TEXT
)
STORAGES = st.builds(
    Storage, endpoint_url=maybe(TEXT), region=maybe(TEXT), allow_http=st.booleans(), virtual_hosted=st.booleans()
)
CONTEXTS = st.builds(
    Context,
    job=JOB_SPECS,
    pins=table(COUNTS),
    params=table(VALUES),
    run_key=RUN_KEYS,
    attempt=ATTEMPTS,
    code_version=TEXT,
    plane=TEXT,
    resources=RESOURCES,
    deadline_seconds=st.integers(1, 604_800),
    grace_seconds=st.integers(1, 3600),
    attempt_uri=TEXT,
    force=st.booleans(),
    storage=STORAGES,
    created_at=TIMES,
    labels=_TEXTS,
)
RECEIPTS = st.builds(
    Receipt,
    job=TEXT,
    run_key=RUN_KEYS,
    attempt=ATTEMPTS,
    status=st.sampled_from(["succeeded", "failed", "interrupted"]),
    verdict=VERDICTS,
    params=table(VALUES),
    code_version=TEXT,
    plane=TEXT,
    fingerprint=TEXT,
    inputs=table(st.builds(InputUse, uri=TEXT, format=TEXT, version=TEXT, files=COUNTS, bytes=COUNTS)),
    checks=maybe(
        st.builds(CheckResult, schema=TEXT, policy=TEXT, rows_checked=COUNTS, rows_failed=COUNTS, rules=table(COUNTS))
    ),
    published=maybe(
        st.builds(Published, uri=TEXT, format=TEXT, mode=TEXT, version=COUNTS, rows=COUNTS, bytes=COUNTS, files=COUNTS)
    ),
    usage=st.builds(Usage, wall_seconds=SECONDS, cpu_seconds=SECONDS, memory_peak_bytes=COUNTS, memory_limit_bytes=COUNTS),
    started_at=TIMES,
    finished_at=TIMES,
    engine=_TEXTS,
    labels=_TEXTS,
)
MESSAGES = st.builds(
    Message,
    kind=st.sampled_from(["heartbeat", "receipt"]),
    uid=UIDS,
    phase=TEXT,
    rows=COUNTS,
    elapsed_seconds=SECONDS,
    memory_bytes=COUNTS,
    memory_peak_bytes=COUNTS,
    memory_limit_bytes=COUNTS,
    summary=table(VALUES),
    receipt_uri=TEXT,
)
RELEASES = st.builds(Release, code_version=TEXT, created_at=TIMES, image=maybe(TEXT), jobs=table(JOB_SPECS, size=1))
