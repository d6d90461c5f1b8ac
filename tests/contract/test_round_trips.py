"""A document that was written is read as it was, by us and by somebody else's validator."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from tests.contract import documents

from polarpod.contract.codec import decode, encode
from polarpod.contract.context import Context
from polarpod.contract.job import JobSpec
from polarpod.contract.message import Message
from polarpod.contract.receipt import Receipt
from polarpod.contract.release import Release
from polarpod.contract.schemas import DOCUMENTS, path_of, render
from polarpod.contract.verdict import Verdict

STRATEGIES: dict[type, st.SearchStrategy] = {
    Context: documents.CONTEXTS,
    Receipt: documents.RECEIPTS,
    Message: documents.MESSAGES,
    Release: documents.RELEASES,
    Verdict: documents.VERDICTS,
    JobSpec: documents.JOB_SPECS,
}
ENVELOPES = [pytest.param(kind, id=kind.__name__) for kind in (Context, Receipt, Message, Release)]
EVERY = [pytest.param(kind, id=kind.__name__) for kind in STRATEGIES]
thorough = settings(max_examples=100, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@cache
def validator(kind: type) -> Draft202012Validator:
    """The checked-in schema of a document; a job spec's is the one that a release holds."""
    name = "release" if kind is JobSpec else kind.__name__.lower()
    schema: dict[str, Any] = json.loads(path_of(name).read_bytes())
    Draft202012Validator.check_schema(schema)
    if kind is JobSpec:
        schema = {"$defs": schema["$defs"], "$ref": "#/$defs/JobSpec"}
    return Draft202012Validator(schema)


@pytest.mark.parametrize("kind", ENVELOPES)
@given(data=st.data())
@thorough
def test_what_is_written_is_read_as_it_was(kind: type, data: st.DataObject) -> None:
    document = data.draw(STRATEGIES[kind])
    assert decode(encode(document), kind, source="here") == document


@pytest.mark.parametrize("kind", [pytest.param(Verdict, id="Verdict"), pytest.param(JobSpec, id="JobSpec")])
@given(data=st.data())
@thorough
def test_parts_that_travel_within_documents_are_read_as_they_were(kind: type, data: st.DataObject) -> None:
    document = data.draw(STRATEGIES[kind])
    assert msgspec.json.decode(encode(document), type=kind) == document


@pytest.mark.parametrize("kind", EVERY)
@given(data=st.data())
@thorough
def test_what_is_written_validates_against_the_schema_that_is_shipped(kind: type, data: st.DataObject) -> None:
    validator(kind).validate(json.loads(encode(data.draw(STRATEGIES[kind]))))


@pytest.mark.parametrize("kind", EVERY)
@given(data=st.data())
@settings(thorough, max_examples=20)
def test_writing_twice_gives_the_same_bytes(kind: type, data: st.DataObject) -> None:
    document = data.draw(STRATEGIES[kind])
    again = msgspec.json.decode(encode(document), type=kind)
    assert encode(again) == encode(document)


@pytest.mark.parametrize("name", [pytest.param(name, id=name) for name in DOCUMENTS])
def test_the_schemas_are_what_the_types_say(name: str) -> None:
    fresh = render(DOCUMENTS[name])
    assert path_of(name).read_bytes() == fresh, "stale: run `python -m polarpod.contract.schemas`"


def test_every_shipped_schema_is_of_a_known_document() -> None:
    shipped = {path.name for path in path_of("context").parent.glob("*.schema.json")}
    assert shipped == {path_of(name).name for name in DOCUMENTS}


@given(document=documents.RECEIPTS)
@thorough
def test_a_receipts_summary_fits_into_a_termination_message(document: Receipt) -> None:
    message = Message(kind="receipt", uid=document.attempt.uid, summary=document.summary())
    assert decode(encode(message), Message, source="here").summary == document.summary()
