"""Run keys and fingerprints: what makes two runs the same run, and two runs the same rows."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.contract.documents import NAMES, TEXT, VALUES
from tests.contract.samples import SPEC

from polarpod import Delta
from polarpod.contract.context import RunKey
from polarpod.contract.identity import digest, fingerprint_of, run_key_of
from polarpod.contract.resources import GIB, Resources

PARAMS = st.dictionaries(NAMES, VALUES, max_size=4)
FACTS: dict[str, Any] = {"job": SPEC, "code_version": "c0de", "params": {"ds": "2013-02-01"}, "input_versions": {"a": "1"}}
DNS_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\Z")


@given(params=PARAMS)
def test_a_run_key_is_safe_in_a_path_a_label_and_a_dns_name(params: dict[str, Any]) -> None:
    key = run_key_of(params)
    assert DNS_LABEL.match(key)
    assert msgspec.convert(key, RunKey) == key


@given(params=PARAMS)
def test_the_order_in_which_parameters_are_given_does_not_matter(params: dict[str, Any]) -> None:
    assert run_key_of(dict(reversed(params.items()))) == run_key_of(params)


@given(one=st.dictionaries(NAMES, TEXT, max_size=3), other=st.dictionaries(NAMES, TEXT, max_size=3))
def test_other_parameters_are_another_run(one: dict[str, str], other: dict[str, str]) -> None:
    assert (run_key_of(one) == run_key_of(other)) is (one == other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param({"a": "x-y"}, {"a": "x_y"}, id="characters that the slug drops"),
        pytest.param({"a": "b-c", "d": "e"}, {"a": "b", "c-d": "e"}, id="a seam moved"),
        pytest.param({"a": "X"}, {"a": "x"}, id="case"),
        pytest.param({"a": "x" * 200 + "1"}, {"a": "x" * 200 + "2"}, id="the end of a long value"),
        pytest.param({}, {"all": ""}, id="none and an empty one"),
        pytest.param({"a": "é"}, {"a": "e\u0301"}, id="two spellings of one letter"),
    ],
)
def test_parameters_that_read_alike_are_told_apart(one: dict[str, str], other: dict[str, str]) -> None:
    assert run_key_of(one) != run_key_of(other)


def test_a_run_key_is_readable_and_does_not_change_between_releases() -> None:
    assert run_key_of({"ds": "2013-02-01"}) == "ds-2013-02-01-" + digest({"ds": "2013-02-01"})[:10]
    assert run_key_of({"ds": "2013-02-01"}) == "ds-2013-02-01-2b16095278"
    assert run_key_of({}).startswith("all-")


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"resources": Resources(cpu=64, memory_bytes=64 * GIB, spill_bytes=None)}, id="resources"),
        pytest.param({"deadline_seconds": 1}, id="deadline"),
        pytest.param({"grace_seconds": 1}, id="grace"),
        pytest.param({"doc": "other words"}, id="docstring"),
    ],
)
def test_what_changes_how_a_run_goes_but_not_its_rows_leaves_the_fingerprint(change: dict[str, Any]) -> None:
    assert fingerprint_of(**FACTS | {"job": msgspec.structs.replace(SPEC, **change)}) == fingerprint_of(**FACTS)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"job": msgspec.structs.replace(SPEC, output=Delta("/elsewhere", append=True))}, id="output"),
        pytest.param({"job": msgspec.structs.replace(SPEC, inputs={})}, id="inputs"),
        pytest.param({"job": msgspec.structs.replace(SPEC, checks=None)}, id="checks"),
        pytest.param({"code_version": "other"}, id="code"),
        pytest.param({"params": {"ds": "2013-02-02"}}, id="parameters"),
        pytest.param({"input_versions": {"a": "2"}}, id="an input's version"),
        pytest.param({"input_versions": {}}, id="an input less"),
    ],
)
def test_what_decides_the_rows_changes_the_fingerprint(change: dict[str, Any]) -> None:
    assert fingerprint_of(**FACTS | change) != fingerprint_of(**FACTS)
