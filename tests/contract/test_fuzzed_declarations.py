"""Job specs and @job's arguments, mutated: refused by msgspec or by check_spec, and by nothing else. 6,000 cases."""

from __future__ import annotations

from random import Random
from typing import Any

import msgspec
import pytest
from tests.contract.mutations import STRANGE, assert_explains, put_somewhere
from tests.contract.samples import SPEC

from polarpod import Check, Csv, Delta, Param, Parquet, job
from polarpod.contract.definition import Definition
from polarpod.contract.job import JobSpec, check_spec, placeholders_of
from polarpod.contract.verdict import Category, PolarpodError

CASES = 6_000 // 2
# what Python can hold and JSON cannot
ODD: list[Any] = [
    *STRANGE,
    "\ud800",
    float("nan"),
    float("inf"),
    b"bytes",
    {1, 2},
    (1, 2),
    {"a", "b"},
    {1: 2},
    10**400,
    object,
]


def test_a_mutated_spec_is_refused_with_words_or_holds_together() -> None:
    for case in range(CASES):
        rng = Random(f"spec {case}")
        raw = msgspec.to_builtins(SPEC)
        for _ in range(rng.randint(1, 3)):
            raw = put_somewhere(raw, rng.choice(ODD), rng)
        try:
            spec = msgspec.convert(raw, JobSpec)
        except (msgspec.ValidationError, UnicodeEncodeError):  # msgspec's own: nobody has promised words yet
            continue
        try:
            check_spec(spec)
            placeholders_of(spec)
        except PolarpodError as error:
            assert_text(error)


class Rules:
    """Stands in for a dataframely schema: a declaration only wants its name."""


def transform(orders: Any) -> Any:
    return orders


ARGUMENTS: dict[str, Any] = {
    "inputs": {"orders": Parquet("{lake}/orders/ds={ds}")},
    "output": Delta("{lake}/revenue", replace={"ds": "{ds}"}),
    "checks": Check(Rules, quarantine="{lake}/bad"),
    "input_checks": {"orders": Rules},
    "params": {"ds": Param(type="date")},
    "cpu": 2,
    "memory": "4Gi",
    "spill": "8Gi",
    "deadline_seconds": 60,
    "grace_seconds": 5,
    "name": "revenue",
}
MISTAKES: dict[str, list[Any]] = {
    "inputs": [{"orders": value} for value in (5, "s3://lake", None, Csv, Csv("a", separator="\ud800"), Parquet(5))],
    "output": [None, "s3://lake", Csv("a"), Parquet("a"), Delta("*", append=True), Delta(5), Delta("{", append=True)],
    "checks": [None, Check(Rules, max_bad_share=7), Check(Rules, quarantine="{"), Check(Rules, max_bad_share=float("nan"))],
    "input_checks": [None, {"nobody": Rules}],
    "params": [None, {"ds": 5}, {"ds": "date"}, {"ds": Param(type="day")}, {5: Param()}],
    **{name: [*ODD, "4GB", "1e3", "-1", "٣Gi", 1.5] for name in ("cpu", "memory", "spill")},
    **{name: [None, *ODD] for name in ("deadline_seconds", "grace_seconds")},
    "name": [*ODD, "Revenue", "a b", "a\n", "_a", "a" * 49, "ä", "1a", "a-b"],
}


def test_a_mistaken_declaration_is_refused_with_words_or_is_none() -> None:
    for case in range(CASES):
        rng = Random(f"declaration {case}")
        arguments = dict(ARGUMENTS)
        for name in rng.sample(sorted(MISTAKES), rng.randint(1, 3)):
            arguments[name] = rng.choice(MISTAKES[name])
        try:
            made = job(**arguments)(transform)
        except PolarpodError as error:
            assert_text(error)
        else:
            assert isinstance(made, Definition)
            assert msgspec.json.decode(msgspec.json.encode(made.spec), type=JobSpec) == made.spec


def assert_text(error: PolarpodError) -> None:
    """As assert_explains, but an author's own source may hold what no JSON text can."""
    if "\\ud800" not in ascii(str(error)):
        assert_explains(error, Category.REQUEST_INVALID)


@pytest.mark.parametrize("name", [pytest.param(name, id=name) for name in MISTAKES])
def test_each_mistake_alone_is_an_error_of_its_own_or_none(name: str) -> None:
    for mistake in MISTAKES[name]:
        try:
            job(**ARGUMENTS | {name: mistake})(transform)
        except PolarpodError as error:
            assert_text(error)
