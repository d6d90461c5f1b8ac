"""`@job`: declares a job. Does no I/O and imports nothing heavy; it only records the declaration."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import msgspec

from polarpod.contract.codec import decoder
from polarpod.contract.dataset import Input, Output
from polarpod.contract.job import CheckSpec, JobSpec, check_spec, placeholders_of
from polarpod.contract.param import Param
from polarpod.contract.resources import Resources, parse_bytes, parse_cores
from polarpod.contract.verdict import Category, PolarpodError

Transform = TypeVar("Transform", bound=Callable[..., Any])


@dataclass(frozen=True)
class Check:
    """The checks of an output, and what happens to rows that break a rule.

    Attributes:
        schema: a dataframely schema class.
        quarantine: a place for bad rows, which selects the quarantine policy; without it one bad row fails the run.
        max_bad_share: above this share of bad rows, 0 to 1, the run fails even with a quarantine.
    """

    schema: Any
    quarantine: str | None = None
    max_bad_share: float = 0.05


@dataclass(frozen=True)
class Definition(Generic[Transform]):
    """A declared job. Calling it calls the transform, so a unit test needs no part of polarpod."""

    spec: JobSpec
    transform: Transform
    schema: Any
    input_schemas: Mapping[str, Any]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.transform(*args, **kwargs)


def job(
    *,
    inputs: Mapping[str, Input],
    output: Output,
    checks: Any = None,
    input_checks: Mapping[str, Any] | None = None,
    params: Mapping[str, Param] | None = None,
    cpu: str | float = 1,
    memory: str | int = "1Gi",
    spill: str | int | None = None,
    deadline_seconds: int = 3600,
    grace_seconds: int = 30,
    name: str | None = None,
) -> Callable[[Transform], Definition[Transform]]:
    """Declares a job around a pure transform: LazyFrames in, one LazyFrame out.

    Args:
        inputs: name -> dataset; each is passed to the transform under its name.
        output: where the result is published.
        checks: a dataframely schema class for the output (one bad row fails the run), or a `Check`.
        input_checks: input name -> dataframely schema class; one bad row fails the run.
        params: types and defaults of parameters; a placeholder that is not listed is required text.
        cpu: cores, as a number or a Kubernetes quantity.
        memory: the hard limit, as bytes or a Kubernetes quantity.
        spill: disk for out-of-core operators, as bytes or a Kubernetes quantity.
        deadline_seconds: wall clock of one attempt.
        grace_seconds: time between the stop request and the kill.
        name: defaults to the function's name.

    Raises:
        PolarpodError: the declaration contradicts itself or the transform's signature.
    """

    def declare(transform: Transform) -> Definition[Transform]:
        check = checks if isinstance(checks, Check) else Check(schema=checks) if checks is not None else None
        spec = JobSpec(
            name=name or transform.__name__,
            module=transform.__module__,
            function=transform.__name__,
            inputs=dict(inputs),
            output=output,
            params=dict(params or {}),
            arguments=_arguments(transform, inputs),
            checks=_check_spec(check),
            input_checks={key: schema.__name__ for key, schema in (input_checks or {}).items()},
            resources=Resources(
                cpu=parse_cores(cpu),
                memory_bytes=parse_bytes(memory),
                spill_bytes=None if spill is None else parse_bytes(spill),
            ),
            deadline_seconds=deadline_seconds,
            grace_seconds=grace_seconds,
            doc=inspect.cleandoc(transform.__doc__ or "").partition("\n")[0],
        )
        try:
            # a Struct is validated when decoded, not on construction: one round trip checks the declaration
            spec = decoder(JobSpec).decode(msgspec.json.encode(spec))
        except (msgspec.ValidationError, TypeError, ValueError) as error:
            raise PolarpodError(
                Category.REQUEST_INVALID,
                f"job {spec.name!r} is not declared correctly: {_in_words(error, spec)}",
                evidence=[f"in {transform.__module__}.{transform.__name__}"],
                remedy="Correct the argument of @job that the message names.",
            ) from None
        implied = {key: Param() for key in (*placeholders_of(spec), *spec.arguments) if key not in spec.params}
        spec = msgspec.structs.replace(spec, params={**spec.params, **implied})
        check_spec(spec)
        return Definition(spec, transform, check.schema if check else None, dict(input_checks or {}))

    return declare


# arguments of @job by the spec's field
_ARGUMENTS = {"resources.memory_bytes": "memory", "resources.cpu": "cpu", "resources.spill_bytes": "spill"}


def _in_words(error: Exception, spec: JobSpec) -> str:
    if not isinstance(error, msgspec.ValidationError):
        return str(error)
    from polarpod.contract.validation_errors import complaint  # only for messages

    return complaint(error, JobSpec, msgspec.to_builtins(spec), names=_ARGUMENTS).text


def _check_spec(check: Check | None) -> CheckSpec | None:
    if check is None:
        return None
    return CheckSpec(
        schema=check.schema.__name__,
        policy="quarantine" if check.quarantine else "fail",
        quarantine=check.quarantine,
        max_bad_share=check.max_bad_share,
    )


def _arguments(transform: Callable[..., Any], inputs: Mapping[str, Input]) -> list[str]:
    """The transform's keyword-only arguments that are parameters; its other arguments must be exactly the inputs."""
    frames: list[str] = []
    arguments: list[str] = []
    for parameter in inspect.signature(transform).parameters.values():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise PolarpodError(
                Category.REQUEST_INVALID,
                f"job {transform.__name__!r} takes *args or **kwargs",
                remedy="Name one argument an input, and parameters after a bare *.",
            )
        target = arguments if parameter.kind is parameter.KEYWORD_ONLY else frames
        target.append(parameter.name)
    if set(frames) != set(inputs):
        raise PolarpodError(
            Category.REQUEST_INVALID,
            f"job {transform.__name__!r} does not take the inputs it declares",
            evidence=[f"declared: {', '.join(inputs) or 'none'}", f"taken: {', '.join(frames) or 'none'}"],
            remedy="Name one argument an input, and parameters after a bare *.",
        )
    return arguments
