"""What @job says to an author who got something wrong, and what it writes down for one who did not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from polarpod import Check, Csv, Delta, Param, Parquet, job
from polarpod.contract.job import CheckSpec, JobSpec, check_spec
from polarpod.contract.verdict import Category, PolarpodError

ORDERS = {"orders": Parquet("{lake}/orders/ds={ds}")}
OUTPUT = Delta("{lake}/revenue", replace={"ds": "{ds}"})


class Rules:
    """Stands in for a dataframely schema: a declaration only wants its name."""


def revenue(orders: Any) -> Any:
    """Revenue by day.

    More of it.
    """
    return orders


def wrong_name(sales: Any) -> Any:
    return sales


def one_too_many(orders: Any, customers: Any) -> Any:
    return orders


def any_number(*orders: Any) -> Any:
    return orders


def any_names(orders: Any, **others: Any) -> Any:
    return orders


def with_arguments(orders: Any, *, ds: Any, top: Any) -> Any:
    return (orders, ds, top)


def declare(transform: Callable[..., Any] = revenue, **arguments: Any) -> Any:
    return job(**{"inputs": ORDERS, "output": OUTPUT} | arguments)(transform)


@pytest.mark.parametrize(
    ("transform", "arguments", "phrases"),
    [
        pytest.param(
            wrong_name,
            {},
            ["job 'wrong_name' does not take the inputs it declares", "declared: orders", "taken: sales", "a bare *"],
            id="an argument that is no input",
        ),
        pytest.param(one_too_many, {}, ["declared: orders", "taken: orders, customers"], id="one argument too many"),
        pytest.param(revenue, {"inputs": {}}, ["declared: none", "taken: orders"], id="no inputs at all"),
        pytest.param(any_number, {}, ["takes *args or **kwargs", "Name one argument an input"], id="*args"),
        pytest.param(any_names, {}, ["takes *args or **kwargs"], id="**kwargs"),
        pytest.param(
            revenue,
            {"output": Delta("a")},
            [
                "'a' must say how its rows are published, in exactly one way",
                "given: nothing",
                "append=True",
                'merge=["key"]',
            ],
            id="no publish mode",
        ),
        pytest.param(
            revenue, {"output": Delta("a", replace={}, append=True)}, ["given: replace, append"], id="two publish modes"
        ),
        pytest.param(revenue, {"output": Delta("a", merge=["id"], append=True)}, ["given: append, merge"], id="two others"),
        pytest.param(
            revenue, {"output": Delta("a", merge=[])}, ["merges on no key", 'merge=["id"]'], id="a merge on nothing"
        ),
        pytest.param(revenue, {"output": Parquet("a/*", append=True)}, ["'a/*' has a glob", "Name one table"], id="a glob"),
        pytest.param(
            revenue,
            {"output": Delta("a", append=True, partition_by=["day", "shop", "day"])},
            ["names day twice in partition_by", "Name each column once"],
            id="a partition column named twice",
        ),
        pytest.param(
            revenue,
            {"output": Delta("a", merge=["id", "id"])},
            ["names id twice in merge", "Name each column once"],
            id="a merge key named twice",
        ),
        pytest.param(
            revenue,
            {"output": Delta("a", replace={"ds": "{ds}"}, partition_by=["shop"])},
            ["replaces by ds, which partition_by lacks", "partition_by = ['shop']", "Add the column"],
            id="replacing by what is no partition",
        ),
        pytest.param(
            revenue,
            {"inputs": {"orders": Delta("a", append=True)}},
            ["input 'orders' says how it is published", "belong on the output"],
            id="an input that is published",
        ),
        pytest.param(
            revenue,
            {"inputs": {"orders": Csv("a", separator="||")}},
            ["input 'orders' has a separator that is not one byte", "separator = '||'"],
            id="a separator of two bytes",
        ),
        pytest.param(revenue, {"inputs": {"orders": Csv("a", separator="")}}, ["not one byte"], id="no separator"),
        pytest.param(
            revenue, {"inputs": {"orders": Csv("a", separator='"')}}, ["cannot be one"], id="a quote that separates"
        ),
        pytest.param(
            revenue, {"inputs": {"orders": Csv("a", separator="\n")}}, ["cannot be one"], id="a line end that separates"
        ),
        pytest.param(revenue, {"memory": "4GB"}, ["'4GB' is not an amount of memory", '"512Mi", "4Gi"'], id="bad memory"),
        pytest.param(revenue, {"memory": 1.5}, ["1.5 is not an amount of memory"], id="memory in fractions"),
        pytest.param(revenue, {"cpu": "two"}, ["'two' is not an amount of CPU", '"1.5" or "500m"'], id="bad cpu"),
        pytest.param(revenue, {"cpu": None}, ["None is not an amount of CPU"], id="no cpu"),
        pytest.param(
            revenue,
            {"cpu": 0},
            ["is not declared correctly", "cpu is 0.0; allowed: a number above 0 to 1024"],
            id="no cores",
        ),
        pytest.param(
            revenue,
            {"memory": "1Mi"},
            ["is not declared correctly", "memory is 1.0 MiB; allowed: from 256 MiB to"],
            id="too little",
        ),
        pytest.param(
            revenue,
            {"name": "Revenue!"},
            ["'Revenue!' is not declared correctly", "name is 'Revenue!'; allowed: at most 48 of a-z"],
            id="a bad name",
        ),
        pytest.param(
            revenue, {"name": "revenue\n"}, ["is not declared correctly", "name is 'revenue\\n'"], id="a name with a newline"
        ),
        pytest.param(lambda orders: orders, {}, ["'<lambda>' is not declared correctly"], id="no name"),
        pytest.param(
            revenue,
            {"deadline_seconds": 0},
            ["deadline_seconds is 0; allowed: a whole number from 1 to 604800"],
            id="no time",
        ),
        pytest.param(
            revenue,
            {"grace_seconds": 9999},
            ["grace_seconds is 9999; allowed: a whole number from 1 to 3600"],
            id="too much grace",
        ),
        pytest.param(
            revenue,
            {"inputs": {"orders": "s3://a"}},
            ["a value of inputs is not allowed; allowed: ", "Parquet or"],
            id="a URI in place of a dataset",
        ),
        pytest.param(
            revenue,
            {"params": {"ds": "date"}},
            ["a value of params is not allowed; allowed: Param"],
            id="a type in place of a Param",
        ),
        pytest.param(
            revenue,
            {"params": {"ds": Param(type="day")}},
            ["a value of params.type is not allowed; allowed: bool, date, float, int, str"],
            id="an unknown type",
        ),
        pytest.param(
            revenue, {"output": Delta("{Lake}/a", append=True)}, ["'{Lake}/a' has a brace", "{name}"], id="a stray brace"
        ),
        pytest.param(
            revenue,
            {"input_checks": {"order": Rules}},
            ["checks an input it does not have: 'order'", "inputs: orders"],
            id="checking an input that is none",
        ),
        pytest.param(
            revenue,
            {"checks": Check(Rules, max_bad_share=2)},
            ["checks.max_bad_share is 2; allowed: a number from 0 to 1"],
            id="a share above 1",
        ),
    ],
)
def test_a_mistake_is_told_where_it_is_made(transform: Any, arguments: dict[str, Any], phrases: list[str]) -> None:
    with pytest.raises(PolarpodError) as caught:
        declare(transform, **arguments)
    assert caught.value.verdict.category is Category.REQUEST_INVALID
    assert caught.value.verdict.remedy
    for phrase in phrases:
        assert phrase in str(caught.value)


def test_a_quarantine_policy_without_a_place_is_refused() -> None:
    spec = JobSpec(
        name="a", module="a", function="a", inputs={}, output=OUTPUT, checks=CheckSpec(schema="Rules", policy="quarantine")
    )
    with pytest.raises(PolarpodError, match="quarantines bad rows but says not where"):
        check_spec(spec)


@pytest.mark.parametrize("slash", ["", "/"], ids=["as it is", "with a slash"])
def test_good_and_bad_rows_in_one_place_are_refused(slash: str) -> None:
    checks = CheckSpec(schema="Rules", policy="quarantine", quarantine=f"{OUTPUT.uri}{slash}")
    spec = JobSpec(name="a", module="a", function="a", inputs={}, output=OUTPUT, checks=checks)
    with pytest.raises(PolarpodError, match="publishes good rows and sets bad ones aside in one place"):
        check_spec(spec)


@pytest.mark.parametrize(
    "value", [pytest.param(value, id=value or "nothing") for value in ("", "Europe/Berlin", "a LIKE '*'")]
)
def test_a_default_that_is_in_no_template_may_be_any_text(value: str) -> None:
    spec = declare(with_arguments, params={"top": Param(default=value)}).spec
    assert spec.params["top"].default == value


@pytest.mark.parametrize(
    ("output", "default", "phrase"),
    [
        pytest.param(Parquet("{lake}/{top}", append=True), "a/b", "cannot be part of a path", id="path"),
        pytest.param(Delta("{lake}/{top}", append=True), "%2e%2e", "cannot be part of a path", id="an escape for Delta"),
        pytest.param(Delta("{lake}/o", replace={"top": "{top}"}), "", "makes the partition 'top' empty", id="partition"),
        pytest.param(Delta("{lake}/o", append=True), "\x00" * 70_000, "is too long", id="any"),
    ],
)
def test_a_default_that_no_run_would_take_is_refused_at_its_declaration(output: Any, default: str, phrase: str) -> None:
    with pytest.raises(PolarpodError, match=f"parameter 'top' .*{phrase}"):
        declare(with_arguments, output=output, params={"top": Param(default=default)})
