"""Whatever an error says, and however: its verdict can be written down, and is that of the same in plain words."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from polarpod.contract.receipt import InputUse
from polarpod.contract.verdict import Category, PolarpodError, Verdict
from polarpod.runtime.classify import classify
from polarpod.runtime.failure.text import LINE, line, said_by
from polarpod.runtime.outcome import Outcome, encode

LONE = "\udc80"


class Raises(Exception):
    def __init__(self, raised: BaseException) -> None:
        self.raised = raised

    def __str__(self) -> str:
        raise self.raised


class NoText(Exception):
    def __str__(self) -> str:
        return 5  # type: ignore[return-value]  # noqa: PLE0307  # as a job of somebody's may


class Endless(Exception):
    def __str__(self) -> str:
        return str(self)


class Sly(str):
    __slots__ = ()

    def __len__(self) -> int:
        raise RuntimeError

    def replace(self, *_: Any) -> str:
        raise RuntimeError


class SaysSly(Exception):
    def __str__(self) -> str:
        return Sly("words")


def grouped(depth: int) -> BaseException:
    error: Exception = ValueError(LONE)
    for _ in range(depth):
        error = ExceptionGroup(LONE, [error])
    return error


def chained(depth: int) -> BaseException:
    error = ValueError(LONE)
    for _ in range(depth):
        outer = ValueError("outer")
        outer.__cause__, error = error, outer
    return error


def its_own_cause() -> BaseException:
    error = ValueError("round")
    error.__cause__ = error
    return error


def caused_by(cause: BaseException) -> BaseException:
    error = ValueError("outer")
    error.__cause__ = cause
    return error


def mute(value: object) -> BaseException:
    return ValueError(value)


class Unprintable:
    def __repr__(self) -> str:
        raise SystemExit(0)

    __str__ = __repr__


ERRORS = {
    "half a surrogate pair": ValueError(f"a{LONE}b"),
    "NUL and bells": ValueError("a\0\x07\x1b[2Jb"),
    "millions of characters": ValueError("x" * 5_000_000),
    "a text that raises": Raises(RuntimeError()),
    "a text that interrupts": Raises(KeyboardInterrupt()),
    "a text that leaves": Raises(SystemExit(0)),
    "a text that is a number": NoText(),
    "a text without an end": Endless(),
    "a text with methods of its own": SaysSly(),
    "an argument without a text": mute(Unprintable()),
    "a name with an escape": type("X\x1b[31m", (Exception,), {})(),
    "a module that is a number": type("X", (Exception,), {"__module__": 5})(),
    "a group of groups": grouped(500),
    "a chain": chained(5_000),
    "its own cause": its_own_cause(),
    "a cause that raises": caused_by(Raises(ValueError())),
    "a file that is no text": OSError(7, f"no{LONE}", f"f{LONE}"),
}


def written(verdict: Verdict) -> Verdict:
    """The verdict as the supervisor reads it from the child's report."""
    read = msgspec.json.decode(encode(Outcome(verdict=verdict)), type=Outcome).verdict
    read.text().encode()
    return read


@pytest.mark.parametrize("name", ERRORS)
@pytest.mark.parametrize("phase", ["load", "transform", "publish"])
def test_an_error_that_is_hard_to_tell_ends_like_any_other(name: str, phase: str) -> None:
    verdict = classify(ERRORS[name], phase=phase)
    assert verdict.category is classify(ValueError("plain"), phase=phase).category
    assert written(verdict) == verdict
    assert all(len(each) <= LINE for each in verdict.evidence)


@pytest.mark.parametrize("raised", ["ValueError('\\udc80' * 3)", "Bad()", "ExceptionGroup('\\udc80', [ValueError()])"])
def test_a_jobs_own_error_stays_the_jobs_whatever_it_says(caught: Any, job_module: Any, raised: str) -> None:
    module = job_module(
        "class Bad(Exception):\n    def __str__(self):\n        raise SystemExit(3)\n\n"
        f"def transform():\n    raise {raised}\n"
    )
    verdict = classify(caught(module.transform), phase="transform")
    assert verdict.category is Category.JOB_FAILED
    assert written(verdict) == verdict


def test_leaving_with_what_has_no_text_is_still_leaving() -> None:
    verdict = classify(SystemExit(Unprintable()), phase="transform")
    assert verdict.category is Category.JOB_FAILED
    assert written(verdict) == verdict


def test_a_syntax_error_of_somebodys_own_making_is_an_import_that_failed() -> None:
    error = SyntaxError("no", (5, Unprintable(), 3, b"text"))
    assert classify(error, phase="load").category is Category.JOB_IMPORT_FAILED


def test_an_error_of_polarpods_own_keeps_its_category() -> None:
    verdict = classify(PolarpodError(Category.INPUT_MISSING, f"a{LONE}", evidence=[f"b{LONE}\0"], remedy="c"), phase="scan")
    assert verdict == Verdict(category=Category.INPUT_MISSING, summary="a\\udc80", evidence=["b\\udc80\\x00"], remedy="c")


def test_what_cannot_be_explained_is_an_internal_error_with_its_type() -> None:
    class Hidden(Exception):
        @property
        def __cause__(self) -> BaseException:  # type: ignore[override]  # nobody should, somebody can
            raise LookupError("hidden")

    verdict = classify(Hidden("x"), phase="transform")
    assert verdict.category is Category.INTERNAL_ERROR
    assert "Hidden" in verdict.evidence[0]


@given(text=st.text(st.characters(exclude_categories=[])))
def test_any_text_becomes_one_that_every_document_holds(text: str) -> None:
    for made in (said_by(text), line(text)):
        made.encode()
        assert not set(made) & {chr(code) for code in (*range(9), *range(14, 27), 127)}
    assert "\x1b" not in line(text)
    assert written(classify(ValueError(text), phase="transform")).category is Category.INTERNAL_ERROR


def test_a_part_of_an_outcome_that_cannot_be_written_is_left_out_and_the_ending_stays() -> None:
    use = InputUse(uri=f"/lake/{LONE}", format="csv", version="1", files=1, bytes=1)
    outcome = Outcome(
        verdict=Verdict(category=Category.SUCCEEDED, summary="published"), inputs={"orders": use}, engine={"polars": "2"}
    )
    assert msgspec.json.decode(encode(outcome), type=Outcome) == msgspec.structs.replace(outcome, inputs={})
    untold = Outcome(verdict=Verdict(category=Category.JOB_FAILED, summary=LONE))
    assert msgspec.json.decode(encode(untold), type=Outcome).verdict.category is Category.INTERNAL_ERROR
