"""Resolves a request (job, parameters, plane) to a job. Pure: an invalid request raises before anything runs."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches

from polarpod.contract.job import JobSpec, placeholders_of, resolve_spec
from polarpod.contract.param import Scalar, check_texts, spelling, typed
from polarpod.contract.verdict import Category, PolarpodError


def choose_job(jobs: Mapping[str, JobSpec], name: str, *, source: str) -> JobSpec:
    """The job of that name. Raises PolarpodError with the names of the jobs where there is none."""
    if name in jobs:
        return jobs[name]
    close = get_close_matches(name, jobs, n=1)
    raise PolarpodError(
        Category.REQUEST_INVALID,
        f"there is no job {name!r}",
        evidence=[f"{source} has: {', '.join(sorted(jobs)) or 'none'}"],
        remedy=f"Did you mean {close[0]!r}?" if close else "`polarpod jobs` lists them; a new one needs `polarpod release`.",
    )


def check_names(spec: JobSpec, given: Mapping[str, object], variables: Mapping[str, str]) -> None:
    """Raises PolarpodError where parameters are missing or extra. Needs no values, so a DAG can be checked at parse."""
    declared = [name for name in spec.params if name not in variables]
    missing = [name for name in declared if given.get(name, spec.params[name].default) is None]
    extra = [name for name in given if name not in declared]
    if not missing and not extra:
        return
    problems = [f"missing: {name}" for name in missing]
    for name in extra:
        close = get_close_matches(name, declared, n=1)
        reserved = f" (set by the plane: {variables[name]})" if name in variables else ""
        problems.append(f"unknown: {name}{reserved}" + (f"; did you mean {close[0]!r}?" if close else ""))
    raise PolarpodError(
        Category.REQUEST_INVALID,
        f"the parameters of job {spec.name!r} are not right",
        evidence=[*problems, f"it takes: {', '.join(declared) or 'none'}"],
        remedy="Pass exactly these: --param name=value, or params={...} in a DAG.",
    )


def parameters(spec: JobSpec, given: Mapping[str, Scalar], variables: Mapping[str, str]) -> dict[str, Scalar]:
    """The run's parameters with defaults filled in, each readable as its type. What one may be in a path is checked
    where a template is filled in: most are in none."""
    check_names(spec, given, variables)
    values: dict[str, Scalar] = {}
    for name, param in spec.params.items():
        if name in variables:
            continue
        value = given.get(name, param.default)
        assert value is not None, "check_names has seen to it"
        # one spelling for each value: "20130201" and "2013-02-01", 7 and "7" are one run, one partition, one path
        values[name] = spelling(typed(name, param, value))
    check_texts(values)
    return values


def resolve_job(spec: JobSpec, values: Mapping[str, Scalar], variables: Mapping[str, str]) -> JobSpec:
    """The job with every template filled in from parameters and the plane's variables."""
    unset = [name for name in placeholders_of(spec) if name not in variables and name not in values]
    assert not unset, "every placeholder is a declared parameter, and parameters() has them all"
    return resolve_spec(spec, values, variables)
