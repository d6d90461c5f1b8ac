"""A termination message fits into what Kubernetes keeps, whatever is in it."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.contract.documents import UIDS

from polarpod.contract.message import MAXIMUM_BYTES, Message, encode

# a control character takes six bytes of JSON, most others up to four
WIDE = st.text(max_size=1500) | st.text('\x00\x1f"\\', max_size=1500) | st.text("\U0001f9ca", max_size=1500)
LONG = st.integers(0, 3000).map("x".__mul__)
ANY = st.none() | st.integers(-(10**40), 10**40) | st.floats() | st.booleans() | WIDE | LONG
NUMBERS = st.integers(-(2**63), 2**63)
MESSAGES = st.builds(
    Message,
    kind=st.sampled_from(["heartbeat", "receipt"]),
    uid=UIDS,
    phase=WIDE | LONG,
    rows=NUMBERS,
    elapsed_seconds=st.floats(0, 1e18),
    memory_bytes=NUMBERS,
    memory_peak_bytes=NUMBERS,
    memory_limit_bytes=NUMBERS,
    summary=st.dictionaries(WIDE | LONG, ANY, max_size=6),
    receipt_uri=WIDE | LONG,
)
UID = "0" * 32


def test_what_kubernetes_keeps_is_4096_bytes() -> None:
    assert MAXIMUM_BYTES == 4096


@given(message=MESSAGES)
@settings(max_examples=500)
def test_it_is_json_of_at_most_4096_bytes_and_says_whose_it_is(message: Message) -> None:
    data = encode(message)
    assert len(data) <= MAXIMUM_BYTES
    found = json.loads(data)
    assert (found["kind"], found["uid"], found["rows"]) == (message.kind, message.uid, message.rows)
    assert found["memory_peak_bytes"] == message.memory_peak_bytes


@given(summary=st.dictionaries(LONG, LONG | st.integers(0, 10**6), max_size=6))
@settings(max_examples=100)
def test_a_summary_is_there_whole_or_not_at_all(summary: dict[str, str | int]) -> None:
    found = msgspec.json.decode(encode(Message(kind="receipt", uid=UID, summary=summary)), type=Message)
    assert found.summary in (summary, {})


@pytest.mark.parametrize(
    ("message", "kept"),
    [
        pytest.param(
            Message(kind="receipt", uid=UID, phase="done", summary={"rows": 9}, receipt_uri="s3://state/receipt.json"),
            ("done", {"rows": 9}, "s3://state/receipt.json"),
            id="everything where it fits",
        ),
        pytest.param(
            Message(kind="receipt", uid=UID, phase="done", summary={"text": "x" * 5000}, receipt_uri="s3://r"),
            ("done", {}, "s3://r"),
            id="no summary where it is too long, but where the receipt is",
        ),
        pytest.param(
            Message(kind="receipt", uid=UID, phase="p" * 5000, summary={"rows": 9}, receipt_uri="s3://r"),
            ("p" * 100, {}, "s3://r"),
            id="the beginning of an endless phase",
        ),
        pytest.param(
            Message(kind="receipt", uid=UID, phase="done", receipt_uri="s3://" + "r" * 5000),
            ("", {}, ""),
            id="not even a URI where that is too long",
        ),
    ],
)
def test_what_is_given_up_first(message: Message, kept: tuple[str, dict[str, object], str]) -> None:
    found = msgspec.json.decode(encode(message), type=Message)
    assert (found.phase, found.summary, found.receipt_uri) == kept


def test_a_message_of_exactly_4096_bytes_stays_whole_and_one_of_4097_does_not() -> None:
    room = MAXIMUM_BYTES - len(encode(Message(kind="receipt", uid=UID, summary={"a": ""})))
    whole, cut = (Message(kind="receipt", uid=UID, summary={"a": "x" * (room + more)}) for more in (0, 1))
    assert len(encode(whole)) == MAXIMUM_BYTES
    assert msgspec.json.decode(encode(cut), type=Message).summary == {}
