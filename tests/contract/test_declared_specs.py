"""What @job writes down for an author who got everything right."""

from __future__ import annotations

from typing import Any

import pytest

from polarpod import Check, Delta, Param, Parquet, job
from polarpod.contract.dataset import partition_columns
from polarpod.contract.job import CheckSpec
from polarpod.contract.resources import GIB, MIB, Resources

ORDERS = {"orders": Parquet("{lake}/orders/ds={ds}")}


class Rules:
    """Stands in for a dataframely schema: a declaration only wants its name."""


@job(
    inputs=ORDERS,
    output=Delta("{lake}/revenue", replace={"ds": "{ds}"}),
    checks=Check(Rules, quarantine="{lake}/bad/{part}"),
    input_checks={"orders": Rules},
    params={"ds": Param(type="date")},
    cpu="1500m",
    memory="4Gi",
    spill=1024,
)
def revenue(orders: Any, *, top: Any) -> Any:
    """Revenue by day.

    And more about it.
    """
    return orders, top


@job(inputs=ORDERS, output=Parquet("/out", append=True), checks=Rules, name="plainly")
def plain(orders: Any) -> Any:
    return orders


def test_calling_a_job_calls_its_transform_so_that_a_unit_test_needs_nothing_of_polarpod() -> None:
    assert revenue("frame", top=3) == ("frame", 3)


def test_the_specs_names_are_those_of_the_function() -> None:
    assert (revenue.spec.name, revenue.spec.function, revenue.spec.module) == ("revenue", "revenue", __name__)
    assert (plain.spec.name, plain.spec.function) == ("plainly", "plain")


def test_the_first_line_of_the_docstring_is_kept() -> None:
    assert revenue.spec.doc == "Revenue by day."
    assert plain.spec.doc == ""


def test_placeholders_and_keyword_only_arguments_are_parameters_of_text_unless_declared() -> None:
    assert revenue.spec.params == {"ds": Param(type="date"), "lake": Param(), "part": Param(), "top": Param()}
    assert revenue.spec.arguments == ["top"]


def test_quantities_become_numbers() -> None:
    assert revenue.spec.resources == Resources(cpu=1.5, memory_bytes=4 * GIB, spill_bytes=1024)
    assert plain.spec.resources == Resources(cpu=1, memory_bytes=1024 * MIB, spill_bytes=None)


def test_giving_a_place_chooses_the_quarantine_policy_and_a_bare_schema_fails_the_run() -> None:
    assert revenue.spec.checks == CheckSpec(schema="Rules", policy="quarantine", quarantine="{lake}/bad/{part}")
    assert plain.spec.checks == CheckSpec(schema="Rules", policy="fail")
    assert revenue.spec.input_checks == {"orders": "Rules"}


def test_the_schema_itself_stays_with_the_definition() -> None:
    assert revenue.schema is Rules
    assert revenue.input_schemas == {"orders": Rules}


@pytest.mark.parametrize(
    ("output", "columns"),
    [
        pytest.param(Delta("a", replace={"ds": "{ds}"}), ["ds"], id="those of replace"),
        pytest.param(Delta("a", replace={"ds": "{ds}"}, partition_by=["ds", "shop"]), ["ds", "shop"], id="those stated"),
        pytest.param(Delta("a", replace="ds > {ds}"), [], id="none for a predicate"),
        pytest.param(Parquet("a", append=True), [], id="none for appending"),
        pytest.param(Parquet("a", replace={}), [], id="none for replacing all"),
    ],
)
def test_the_partition_columns_of_an_output_are(output: Delta | Parquet, columns: list[str]) -> None:
    assert partition_columns(output) == columns
