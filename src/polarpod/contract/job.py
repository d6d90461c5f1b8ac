"""The job spec, shared by launcher and worker: everything about a job except its code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec

from polarpod.contract.dataset import Input, Output, check_output, needs
from polarpod.contract.param import Param, Scalar, check_texts, spelling, typed
from polarpod.contract.placeholders import placeholders, render_path
from polarpod.contract.resources import Resources
from polarpod.contract.verdict import Category, PolarpodError

# Short enough for a pod's name together with a run key and an attempt, and safe in a label and a path.
JobName = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]{0,47}$(?!\n)")]
Seconds = Annotated[int, msgspec.Meta(ge=1, le=7 * 24 * 3600)]


class CheckSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a job's output is checked before it is published.

    Attributes:
        schema: the name of the dataframely schema class, for display; the code holds the class.
        policy: `fail` publishes nothing when a row breaks a rule; `quarantine` publishes the good rows and sets the bad
            ones aside.
        quarantine: where bad rows go; required by the quarantine policy.
        max_bad_share: above this share of bad rows, 0 to 1, the run fails even with the quarantine policy.
    """

    schema: str
    policy: Literal["fail", "quarantine"] = "fail"
    quarantine: str | None = None
    max_bad_share: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.05


class JobSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A named transform with declared inputs, output, checks and resources.

    Attributes:
        name: unique within a release.
        module: the importable module, relative to the jobs directory.
        function: the transform's name in that module.
        inputs: name -> dataset; the transform receives one LazyFrame under each name.
        output: where its rows are published, and how.
        params: declared parameters, and those that appear only as placeholders, as text.
        arguments: the keyword-only arguments of the transform that receive parameters.
        deadline_seconds: wall clock of one attempt.
        grace_seconds: time between the stop request and the kill.
    """

    name: JobName
    module: str
    function: str
    inputs: dict[str, Input]
    output: Output
    params: dict[str, Param] = {}
    arguments: list[str] = []
    checks: CheckSpec | None = None
    input_checks: dict[str, str] = {}
    resources: Resources = Resources()
    deadline_seconds: Seconds = 3600
    grace_seconds: Annotated[int, msgspec.Meta(ge=1, le=3600)] = 30
    doc: str = ""


def check_spec(spec: JobSpec) -> None:
    """Raises PolarpodError where a spec contradicts itself in ways that its types do not exclude."""
    for name, dataset in spec.inputs.items():
        dataset.check_as_input(name)
    check_output(spec.output)
    _check_defaults(spec)
    for name in spec.input_checks:
        if name not in spec.inputs:
            raise PolarpodError(
                Category.REQUEST_INVALID,
                f"job {spec.name!r} checks an input it does not have: {name!r}",
                evidence=[f"inputs: {', '.join(spec.inputs) or 'none'}"],
                remedy="Name one of its inputs in input_checks.",
            )
    if spec.checks and spec.checks.policy == "quarantine" and not spec.checks.quarantine:
        raise PolarpodError(
            Category.REQUEST_INVALID,
            f"job {spec.name!r} quarantines bad rows but says not where",
            remedy='Give the check a quarantine="{lake}/quarantine/..." place.',
        )
    if spec.checks and spec.checks.quarantine and spec.checks.quarantine.rstrip("/") == spec.output.uri.rstrip("/"):
        raise PolarpodError(
            Category.REQUEST_INVALID,
            f"job {spec.name!r} publishes good rows and sets bad ones aside in one place",
            evidence=[f"output and quarantine: {spec.output.uri}"],
            remedy='Give the check a place of its own, such as quarantine="{lake}/quarantine/...".',
        )


def placeholders_of(spec: JobSpec) -> list[str]:
    """Every placeholder of a job's templates, in order of first appearance."""
    names = [name for dataset in (*spec.inputs.values(), spec.output) for name in needs(dataset)]
    if spec.checks and spec.checks.quarantine:
        names += placeholders(spec.checks.quarantine)
    return list(dict.fromkeys(names))


def resolve_spec(spec: JobSpec, values: Mapping[str, Scalar], variables: Mapping[str, str]) -> JobSpec:
    """The job with every template filled in from a run's parameters and its plane's variables.

    Raises:
        PolarpodError: a parameter's value is invalid at the place of its placeholder.
    """
    given, known = dict(values), dict(variables)
    checks = spec.checks
    if checks and checks.quarantine:
        checks = msgspec.structs.replace(checks, quarantine=render_path(checks.quarantine, known, given))
    return msgspec.structs.replace(
        spec,
        inputs={name: dataset.resolve(given, known) for name, dataset in spec.inputs.items()},
        output=spec.output.resolve(given, known),
        checks=checks,
    )


def _check_defaults(spec: JobSpec) -> None:
    """Raises PolarpodError where a default would be invalid as a run's value: that is an error of the declaration."""
    given = [(name, param, param.default) for name, param in spec.params.items() if param.default is not None]
    defaults: dict[str, Scalar] = {name: spelling(typed(name, param, value)) for name, param, value in given}
    check_texts(defaults)
    # the values of the other placeholders are not known here and are assumed valid
    others = {name: "x" for name in placeholders_of(spec) if name not in defaults}
    resolve_spec(spec, defaults, others)
