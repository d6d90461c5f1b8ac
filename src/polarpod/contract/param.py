"""Parameters: the only words a caller may put into a run."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from typing import Literal, TypeAlias

import msgspec

from polarpod.contract.verdict import Category, PolarpodError

Scalar: TypeAlias = str | int | float | bool

# One placeholder of a template: {name}. Braces that are not a placeholder have no meaning in a URI and are refused.
_PLACEHOLDER = re.compile(r"\{([a-z][a-z0-9_]{0,62})\}")
# A value becomes part of a path: a separator, a parent folder, a glob or a control character would make it another path,
# and half a surrogate pair (a byte of the command line that was no UTF-8) cannot be written at all.
_UNSAFE_IN_PATH = re.compile(r"[/\\*?\[\]{}\x00-\x1f\x7f\ud800-\udfff]|^\.{1,2}$|^$")


class Param(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One parameter of a job.

    Attributes:
        type: what its text must read as.
        default: used where the caller gives none; None means the caller must give one.
        doc: one line for `polarpod jobs`.
    """

    type: Literal["str", "int", "float", "bool", "date"] = "str"
    default: str | int | float | bool | None = None
    doc: str = ""


def _boolean(text: str) -> bool:
    return {"true": True, "false": False}[text.lower()]


_PARSERS: dict[str, Callable[[str], object]] = {
    "str": str,
    "int": int,
    "float": float,
    "bool": _boolean,
    "date": dt.date.fromisoformat,
}


def typed(name: str, param: Param, text: Scalar) -> object:
    """The value a job function receives for one parameter. Raises PolarpodError where the text does not read as its type."""
    raw = str(text).lower() if isinstance(text, bool) else str(text)
    try:
        return _PARSERS[param.type](raw)
    except (ValueError, KeyError):
        hint = ' (write it as "2013-02-01")' if param.type == "date" else ""
        raise PolarpodError(
            Category.REQUEST_INVALID,
            f"parameter {name!r} must be a {param.type}{hint}",
            evidence=[f"{name} = {raw[:100]!r}"],
            remedy=f"Pass a {param.type} for {name!r}.",
        ) from None


def spelling(value: object) -> str:
    """The one way a typed value is written in paths, keys and predicates."""
    if isinstance(value, bool):
        return str(value).lower()
    return value.isoformat() if isinstance(value, dt.date) else str(value)


def placeholders(template: str) -> list[str]:
    """The names in a template's {placeholders}, in order of first appearance. Raises PolarpodError on a stray brace."""
    stripped = _PLACEHOLDER.sub("", template)
    if "{" in stripped or "}" in stripped:
        raise PolarpodError(
            Category.REQUEST_INVALID,
            f"the template {template!r} has a brace that is not a placeholder",
            remedy="Write placeholders as {name}: a lower-case letter, then lower-case letters, digits and underscores.",
        )
    return list(dict.fromkeys(_PLACEHOLDER.findall(template)))


def render(template: str, values: Mapping[str, Scalar]) -> str:
    """Fills a URI template. Whether a value is safe inside a path is the caller's business: a plane's prefixes are not.

    Raises:
        PolarpodError: a placeholder has no value.
    """
    missing = [name for name in placeholders(template) if name not in values]
    if missing:
        raise PolarpodError(
            Category.REQUEST_INVALID,
            f"no value for {', '.join(missing)} in {template!r}",
            evidence=[f"known: {', '.join(sorted(values)) or 'nothing'}"],
            remedy="Pass it as a parameter, or set it under `variables` of the plane.",
        )
    return _PLACEHOLDER.sub(lambda match: _text(values[match[1]]), template)


def render_sql(template: str, values: Mapping[str, Scalar]) -> str:
    """Fills a predicate template: each value becomes a SQL literal, so that none can change the predicate's shape."""
    placeholders(template)
    render(template, values)  # the missing-value error, worded once
    return _PLACEHOLDER.sub(lambda match: sql_literal(values[match[1]]), template)


def sql_literal(value: Scalar) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return str(value)
    return "'" + value.replace("'", "''") + "'"


def check_path_safe(name: str, value: Scalar) -> None:
    """Raises PolarpodError where a parameter's value would leave its place in a path."""
    if isinstance(value, str) and (_UNSAFE_IN_PATH.search(value) or len(value) > 256):
        raise PolarpodError(
            Category.REQUEST_INVALID,
            f"parameter {name!r} has a value that cannot be part of a path",
            evidence=[f"{name} = {value[:100]!r}"],
            remedy="Use a value without slashes, globs, braces and control characters, of 1 to 256 characters. "
            "A whole prefix belongs under `variables` of the plane.",
        )


def _text(value: Scalar) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
