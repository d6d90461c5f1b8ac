"""Templates: texts with {placeholders}, and the values that a parameter may have in them.

A plane's variables may be whole prefixes. A parameter is one part of a path, a partition's value or a literal, and nothing
else: paths are checked after they are filled in, since two harmless values may combine, and as their reader decodes them:
deltalake reads "%2e%2e" as the parent folder, on disks and on S3, and cuts a path at "#"; a file:// URI is decoded by
definition. Elsewhere such a text is an ordinary name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import quote

from polarpod.contract.param import Scalar
from polarpod.contract.verdict import Category, PolarpodError, without_user_info

# One placeholder of a template: {name}. Braces that are not a placeholder have no meaning in a URI and are refused.
_PLACEHOLDER = re.compile(r"\{([a-z][a-z0-9_]{0,62})\}")
# A separator, a parent folder, a glob, a brace or a control character would change the path.
_UNSAFE_IN_PATH = re.compile(r"[/\\*?\[\]{}\x00-\x1f\x7f\ud800-\udfff]|^\.{1,2}$|^$")
# What a URL parser decodes as another character, or takes for the end of the path. A lookahead, so that matches may overlap.
_SPECIAL_IN_URL = re.compile(r"(?=(%[0-9A-Fa-f]{2}|#))")
# the longest name that file systems accept, in bytes
LONGEST_NAME = 255


class _Segment(NamedTuple):
    """One name of a path: its text, the spans in it that parameters filled, and their names."""

    text: str
    spans: tuple[tuple[int, int], ...]
    names: tuple[str, ...]


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
    """The template with its placeholders filled in. The caller checks that the values are safe in their places.

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


def render_path(template: str, variables: Mapping[str, str], values: Mapping[str, Scalar], *, is_url: bool = False) -> str:
    """Fills in the template of a place. A parameter's value cannot reach beyond the path segment of its placeholder.

    Args:
        variables: the plane's, which may be whole prefixes; a parameter of the same name takes precedence.
        is_url: whether the reader decodes the place as a URL; a file:// URI always is one.

    Raises:
        PolarpodError: a placeholder has no value, or a parameter's value cannot be part of a path.
    """
    known = {**_joined(template, variables), **values}
    filled = render(template, known)
    refuse_credentials(filled)
    for name in placeholders(template):
        if name in values:
            _check_part(name, _text(values[name]))
    for segment in _segments(template, known, frozenset(values)):
        _check_segment(segment, values, is_url=is_url or filled.startswith("file:"))
    return filled


def refuse_credentials(place: str) -> None:
    """Raises PolarpodError where a place holds a user or a password, which every document of the run would store."""
    if "://" in place and "@" in place and (masked := without_user_info(place)) != place:
        raise PolarpodError(
            Category.REQUEST_INVALID,
            "a place has a user or a password in it",
            evidence=[masked],
            remedy="Write it without. A worker takes its credentials from its environment or its pod's identity, which the "
            "plane names.",
        )


def _joined(template: str, variables: Mapping[str, str]) -> dict[str, str]:
    """The variables, without a trailing slash where the template continues with one: `s3://bucket/lake/` before `/raw`
    would make an empty name, which in S3 is another place. The slashes of a root and of a scheme are kept."""
    return {
        name: bare if f"{{{name}}}/" in template and (bare := text.rstrip("/")) and not bare.endswith(":") else text
        for name, text in variables.items()
    }


def render_partition(column: str, template: str, variables: Mapping[str, str], values: Mapping[str, Scalar]) -> str:
    """Fills in the template of a partition's value, which may be any text that fits a folder's name once it is escaped."""
    filled = render(template, {**variables, **values})
    names = [name for name in placeholders(template) if name in values]
    length = len(quote(f"{column}=", safe="=")) + len(quote(filled, safe=""))
    if names and (not filled or length > LONGEST_NAME):
        why = "empty" if not filled else f"too long for the name of a folder: {length} bytes when escaped"
        raise PolarpodError(
            Category.REQUEST_INVALID,
            f"parameter {names[0]!r} makes the partition {column!r} {why}",
            evidence=[f"{column} = {filled[:100]!r}"],
            remedy=f"Use a value that is a folder's name of 1 to {LONGEST_NAME} bytes together with its column.",
        )
    return filled


def render_sql(template: str, values: Mapping[str, Scalar]) -> str:
    """Fills in a predicate template: each value becomes a SQL literal, so that none can change the predicate's structure."""
    placeholders(template)
    render(template, values)  # raises for a missing value
    return _PLACEHOLDER.sub(lambda match: sql_literal(values[match[1]]), template)


def sql_literal(value: Scalar) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return str(value)
    return "'" + value.replace("'", "''") + "'"


def _check_part(name: str, value: str) -> None:
    """Raises PolarpodError where a value cannot be part of any path."""
    if _UNSAFE_IN_PATH.search(value):
        raise _unfit(name, value)
    if (length := len(value.encode())) > LONGEST_NAME:
        raise _unfit(name, value, f"it is {length:,} bytes long in UTF-8")


def _check_segment(segment: _Segment, values: Mapping[str, Scalar], *, is_url: bool) -> None:
    """Raises PolarpodError where values together with the text around them change the path."""
    name = segment.names[0]
    value = _text(values[name])
    for special in _SPECIAL_IN_URL.finditer(segment.text) if is_url else ():
        start, end = special.span(1)
        if any(start < stop and begin < end for begin, stop in segment.spans):
            raise _unfit(name, value, f"{special[1]!r} means something else where the path is read as a URL")
    if (length := len(segment.text.encode())) > LONGEST_NAME:
        raise _unfit(name, value, f"the name it is part of would be {length:,} bytes long in UTF-8")


def _unfit(name: str, value: str, why: str | None = None) -> PolarpodError:
    return PolarpodError(
        Category.REQUEST_INVALID,
        f"parameter {name!r} has a value that cannot be part of a path",
        evidence=[f"{name} = {value[:100]!r}", *([why] if why else [])],
        remedy=f"Use a value of 1 to {LONGEST_NAME} bytes without slashes, globs, braces and control characters, and "
        "without # and % escapes in a Delta table's path or a file:// URI. A whole prefix belongs under "
        "`variables` of the plane.",
    )


def _segments(template: str, known: Mapping[str, Scalar], parameters: frozenset[str]) -> list[_Segment]:
    """The names of a filled path that hold parameters. Slashes of the template and of variables separate them."""
    found: list[_Segment] = []
    text = ""
    spans: list[tuple[int, int]] = []
    names: list[str] = []

    def end() -> None:
        if names:
            found.append(_Segment(text, tuple(spans), tuple(names)))

    for index, piece in enumerate(_PLACEHOLDER.split(template)):
        # split() alternates: text between placeholders, a placeholder's name
        name = piece if index % 2 else None
        if name in parameters:
            value = _text(known[name])
            spans.append((len(text), len(text) + len(value)))
            names.append(name)
            text += value
            continue
        first, *rest = (piece if name is None else _text(known[name])).split("/")
        text += first
        for part in rest:
            end()
            text, spans, names = part, [], []
    end()
    return found


def _text(value: Scalar) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
