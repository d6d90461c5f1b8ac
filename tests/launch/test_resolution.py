"""A resolved job has no template left, and no parameter has changed the shape of a predicate."""

from __future__ import annotations

import sqlite3

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from polarpod import Csv, Delta, NdJson, Param, Parquet
from polarpod.contract.job import CheckSpec, JobSpec, placeholders_of
from polarpod.contract.verdict import PolarpodError
from polarpod.launch.job_request import parameters, resolve_job

SPEC = JobSpec(
    name="sales",
    module="sales",
    function="sales",
    inputs={
        "orders": Parquet("{lake}/orders/ds={ds}/*.parquet"),
        "shops": Csv("{lake}/{region}/shops.csv"),
        "clicks": NdJson("{lake}/clicks/{ds}.ndjson"),
        "rates": Delta("{lake}/rates", where={"ds": "{ds}", "kind": "fx"}),
    },
    output=Delta("{lake}/out", replace="ds = {ds} AND region = {region}"),
    params={"lake": Param(), "ds": Param(type="date"), "region": Param()},
    checks=CheckSpec(schema="Rules", policy="quarantine", quarantine="{lake}/bad/{ds}"),
)
LAKE = {"lake": "s3://lake/{not a template}"}


def resolved(region: str = "eu", spec: JobSpec = SPEC) -> JobSpec:
    return resolve_job(spec, parameters(spec, {"ds": "20130201", "region": region}, LAKE), LAKE)


def test_every_template_is_filled_in_from_parameters_and_variables() -> None:
    job = resolved()
    lake = LAKE["lake"]
    assert [dataset.uri for dataset in job.inputs.values()] == [
        f"{lake}/orders/ds=2013-02-01/*.parquet",
        f"{lake}/eu/shops.csv",
        f"{lake}/clicks/2013-02-01.ndjson",
        f"{lake}/rates",
    ]
    assert job.inputs["rates"] == Delta(f"{lake}/rates", where={"ds": "2013-02-01", "kind": "fx"})
    assert job.output == Delta(f"{lake}/out", replace="ds = '2013-02-01' AND region = 'eu'")
    assert job.checks
    assert job.checks.quarantine == f"{lake}/bad/2013-02-01"


def test_what_is_no_template_stays() -> None:
    kept = msgspec.to_builtins(resolved())
    before = msgspec.to_builtins(SPEC)
    for part in ("inputs", "output", "checks"):
        del kept[part], before[part]
    assert kept == before


def test_a_partition_to_replace_is_filled_in_as_it_is_written_in_paths() -> None:
    spec = msgspec.structs.replace(SPEC, output=Parquet("{lake}/out", replace={"ds": "{ds}", "kind": "x"}))
    assert resolved(spec=spec).output == Parquet(f"{LAKE['lake']}/out", replace={"ds": "2013-02-01", "kind": "x"})


ATTACKS = ["eu' OR '1'='1", "eu'; DROP TABLE sales; --", "'", "''", "eu\u2019", "x') OR 1=1 --", "' || ds || '"]


@pytest.mark.parametrize("attack", [pytest.param(attack, id=attack) for attack in ATTACKS])
def test_an_injection_stays_one_literal(attack: str) -> None:
    assert selected(attack) == [("2013-02-01", attack)]


@given(text=st.text(st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="/\\*?[]{}"), min_size=1, max_size=40))
def test_whatever_its_text_a_parameter_selects_its_own_rows_and_no_others(text: str) -> None:
    if text not in (".", ".."):
        assert selected(text) == [("2013-02-01", text)]


def selected(region: str) -> list[tuple[str, str]]:
    """What a SQL engine selects by the predicate out of a row of that region and some of others."""
    predicate = resolved(region).output.replace
    rows = [("2013-02-01", region), ("2013-02-02", region), ("2013-02-01", region + "'"), ("2013-02-01", "other region")]
    with sqlite3.connect(":memory:") as connection:
        connection.execute("CREATE TABLE sales (ds TEXT, region TEXT)")
        connection.executemany("INSERT INTO sales VALUES (?, ?)", rows)
        found: list[tuple[str, str]] = connection.execute(f"SELECT * FROM sales WHERE {predicate}").fetchall()
    return found


@pytest.mark.parametrize("region", [pytest.param(text, id=ascii(text)) for text in ("{lake}", "{ds}", "a/../../b", "*")])
def test_a_value_that_would_be_another_template_or_path_never_gets_so_far(region: str) -> None:
    with pytest.raises(PolarpodError, match="cannot be part of a path"):
        resolved(region)


def test_resolving_twice_changes_nothing() -> None:
    plain = {"lake": "s3://lake"}
    once = resolve_job(SPEC, parameters(SPEC, {"ds": "20130201", "region": "eu"}, plain), plain)
    assert placeholders_of(once) == []
    assert resolve_job(once, {}, {}) == once
