"""A worker starts from exactly the context that its launcher wrote, or not at all."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.suite.bench import Bench
from tests.suite.conftest import on_disk
from tests.suite.verdicts import EXIT_CODES
from tests.support.site import Said

pytestmark = on_disk

JOBS = """
@job(inputs={}, output=Delta("{lake}/out", replace={}), memory="512Mi")
def made():
    return pl.LazyFrame({"id": [1]})
"""
Change = Callable[[bytes], bytes]


def worker(bench: Bench, change: Change, *, signed: bool = False) -> Said:
    """A worker whose context was changed on its way; `signed`: whether it still comes with its sha256."""
    context, data = bench.prepare("made")
    return bench.site.with_changed_context(bench, context, data, change, signed=signed)


def refused(bench: Bench, said: Said, *words: str) -> None:
    assert said.code == EXIT_CODES["context_invalid"], said.log
    words = ("polarpod: context_invalid: ", "what to do: ", *words)
    assert not [word for word in words if word not in said.log], said.log
    assert "Traceback" not in said.log
    assert bench.visible() == {}
    assert not [name for name in bench.files("_state") if name.endswith("receipt.json")]


def test_a_context_that_was_changed_on_its_way_is_refused(bench: Bench) -> None:
    done = worker(bench, lambda data: data.replace(b'"force": false', b'"force":  true'), signed=True)
    refused(bench, done, "not the one the launcher wrote", "sha256 expected", "sha256 found", "who writes to the state")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param(lambda data: data + b" " * 2**20, ["the context is too large", "at most 1,048,576"], id="too-large"),
        pytest.param(
            lambda data: data.replace(b'"protocol": "1.0"', b'"protocol": "2.0"', 1),
            ["speaks protocol '2.0', this polarpod speaks '1.0'", "same polarpod release"],
            id="another-protocol",
        ),
        pytest.param(lambda data: data[:-20], ["the context is not valid", "Do not edit it"], id="cut-short"),
        pytest.param(lambda data: b"", ["the context is not valid"], id="empty"),
        pytest.param(
            lambda data: data.replace(b'"number": 1', b'"number": 0'),
            ["attempt.number is 0; allowed: a whole number from 1 to"],
            id="no-number",
        ),
    ],
)
def test_a_document_that_is_no_context_is_refused(bench: Bench, change: Change, words: list[str]) -> None:
    refused(bench, worker(bench, change), *words)


def test_other_code_than_was_planned_is_refused_with_both_versions(bench: Bench) -> None:
    def meanwhile(data: bytes) -> bytes:
        bench.write_job(JOBS + "\n# another release\n")
        return data

    said = worker(bench, meanwhile)
    assert said.code == EXIT_CODES["code_mismatch"], said.log
    assert "the worker has other code than the run was planned with" in said.log
    assert "planned " in said.log
    assert bench.visible() == {}
