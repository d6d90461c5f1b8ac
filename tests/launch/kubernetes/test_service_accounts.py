"""Whom a worker runs as: the plane's account, or the job's own where it has one."""

from __future__ import annotations

import pytest
from tests.launch.kubernetes.attempts import context, data_of, plane

from polarpod.launch.planes.kubernetes.render.manifest import render

OWN = {"airport_delays": "polarpod-airport-delays"}


def account_of(**fields: object) -> str:
    attempt = context()
    return str(render(attempt, data_of(attempt), plane(**fields))["spec"]["serviceAccountName"])


@pytest.mark.parametrize(
    ("fields", "account"),
    [
        pytest.param({}, "default", id="nothing said"),
        pytest.param({"service_account": "jobs"}, "jobs", id="one for all"),
        pytest.param({"service_account": "jobs", "service_accounts": OWN}, "polarpod-airport-delays", id="its own"),
        pytest.param({"service_accounts": {"clean_flights": "clean"}}, "default", id="another job's"),
    ],
)
def test_a_job_runs_as_its_own_account_where_it_has_one(fields: dict[str, object], account: str) -> None:
    assert account_of(**fields) == account


def test_no_token_is_mounted_of_a_jobs_own_account_either() -> None:
    attempt = context()
    spec = render(attempt, data_of(attempt), plane(service_accounts=OWN))["spec"]
    assert spec["automountServiceAccountToken"] is False


@pytest.mark.parametrize(
    "name",
    [pytest.param("airport_delays", id="an underscore"), pytest.param("", id="nothing"), pytest.param("a b", id="a space")],
)
def test_an_account_that_kubernetes_would_not_take_is_a_problem_of_the_plane(name: str) -> None:
    (problem,) = plane(service_accounts={"airport_delays": name}).problems()
    assert problem == (
        "service_accounts",
        f"{name!r} is not a name: at most 253 of a-z, 0-9, - and dots, and neither - nor a dot at either end",
    )
