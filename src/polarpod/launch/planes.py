"""planes.yaml: where runs may execute. Read at DAG parse, so a mistake is an import error with the file and line."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import yaml

from polarpod.contract.context import Storage
from polarpod.contract.resources import MINIMUM_MEMORY_BYTES, format_bytes, parse_bytes
from polarpod.contract.verdict import Category, PolarpodError

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")


class Plane(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One place to run.

    Attributes:
        kind: `process`: a child process of the caller, on this machine.
        state: the state store: a folder or an s3:// prefix.
        variables: values for placeholders that are the place's business, such as {lake}; not part of a run's key.
        storage: how workers reach the object store.
        environment: variables of the worker; it gets no others.
        environment_from: names of variables that are passed on from the caller's environment, for credentials.
        python: the interpreter that has polarpod[worker]; the caller's own by default.
        jobs: the jobs directory.
        scratch: where attempts get their scratch directories; the system's temporary directory by default.
        max_memory: how far a run may grow after running out of memory.
        memory_growth: factor on the limit after running out of memory.
    """

    kind: Literal["process"] = "process"
    state: str
    variables: dict[str, str] = {}
    storage: Storage = Storage()
    environment: dict[str, str] = {}
    environment_from: list[str] = []
    python: str | None = None
    jobs: str = "jobs"
    scratch: str | None = None
    max_memory: str | int | None = None
    memory_growth: Annotated[float, msgspec.Meta(gt=1, le=8)] = 2.0

    @property
    def max_memory_bytes(self) -> int | None:
        return None if self.max_memory is None else parse_bytes(self.max_memory)


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    planes: dict[str, Any]


def load_planes(path: Path, environment: Mapping[str, str] = os.environ) -> dict[str, Plane]:
    """The planes of a file. ${VAR} and ${VAR:-default} are filled in; ./ and ../ are relative to the file.

    Raises:
        PolarpodError: naming file and line.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise _wrong(path, 1, "not UTF-8 text") from None
    except OSError as error:
        raise PolarpodError(
            Category.REQUEST_INVALID,
            "the planes file cannot be read",
            evidence=[f"{path}: {error.strerror}"],
            remedy="Write one (see docs/planes.md), or name it with $POLARPOD_PLANES.",
        ) from None
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        line = getattr(getattr(error, "problem_mark", None), "line", 0) + 1
        raise _wrong(path, line, f"not valid YAML: {getattr(error, 'problem', error)}") from None
    except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError) as error:
        # what the library's constructors let through: impossible dates, tags on the wrong kind, endless nesting
        raise _wrong(path, 1, f"not a planes file: {type(error).__name__}: {str(error)[:200]}") from None
    try:
        file = msgspec.convert(document, _File)
    except (msgspec.ValidationError, UnicodeError, RecursionError, OverflowError) as error:
        raise _wrong(path, 1, f"{error}; the file must be a mapping with one key, planes") from None
    planes = {}
    for name, raw in file.planes.items():
        line, where = _find(node, ["planes", name])
        try:
            filled = _fill(raw, path, environment, line=line)
        except RecursionError:
            raise _wrong(path, line, f"plane {name!r} contains itself (an alias within its own anchor)") from None
        try:
            planes[name] = msgspec.convert(filled, Plane)
            cap = planes[name].max_memory_bytes
        except (msgspec.ValidationError, UnicodeError, RecursionError, OverflowError) as error:
            message, key = _explain(str(error))
            raise _wrong(path, _find(where, [key])[0] if key else line, f"plane {name!r}: {message}") from None
        except PolarpodError as error:
            raise _wrong(path, _find(where, ["max_memory"])[0], f"plane {name!r}: {error.verdict.summary}") from None
        if cap is not None and cap < MINIMUM_MEMORY_BYTES:
            least = format_bytes(MINIMUM_MEMORY_BYTES)
            raise _wrong(path, _find(where, ["max_memory"])[0], f"plane {name!r}: no worker runs in less than {least}")
    return planes


def choose_plane(planes: Mapping[str, Plane], name: str, *, source: str) -> Plane:
    """The plane of that name, or an error that says which there are."""
    if name in planes:
        return planes[name]
    close = get_close_matches(name, planes, n=1)
    raise PolarpodError(
        Category.REQUEST_INVALID,
        f"there is no plane {name!r}",
        evidence=[f"{source} has: {', '.join(planes) or 'none'}"],
        remedy=f"Did you mean {close[0]!r}?" if close else "Name one of these, or add it to the file.",
    )


def _fill(value: Any, path: Path, environment: Mapping[str, str], *, line: int) -> Any:
    if isinstance(value, dict):
        return {key: _fill(inner, path, environment, line=line) for key, inner in value.items()}
    if isinstance(value, list):
        return [_fill(inner, path, environment, line=line) for inner in value]
    if not isinstance(value, str):
        return value

    def substitute(match: re.Match[str]) -> str:
        found = environment.get(match[1]) or match[2]
        if found is None:
            raise _wrong(path, line, f"${{{match[1]}}} is not set, and has no default (${{{match[1]}:-...}})")
        return found

    filled = _VARIABLE.sub(substitute, value)
    # not resolve(): the interpreter of a virtual environment is a link, and its target has none of its packages
    return os.path.normpath(path.parent.absolute() / filled) if filled.startswith(("./", "../")) else filled


def _explain(message: str) -> tuple[str, str | None]:
    """A validation message with a hint, and the key it is about."""
    if match := re.search(r"unknown field `([^`]+)`", message):
        close = get_close_matches(match[1], Plane.__struct_fields__, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else f"; known: {', '.join(Plane.__struct_fields__)}"
        return f"unknown key {match[1]!r}{hint}", match[1]
    match = re.search(r"`\$\.([a-z_]+)", message)
    return message, match[1] if match else None


def _find(node: Any, keys: list[str]) -> tuple[int, Any]:
    """The line of a nested key and the node of its value; the nearest parent's where the key is not there."""
    line = int(node.start_mark.line) + 1
    for key in keys:
        pairs = node.value if isinstance(node, yaml.MappingNode) else []
        found = next(((name, value) for name, value in pairs if name.value == key), None)
        if found is None:
            break
        line, node = int(found[0].start_mark.line) + 1, found[1]
    return line, node


def _wrong(path: Path, line: int, message: str) -> PolarpodError:
    return PolarpodError(
        Category.REQUEST_INVALID,
        "the planes file is wrong",
        evidence=[f"{path}:{line}: {message}"],
        remedy="Correct that line.",
    )
