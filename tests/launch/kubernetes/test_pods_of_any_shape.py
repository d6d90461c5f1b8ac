"""Whatever is shown to them, the judge of pods judges and the patient one decides: neither ever raises."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.contract.mutations import STRANGE, put_somewhere
from tests.contract.samples import RECEIPT
from tests.launch.kubernetes.pods import NAMES, document, verdict_on

from polarpod.contract.verdict import Category, Verdict
from polarpod.launch.planes.kubernetes.status import Refusal, Status
from polarpod.launch.planes.kubernetes.verdicts.sanitize import quantity
from polarpod.launch.planes.kubernetes.verdicts.start_timeout import patience, wants_events

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
WORDS = st.sampled_from(
    [
        "status", "spec", "metadata", "phase", "reason", "message", "conditions", "containerStatuses", "state", "waiting",
        "terminated", "running", "exitCode", "signal", "name", "worker", "type", "initContainerStatuses", "PodScheduled",
        "False", "Unschedulable", "Pending", "Failed", "Evicted", "OOMKilled", "StartError", "deletionTimestamp", "events",
    ]
)  # fmt: skip
PODS = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.floats() | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=5),
    max_leaves=40,
)


def holds(verdict: Verdict) -> None:
    assert not verdict.succeeded
    assert verdict.summary
    assert verdict.evidence
    assert verdict.remedy
    assert "\n" not in verdict.summary
    assert all(len(line) < 1000 for line in [verdict.summary, *verdict.evidence])
    json.dumps(verdict.text()).encode()


def judge(status: Status) -> None:
    holds(verdict_on(status))
    interrupted = Verdict(category=Category.INTERRUPTED, summary="stopped", evidence=["so"], remedy="Again.")
    holds(verdict_on(status, RECEIPT))
    holds(
        verdict_on(
            status, type(RECEIPT)(**{**{f: getattr(RECEIPT, f) for f in RECEIPT.__struct_fields__}, "verdict": interrupted})
        )
    )
    for seconds in (0.0, 30.0, 10_000.0):
        at = status._replace(seconds=seconds)
        given_up = patience(at, start_timeout_seconds=600)
        assert given_up is None or given_up.evidence
        wants_events(at)


@given(pod=PODS | JSON, events=st.lists(PODS, max_size=3), gone=st.booleans(), stopped=st.booleans())
@example(
    pod={"status": {"containerStatuses": [{"name": "worker", "state": {"terminated": []}}]}},
    events=[],
    gone=False,
    stopped=False,
)
@example(pod={"status": {"conditions": [{"type": []}, "PodScheduled", 3]}}, events=[{}], gone=True, stopped=False)
def test_any_json_is_judged(pod: Any, events: Any, gone: bool, stopped: bool) -> None:
    judge(Status(pod=pod, events=events, gone=gone, stop_requested=stopped))


@settings(max_examples=600)
@given(name=st.sampled_from(NAMES), seed=st.integers(0, 2**32), gone=st.booleans())
def test_a_recording_with_anything_in_the_place_of_anything_is_judged(name: str, seed: int, gone: bool) -> None:
    rng = Random(seed)
    found = document(name)
    if found["refusal"]:
        return
    for _ in range(rng.randint(1, 4)):
        found["pod"] = put_somewhere(found["pod"], rng.choice(STRANGE), rng)
        found["events"] = put_somewhere(found["events"], rng.choice(STRANGE), rng) if found["events"] else []
    judge(Status(pod=found["pod"], events=found["events"], gone=gone))


@given(message=st.text(max_size=3000), reason=WORDS)
def test_any_termination_message_is_judged(message: str, reason: str) -> None:
    end = {"exitCode": 137, "reason": reason, "message": message, "startedAt": "2026-11-21T12:00:00Z"}
    judge(Status(pod={"status": {"containerStatuses": [{"name": "worker", "state": {"terminated": end}}]}}))


REFUSED = [document(name)["refusal"]["message"] for name in NAMES if document(name)["refusal"]]


@given(
    code=st.integers(-1, 999), reason=st.text(max_size=20), message=st.text() | st.sampled_from(REFUSED), seed=st.integers()
)
def test_any_refusal_is_judged(code: int, reason: str, message: str, seed: int) -> None:
    rng = Random(seed)
    cut = message[: rng.randint(0, len(message))] + message[rng.randint(0, len(message)) :]
    for text in (message, cut):
        holds(verdict_on(Status(refusal=Refusal(code, reason, text))))


@pytest.mark.parametrize(
    ("text", "number"),
    [
        pytest.param("0", "0", id="zero"),
        pytest.param("1500m", "1.5", id="milli"),
        pytest.param("2Gi", "2147483648", id="binary"),
        pytest.param("5k", "5000", id="decimal"),
        pytest.param("1e3", "1000", id="exponent"),
        pytest.param("3E", "3000000000000000000", id="exa is no exponent"),
        pytest.param("100n", "1E-7", id="nano"),
    ],
)
def test_a_quantity_is_read_in_every_form_the_api_server_prints(text: str, number: str) -> None:
    from decimal import Decimal

    assert quantity(text) == Decimal(number)


@pytest.mark.parametrize(
    "text", [pytest.param(text, id=text or "empty") for text in ("", "Gi", "x", "1 Gi", "NaN", "Infinity")]
)
def test_what_is_no_quantity_is_none(text: str) -> None:
    assert quantity(text) is None
