"""What a reader makes of documents of other versions of the protocol."""

from __future__ import annotations

import json
import re

import pytest
from tests.contract.samples import CONTEXT, DOCUMENTS

from polarpod.contract.codec import decode
from polarpod.contract.context import Context
from polarpod.contract.verdict import Category, PolarpodError
from polarpod.contract.version import PROTOCOL, major, speaks

KINDS = [pytest.param(kind, id=kind.__name__) for kind in DOCUMENTS]


def altered(kind: type, **fields: object) -> bytes:
    return json.dumps(json.loads(DOCUMENTS[kind]) | fields).encode()


@pytest.mark.parametrize("kind", KINDS)
def test_unknown_fields_are_ignored_within_a_major_version(kind: type) -> None:
    document = decode(altered(kind, invented_later={"deep": [1, None]}), kind, source="here")
    assert document == decode(DOCUMENTS[kind], kind, source="here")


@pytest.mark.parametrize("kind", KINDS)
def test_a_higher_minor_version_is_read(kind: type) -> None:
    document = decode(altered(kind, protocol="1.7", invented_later=1), kind, source="here")
    assert document.protocol == "1.7"


@pytest.mark.parametrize("part", [pytest.param(part, id=part) for part in ("attempt", "resources")])
def test_unknown_fields_of_a_contexts_facts_are_ignored(part: str) -> None:
    document = json.loads(DOCUMENTS[Context])
    document[part]["invented_later"] = 1
    assert decode(json.dumps(document).encode(), Context, source="here") == CONTEXT


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(["job"], id="job"),
        pytest.param(["job", "inputs", "orders"], id="an input"),
        pytest.param(["job", "output"], id="the output"),
        pytest.param(["job", "checks"], id="the checks"),
        pytest.param(["storage"], id="the storage"),
    ],
)
def test_an_unknown_word_of_a_declaration_is_refused_for_half_obeying_it_would_publish_something_else(
    path: list[str],
) -> None:
    document = part = json.loads(DOCUMENTS[Context])
    for key in path:
        part = part[key]
    part["invented_later"] = 1
    with pytest.raises(PolarpodError, match=r"unknown key 'invented_later'; known: [a-z]"):
        decode(json.dumps(document).encode(), Context, source="here")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("version", [pytest.param(version, id=version) for version in ("2.0", "0.9", "11.0", "1000000.0")])
def test_another_major_version_is_refused_with_both_versions_named(kind: type, version: str) -> None:
    with pytest.raises(PolarpodError) as caught:
        decode(altered(kind, protocol=version), kind, source="s3://state/document.json")
    verdict = caught.value.verdict
    assert verdict.category is Category.CONTEXT_INVALID
    assert verdict.summary == f"the {kind.__name__.lower()} speaks protocol '{version}', this polarpod speaks '{PROTOCOL}'"
    assert verdict.evidence == ["s3://state/document.json"]
    assert "same polarpod release on both sides" in verdict.remedy


def test_another_major_version_is_told_so_before_any_field_is_blamed() -> None:
    with pytest.raises(PolarpodError, match=re.escape("speaks protocol '2.0'")):
        decode(b'{"protocol": "2.0", "jobs": 5}', Context, source="here")


def test_an_absurd_version_is_quoted_only_in_part() -> None:
    with pytest.raises(PolarpodError, match=r"speaks protocol '1{20}', this"):
        decode(altered(Context, protocol="1" * 5000 + ".0"), Context, source="here")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("1.0", 1, id="ours"),
        pytest.param("12.345", 12, id="two digits"),
        pytest.param("1", None, id="no minor"),
        pytest.param("1.", None, id="empty minor"),
        pytest.param(".1", None, id="empty major"),
        pytest.param("1.0.0", None, id="three parts"),
        pytest.param("-1.0", None, id="negative"),
        pytest.param("v1.0", None, id="a letter"),
        pytest.param("\u0661.0", None, id="digits of another script"),
        pytest.param("1 .0", None, id="a blank"),
        pytest.param("1234567.0", None, id="too many digits"),
        pytest.param("", None, id="nothing"),
    ],
)
def test_the_major_version_is_read_off_a_version_and_off_nothing_else(text: str, expected: int | None) -> None:
    assert major(text) == expected
    assert speaks(text) is (expected == 1)


def test_a_document_of_another_kind_is_not_taken_for_this_one() -> None:
    for kind, data in DOCUMENTS.items():
        for other in DOCUMENTS.keys() - {kind}:
            with pytest.raises(PolarpodError, match="is not valid"):
                decode(data, other, source="here")
