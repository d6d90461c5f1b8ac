"""What is wrong with a request is said before anything runs, with the slip that was likely made."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from polarpod import Delta, Param, Parquet
from polarpod.contract.identity import run_key_of
from polarpod.contract.job import JobSpec
from polarpod.contract.verdict import Category, PolarpodError
from polarpod.launch.job_request import check_names, choose_job, parameters, resolve_job

SPEC = JobSpec(
    name="daily_revenue",
    module="sales",
    function="daily_revenue",
    inputs={"orders": Parquet("{lake}/orders/ds={ds}")},
    output=Delta("{lake}/revenue", replace={"ds": "{ds}"}),
    params={
        "lake": Param(),
        "ds": Param(type="date"),
        "top": Param(type="int", default=10),
        "strict": Param(type="bool", default=False),
        "region": Param(default=""),
    },
)
PLAIN = msgspec.structs.replace(SPEC, params={name: param for name, param in SPEC.params.items() if name != "region"})
LAKE = {"lake": "s3://lake"}


def refusal(given: dict[str, Any], variables: dict[str, str] = LAKE, spec: JobSpec = PLAIN) -> PolarpodError:
    with pytest.raises(PolarpodError) as caught:
        parameters(spec, given, variables)
    assert caught.value.verdict.category is Category.REQUEST_INVALID
    return caught.value


@pytest.mark.parametrize(
    ("given", "problems"),
    [
        pytest.param({}, ["missing: ds"], id="missing"),
        pytest.param({"ds": "2013-02-01", "shop": "a"}, ["unknown: shop"], id="extra"),
        pytest.param({"dss": "2013-02-01"}, ["missing: ds", "unknown: dss; did you mean 'ds'?"], id="misspelt"),
        pytest.param({"ds": "2013-02-01", "tops": 3}, ["unknown: tops; did you mean 'top'?"], id="misspelt with a default"),
        pytest.param(
            {"ds": "2013-02-01", "lake": "/tmp"}, ["unknown: lake (set by the plane: s3://lake)"], id="a plane's variable"
        ),
    ],
)
def test_names_that_are_not_right_are_listed_with_what_the_job_takes(given: dict[str, Any], problems: list[str]) -> None:
    error = refusal(given)
    assert error.verdict.summary == "the parameters of job 'daily_revenue' are not right"
    assert error.verdict.evidence == [*problems, "it takes: ds, top, strict"]
    assert "--param name=value" in error.verdict.remedy


def test_names_can_be_checked_without_values_as_a_dag_is_parsed() -> None:
    check_names(PLAIN, {"ds": object()}, LAKE)
    with pytest.raises(PolarpodError, match="missing: ds"):
        check_names(PLAIN, {}, LAKE)


def test_what_no_plane_sets_the_caller_must_give() -> None:
    assert "missing: lake" in str(refusal({"ds": "2013-02-01"}, variables={}))


@pytest.mark.parametrize(
    ("given", "phrases"),
    [
        pytest.param(
            {"ds": "01.02.2013"}, ["'ds' must be a date (write it as \"2013-02-01\")", "ds = '01.02.2013'"], id="date"
        ),
        pytest.param({"ds": "2013-02-30"}, ["'ds' must be a date"], id="a day that never was"),
        pytest.param({"ds": "2013-02-01", "top": "ten"}, ["'top' must be a int", "top = 'ten'"], id="number"),
        pytest.param({"ds": "2013-02-01", "top": True}, ["'top' must be a int", "top = 'true'"], id="boolean for a number"),
        pytest.param({"ds": "2013-02-01", "strict": "yes"}, ["'strict' must be a bool"], id="boolean"),
    ],
)
def test_a_value_that_does_not_read_as_its_type_is_refused(given: dict[str, Any], phrases: list[str]) -> None:
    for phrase in phrases:
        assert phrase in str(refusal(given))


@pytest.mark.parametrize(
    "value", [pytest.param(value, id=value or "nothing") for value in ("Europe/Berlin", "", "a LIKE '%*'")]
)
def test_a_parameter_that_is_in_no_template_may_be_any_text(value: str) -> None:
    values = parameters(SPEC, {"ds": "2013-02-01", "region": value}, LAKE)
    assert values["region"] == value
    assert resolve_job(SPEC, values, LAKE).output.uri == "s3://lake/revenue"


def test_a_value_that_no_document_can_carry_is_refused_by_its_name() -> None:
    assert "parameter 'region' has a value that is no text" in str(
        refusal({"ds": "2013-02-01", "region": "\udcff"}, spec=SPEC)
    )


def test_defaults_are_filled_in_and_a_planes_variables_are_not_parameters() -> None:
    assert parameters(PLAIN, {"ds": "2013-02-01"}, LAKE) == {"ds": "2013-02-01", "top": "10", "strict": "false"}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param({"ds": "20130201"}, {"ds": "2013-02-01"}, id="two spellings of a day"),
        pytest.param({"ds": "2013-02-01", "top": 10}, {"ds": "2013-02-01", "top": "010"}, id="a number and its text"),
        pytest.param({"ds": "2013-02-01", "top": "10"}, {"ds": "2013-02-01"}, id="a default, given and not given"),
        pytest.param({"ds": "2013-02-01", "strict": True}, {"ds": "2013-02-01", "strict": "TRUE"}, id="a boolean"),
    ],
)
def test_two_spellings_of_one_request_are_one_run(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert run_key_of(parameters(PLAIN, one, LAKE)) == run_key_of(parameters(PLAIN, other, LAKE))


@given(
    given=st.dictionaries(st.sampled_from(["ds", "top", "strict", "lake", "x"]), st.text() | st.integers() | st.booleans())
)
def test_whatever_is_asked_is_taken_or_refused_with_words(given: dict[str, Any]) -> None:
    try:
        taken = parameters(PLAIN, given, LAKE)
    except PolarpodError as error:
        text = str(error)
    else:
        assert parameters(PLAIN, taken, LAKE) == taken
        return
    assert "what to do:" in text


def test_a_parameter_given_as_none_counts_as_missing() -> None:
    with pytest.raises(PolarpodError, match="missing: ds"):
        parameters(PLAIN, {"ds": None}, LAKE)  # type: ignore[dict-item]


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        pytest.param("daily_revenu", "Did you mean 'daily_revenue'?", id="a slip"),
        pytest.param("zzz", "`polarpod jobs` lists them", id="no idea"),
    ],
)
def test_an_unknown_job_is_refused_with_those_there_are(name: str, remedy: str) -> None:
    with pytest.raises(PolarpodError, match=f"there is no job '{name}'") as caught:
        choose_job({"daily_revenue": SPEC, "alpha": SPEC}, name, source="release.json")
    assert caught.value.verdict.evidence == ["release.json has: alpha, daily_revenue"]
    assert remedy in caught.value.verdict.remedy


def test_a_known_job_is_chosen() -> None:
    assert choose_job({"daily_revenue": SPEC}, "daily_revenue", source="here") is SPEC
