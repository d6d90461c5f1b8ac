"""What a parameter may be, how it is spelled, and how templates are filled in with it."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polarpod.contract.param import (
    Param,
    check_path_safe,
    placeholders,
    render,
    spelling,
    typed,
)
from polarpod.contract.verdict import PolarpodError


@pytest.mark.parametrize(
    ("type_", "text", "spelled"),
    [
        pytest.param("date", "2013-02-01", "2013-02-01", id="date"),
        pytest.param("date", "20130201", "2013-02-01", id="compact date"),
        pytest.param("date", "2013-W05-5", "2013-02-01", id="week date"),
        pytest.param("int", "007", "7", id="leading zeros"),
        pytest.param("int", " 7 ", "7", id="blanks"),
        pytest.param("int", 7, "7", id="a number"),
        pytest.param("float", "1e3", "1000.0", id="exponent"),
        pytest.param("bool", "TRUE", "true", id="capitals"),
        pytest.param("bool", False, "false", id="a boolean"),
        pytest.param("str", "As It Is", "As It Is", id="text"),
    ],
)
def test_every_spelling_of_a_value_becomes_one(type_: Any, text: Any, spelled: str) -> None:
    assert spelling(typed("x", Param(type=type_), text)) == spelled


@given(day=st.dates())
def test_dates_reach_the_transform_as_dates(day: dt.date) -> None:
    assert typed("ds", Param(type="date"), day.isoformat()) == day


@pytest.mark.parametrize(
    ("type_", "text"),
    [
        pytest.param("date", "2013-02-30", id="no such day"),
        pytest.param("date", "1.2.2013", id="another order"),
        pytest.param("int", "1.0", id="a fraction"),
        pytest.param("int", True, id="a boolean as a number"),
        pytest.param("int", "9" * 5000, id="too many digits"),
        pytest.param("float", "one", id="a word"),
        pytest.param("bool", "yes", id="yes"),
    ],
)
def test_a_value_that_does_not_read_as_its_type_is_refused(type_: Any, text: Any) -> None:
    with pytest.raises(PolarpodError, match=f"parameter 'x' must be a {type_}") as caught:
        typed("x", Param(type=type_), text)
    assert len(caught.value.verdict.evidence[0]) < 150
    assert caught.value.verdict.remedy == f"Pass a {type_} for 'x'."


UNSAFE = ["", ".", "..", "a/b", "a\\b", "*", "a?", "[a]", "{a}", "a\0", "a\n", "\x7f", "x" * 257, "\udcff"]


@pytest.mark.parametrize("text", [pytest.param(text, id=ascii(text)[:20]) for text in UNSAFE])
def test_a_value_that_would_leave_its_place_in_a_path_is_refused(text: str) -> None:
    with pytest.raises(PolarpodError, match="parameter 'x' has a value that cannot be part of a path") as caught:
        check_path_safe("x", text)
    assert "belongs under `variables` of the plane" in caught.value.verdict.remedy


@pytest.mark.parametrize(
    "text", [pytest.param(text, id=text[:20]) for text in ("2013-02-01", "a b", "ü", "...", "a.b", "x" * 256)]
)
def test_ordinary_values_are_safe_in_a_path(text: str) -> None:
    check_path_safe("x", text)


def test_placeholders_are_found_once_each_in_order() -> None:
    assert placeholders("{b}/x={a}/{b}.csv") == ["b", "a"]


@pytest.mark.parametrize(
    "template", [pytest.param(text, id=text) for text in ("{", "}", "{A}", "{1a}", "{{a}}", "{a b}", "{}")]
)
def test_a_brace_that_is_no_placeholder_is_refused(template: str) -> None:
    with pytest.raises(PolarpodError, match="has a brace that is not a placeholder"):
        placeholders(template)


def test_a_value_with_braces_is_not_filled_in_again() -> None:
    assert render("{a}/{b}", {"a": "{b}", "b": "x"}) == "{b}/x"


def test_a_placeholder_without_a_value_is_named_with_what_is_known() -> None:
    with pytest.raises(PolarpodError, match=r"no value for lake in '\{lake\}/x'") as caught:
        render("{lake}/x", {"ds": "1"})
    assert caught.value.verdict.evidence == ["known: ds"]
