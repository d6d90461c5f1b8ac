"""How a worker finds its context, and what it says where it cannot trust it."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from tests.contract.mutations import assert_explains
from tests.contract.samples import CONTEXT

from polarpod.contract.codec import encode
from polarpod.contract.context import MAXIMUM_BYTES
from polarpod.contract.verdict import Category, PolarpodError
from polarpod.runtime.read_context import INLINE, SHA256, URI, is_remote, load

DATA = encode(CONTEXT)
SUM = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "context ü.json"
    path.write_bytes(DATA)
    return path


def refusal(environment: dict[str, str]) -> PolarpodError:
    with pytest.raises(PolarpodError) as caught:
        load(environment)
    assert_explains(caught.value)
    return caught.value


@pytest.mark.parametrize("checked", [pytest.param(True, id="with its sha256"), pytest.param(False, id="without")])
def test_a_context_is_loaded_from_a_variable_a_path_and_a_file_uri(path: Path, checked: bool) -> None:
    proof = {SHA256: f" {SUM.upper()} "} if checked else {}
    assert load({INLINE: DATA.decode()} | proof) == CONTEXT
    assert load({URI: str(path)} | proof) == CONTEXT
    assert load({URI: path.as_uri()} | proof) == CONTEXT


def test_the_document_itself_comes_before_its_place(path: Path) -> None:
    assert "is not valid" in str(refusal({INLINE: "{", URI: str(path)}))


def test_a_context_with_another_sum_is_refused_before_it_is_parsed(path: Path) -> None:
    path.write_bytes(b"{")
    error = refusal({URI: str(path), SHA256: SUM})
    assert error.verdict.category is Category.CONTEXT_INVALID
    assert error.verdict.summary == "the context is not the one the launcher wrote"
    assert error.verdict.evidence[:2] == [str(path), f"sha256 expected {SUM}"]
    assert "who writes to the state store" in error.verdict.remedy


@pytest.mark.parametrize(
    ("environment", "phrases"),
    [
        pytest.param(
            {}, ["was given no context", f"neither ${INLINE} nor ${URI}", "do not start one by hand"], id="nothing"
        ),
        pytest.param({URI: ""}, ["was given no context"], id="an empty place"),
        pytest.param({URI: "/nowhere/context.json"}, ["not where the launcher said", "/nowhere/context.json"], id="absent"),
        pytest.param({URI: "/"}, ["not where the launcher said"], id="a folder"),
        pytest.param({URI: "/dev/null/x"}, ["not where the launcher said"], id="below a file"),
        pytest.param({URI: "file://[x"}, ["is not a local file", "file:///absolute"], id="a broken file URI"),
        pytest.param({URI: "file://host/x"}, ["is not a local file"], id="another machine's file"),
        pytest.param({URI: "s3://b/c.json"}, ["must come with its sha256", f"${SHA256} is not set"], id="S3 without a sum"),
        pytest.param({URI: "gs://b/c.json", SHA256: SUM}, ["gs:// is not a place", "s3:// URI"], id="another cloud"),
        pytest.param({URI: "s3://*/c.json", SHA256: SUM}, ["cannot be the name of a bucket"], id="a glob for a bucket"),
        pytest.param(
            {URI: "s3://b/c.json", SHA256: SUM, "AWS_ENDPOINT_URL": "localhost:9000"},
            ["endpoint is not a URL", "localhost:9000", "http://host:9000"],
            id="an endpoint without a scheme",
        ),
        pytest.param({INLINE: "\udcff"}, ["is not valid"], id="bytes that are no text"),
    ],
)
def test_a_context_that_cannot_be_had_is_refused_with_words(environment: dict[str, str], phrases: list[str]) -> None:
    text = str(refusal(environment))
    for phrase in phrases:
        assert phrase in text


def test_a_file_that_is_too_long_is_not_read_to_its_end(path: Path) -> None:
    os.truncate(path, 2**40)  # sparse: a terabyte that no disk here has
    assert f"at most {MAXIMUM_BYTES:,}" in str(refusal({URI: str(path)}))


def test_a_path_longer_than_the_file_system_takes_is_refused_with_words() -> None:
    refusal({URI: "/" + "x" * 300})


def test_a_context_whose_job_contradicts_itself_is_refused() -> None:
    twice = DATA.replace(b'"append": false,\n      "merge": null', b'"append": true,\n      "merge": null')
    assert twice != DATA
    assert "must say how its rows are published" in str(refusal({INLINE: twice.decode()}))


@pytest.mark.parametrize(
    ("environment", "remote"),
    [
        pytest.param({INLINE: "{}", URI: "s3://b/c"}, False, id="the document itself"),
        pytest.param({URI: "s3://b/c"}, True, id="S3"),
        pytest.param({URI: "/a/b"}, False, id="a path"),
        pytest.param({}, False, id="nothing"),
    ],
)
def test_only_a_context_in_an_object_store_needs_a_client(environment: dict[str, str], remote: bool) -> None:
    assert is_remote(environment) is remote
