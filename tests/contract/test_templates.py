"""What a parameter may be, how it is spelled, and how templates are filled in with it."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polarpod.contract.param import LONGEST_TEXT, Param, check_texts, spelling, typed
from polarpod.contract.placeholders import placeholders, render, render_partition
from polarpod.contract.verdict import PolarpodError


@pytest.mark.parametrize(
    ("type_", "text", "spelled"),
    [
        pytest.param("date", "2013-02-01", "2013-02-01", id="date"),
        pytest.param("date", "20130201", "2013-02-01", id="compact date"),
        pytest.param("date", "2013-W05-5", "2013-02-01", id="week date"),
        pytest.param("int", "007", "7", id="leading zeros"),
        pytest.param("int", "+7", "7", id="a plus"),
        pytest.param("int", 7, "7", id="a number"),
        pytest.param("float", "1e3", "1000.0", id="exponent"),
        pytest.param("float", "0.10", "0.1", id="trailing zeros"),
        pytest.param("float", 1e300, "1e+300", id="a float"),
        pytest.param("float", 2**53, "9007199254740992.0", id="a whole number"),
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
        pytest.param("float", "nan", id="no number"),
        pytest.param("float", "-Infinity", id="infinite"),
        pytest.param("float", "1e400", id="out of reach"),
        pytest.param("float", "1e-400", id="too close to zero"),
        pytest.param("float", "9007199254740993", id="more digits than a float has"),
        pytest.param("float", "1e99999999", id="an exponent without bound"),
        pytest.param("date", "2013-W05", id="a week"),
        pytest.param("date", "2013-02-01T00:00:00", id="a moment"),
        *(
            pytest.param(type_, text, id=f"{type_} with {what}")
            for what, texts in {
                "underscores": ("1_0", "1_0.5", "2013_02_01"),
                "blanks": (" 7 ", "0.5\n", " 2013-02-01"),
                "digits of another script": ("\u0667", "\u0660.\u0665", "\u0662\u0660\u0661\u0663-02-01"),
                "wide digits": ("\uff17", "\uff10.5", "2013-02-0\uff11"),
            }.items()
            for type_, text in zip(("int", "float", "date"), texts, strict=True)
        ),
        pytest.param("bool", " true", id="bool with blanks"),
        pytest.param("bool", "yes", id="yes"),
    ],
)
def test_a_value_that_does_not_read_as_its_type_is_refused(type_: Any, text: Any) -> None:
    with pytest.raises(PolarpodError, match=f"parameter 'x' must be a {type_}") as caught:
        typed("x", Param(type=type_), text)
    assert len(caught.value.verdict.summary) < 120
    assert len(caught.value.verdict.evidence[0]) < 150
    assert caught.value.verdict.evidence == [f"x = {str(text)[:100]!r}".replace("True", "true")]
    assert caught.value.verdict.remedy == f"Pass a {type_} for 'x'."


@pytest.mark.parametrize(
    ("values", "name", "why"),
    [
        pytest.param({"tz": "\udcff"}, "tz", "is no text", id="half a surrogate pair"),
        pytest.param({"ds": "1", "query": "ü" * (LONGEST_TEXT // 2)}, "query", "is too long", id="too long together"),
    ],
)
def test_a_text_that_no_document_can_carry_is_refused_by_its_name(values: dict[str, Any], name: str, why: str) -> None:
    with pytest.raises(PolarpodError, match=f"parameter {name!r} .*{why}") as caught:
        check_texts(values)
    assert len(caught.value.verdict.evidence[0]) < 200


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(text, id=ascii(text)[:20])
        for text in ("", "Europe/Berlin", "a\0b\n", "SELECT * FROM t WHERE a = '..'", "x" * LONGEST_TEXT)
    ],
)
def test_any_other_text_may_be_a_parameter(text: str) -> None:
    check_texts({"x": text})


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


def test_a_partitions_value_may_be_any_text_that_a_folder_can_be_named_after() -> None:
    values = {"zone": "Europe/Berlin #1 %2e"}
    assert render_partition("zone", "{zone}", {}, values) == values["zone"]


@pytest.mark.parametrize(
    ("value", "phrase"),
    [
        pytest.param("", "makes the partition 'zone' empty", id="empty"),
        pytest.param("日" * 28, "too long for the name of a folder: 257 bytes when escaped", id="too long when escaped"),
    ],
)
def test_a_partitions_value_that_no_folder_can_be_named_after_is_refused(value: str, phrase: str) -> None:
    with pytest.raises(PolarpodError, match=phrase) as caught:
        render_partition("zone", "{x}", {}, {"x": value})
    assert caught.value.verdict.summary.startswith("parameter 'x'")
    assert render_partition("zone", "{x}", {"x": value}, {}) == value, "a plane's variable is its author's business"
