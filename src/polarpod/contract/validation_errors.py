"""Explains validation errors in the terms of the file or call that caused them: the key, the value, what is allowed.

msgspec reports a JSON path and a type; the author of `memory="1Mi"` knows neither `$.resources.memory_bytes` nor `int`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, NamedTuple

from polarpod.contract.resources import format_bytes

_WHERE = re.compile(r"(?P<what>.*?)(?: - at (?P<key>`key` in )?`\$(?P<path>[^`]*)`)?", re.DOTALL)
_STEP = re.compile(r"\.([A-Za-z_]\w*)|\[(\d+|\.\.\.)\]")
_TYPES = {
    "bool": "true or false", "str": "text", "int": "a whole number", "float": "a number", "array": "a list",
    "object": "a mapping of names to values", "null": "nothing", "datetime": "a moment, such as 2026-11-21T08:00:00Z",
}  # fmt: skip
# from here on, a byte count is shown with a unit
_AMOUNT = 2**20
# a number beyond a document's integers is shown without a unit
_LARGEST = 2**63
_LONGEST = 80
# the contract's patterns in words
_PATTERNS = {
    r"^[a-z][a-z0-9_]{0,47}$": "at most 48 of a-z, 0-9 and _, beginning with a letter",
    r"^[0-9a-f]{32}$": "32 of 0-9 and a-f",
    r"^[a-z0-9](-?[a-z0-9])*$": "a-z, 0-9 and single dashes between them",
}


# a value that cannot be shown
UNKNOWN = object()


class Complaint(NamedTuple):
    """Attributes:
    text: one line.
    keys: the path to the value, outermost first; empty for the whole document.
    """

    text: str
    keys: list[str]


def complaint(error: Exception, kind: type, value: object = UNKNOWN, *, names: Mapping[str, str] | None = None) -> Complaint:
    """The message of a validation error, for the document's author.

    Args:
        kind: the expected type.
        value: the document, as plain values.
        names: key as msgspec reports it -> as its author wrote it.
    """
    from polarpod.contract.redact import redact  # its patterns take milliseconds, and only a failure needs them

    match = _WHERE.fullmatch(str(error))
    assert match, "both parts are optional"
    steps = [name or index for name, index in _STEP.findall(match["path"] or "")]
    keys = [step for step in steps if not step.isdigit() and step != "..."]
    what = match["what"]
    if found := re.fullmatch(r"Object missing required field `(.+)`", what):
        return Complaint(f"{_named([*steps, found[1]], names)} is missing", keys)
    if found := re.fullmatch(r"Object contains unknown field `(.+)`", what):
        return Complaint(f"unknown key {found[1]!r}{_meant(found[1], kind, steps)}", [*keys, found[1]])
    where = _named(steps, names) or "the whole"
    allowed = _allowed(what, kind, steps)
    if allowed is None:
        return Complaint(redact(what), keys)
    is_key = match["key"] is not None
    given = UNKNOWN if is_key else _at(value, steps)
    said = f"a key of {where} is not allowed" if is_key else f"{where} is not allowed" if given is UNKNOWN else ""
    return Complaint(f"{said or f'{where} is {_shown(given, steps)}'}; allowed: {allowed}", keys)


def _named(steps: list[str], names: Mapping[str, str] | None) -> str:
    """`storage.allow_http`, `environment_from[0]`, `a value of variables`."""
    text, of = "", ""
    for step in steps:
        if step == "...":
            of = "a value of "
        else:
            text += f"[{step}]" if step.isdigit() else f".{step}" if text else step
    return of + (names or {}).get(text, text)


def _at(value: Any, steps: list[str]) -> Any:
    for step in steps:
        try:
            value = value[int(step)] if step.isdigit() else value[step]
        except (LookupError, TypeError):
            return UNKNOWN
    return value


def _shown(value: Any, steps: list[str]) -> str:
    from polarpod.contract.redact import redact  # its patterns take milliseconds, and only a failure needs them

    if steps and steps[-1].endswith("_bytes") and isinstance(value, int) and _AMOUNT <= value < _LARGEST:
        return format_bytes(value)
    text = redact(repr(value))
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def _allowed(what: str, kind: type, steps: list[str]) -> str | None:
    """The values that are allowed there; None for any other kind of message."""
    if what.startswith(("Invalid enum value", "Invalid value")):
        return ", ".join(map(str, _choices(kind, steps))) or None
    if found := re.fullmatch(r"Expected `str` matching regex (.+)", what, re.DOTALL):
        for pattern, words in _PATTERNS.items():
            if pattern in found[1]:
                return words
        return f"text that matches {found[1]}"
    if found := re.fullmatch(r"Expected `(\w+)` ((?:of length )?[<>]=?) (\S+)", what):
        if steps and steps[-1].endswith("_bytes"):
            return _bounds(kind, steps)
        return f"{_TYPES.get(found[1], found[1])} {_bounds(kind, steps) or f'{found[2]} {found[3]}'}"
    if found := re.fullmatch(r"Expected `([^`]+)`(?:, got `[^`]+`)?", what):
        return _in_types(found[1], kind, steps)
    return None


def _in_types(given: str, kind: type, steps: list[str]) -> str:
    from msgspec import inspect

    structs = [
        one.cls.__name__ for one in _kinds(kind, steps) if isinstance(one, inspect.StructType) and _is_public(one.cls)
    ]
    words = {**_TYPES, "object": " or ".join(structs) if steps and structs else _TYPES["object"]}
    return " or ".join(words.get(one.strip(), one.strip()) for one in given.split("|"))


def _is_public(kind: type) -> bool:
    """Whether users write the type by its name; others are internal."""
    import polarpod

    return kind.__name__ in polarpod.__all__


def _meant(name: str, kind: type, steps: list[str]) -> str:
    """A hint: the closest known key, or all known keys."""
    from msgspec import inspect

    structs = [one for one in _kinds(kind, steps) if isinstance(one, inspect.StructType)]
    # without duplicates: several kinds of input share keys
    known = list(
        dict.fromkeys(
            name
            for one in structs
            for name in (*([one.tag_field] if one.tag_field else []), *(field.encode_name for field in one.fields))
        )
    )
    close = get_close_matches(name, known, n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; known: {', '.join(known)}"


def _choices(kind: type, steps: list[str]) -> list[Any]:
    from msgspec import inspect  # only for messages

    found: list[Any] = []
    for one in _kinds(kind, steps):
        if isinstance(one, inspect.LiteralType):
            found += one.values
        elif isinstance(one, inspect.EnumType):
            found += [member.value for member in one.cls]
        elif isinstance(one, inspect.StructType) and steps:
            found += [one.tag] if one.tag is not None else []
    return found


def _bounds(kind: type, steps: list[str]) -> str:
    """The limits of a number or a length, in words."""
    words = []
    for one in _kinds(kind, steps):
        for name, text in (
            ("gt", "above"), ("ge", "from"), ("min_length", "from"),
            ("lt", "below"), ("le", "to"), ("max_length", "to"),
        ):  # fmt: skip
            if (limit := getattr(one, name, None)) is not None:
                amount = steps and steps[-1].endswith("_bytes") and limit >= _AMOUNT
                words.append(f"{text} {format_bytes(limit) if amount else f'{limit:g}' if limit < _AMOUNT else limit}")
    return " ".join(words)


def _kinds(kind: type, steps: list[str]) -> list[Any]:
    """The types allowed at a path: several in a union."""
    from msgspec import inspect

    found = _alternatives(inspect.type_info(kind))
    for step in steps:
        inner: list[Any] = []
        for one in found:
            if isinstance(one, inspect.StructType):
                inner += [field.type for field in one.fields if field.encode_name == step]
                inner += [one] if step == one.tag_field else []
            elif isinstance(one, inspect.DictType):
                inner.append(one.value_type)
            elif isinstance(one, inspect.ListType):
                inner.append(one.item_type)
        found = [each for one in inner for each in _alternatives(one)]
    return found


def _alternatives(one: Any) -> list[Any]:
    from msgspec import inspect

    while isinstance(one, inspect.Metadata):
        one = one.type
    return [each for inner in one.types for each in _alternatives(inner)] if isinstance(one, inspect.UnionType) else [one]
