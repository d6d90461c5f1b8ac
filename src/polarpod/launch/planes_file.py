"""planes.yaml: the planes of runs. Read at DAG parse, so a mistake is an import error with the file and line."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, MutableMapping
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec
import yaml

from polarpod.contract.codec import convert
from polarpod.contract.validation_errors import complaint
from polarpod.contract.verdict import Category, PolarpodError
from polarpod.launch.planes.plane import Plane
from polarpod.launch.planes.registry import kind_named, kind_names

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")
# the shell's spelling, which is not substituted
_BARE_VARIABLE = re.compile(r"\$[A-Za-z_]")
# keys whose values are paths or URIs
_PLACES = frozenset({"state", "variables", "root", "jobs", "scratch", "credentials", "python", "template", "kubeconfig"})
# the kind of a plane that states none
_DEFAULT_KIND = "process"


class Planes(dict[str, Plane]):
    """The planes of a file by name.

    Attributes:
        unset: those that need a variable which is not set here, each with the error that its choice raises. A file is
            shared: a laptop need not have the variables of production.
    """

    def __init__(self, planes: Mapping[str, Plane] = {}) -> None:
        super().__init__(planes)
        self.unset: dict[str, PolarpodError] = {}

    @property
    def names(self) -> list[str]:
        return [*self, *self.unset]


class _Unset(Exception):
    """A variable of a plane that is not set."""


class _NotText(Exception):
    """A text of a plane that is invalid as it is written."""

    def __init__(self, keys: list[str], problem: str) -> None:
        self.keys, self.problem = keys, problem
        super().__init__(problem)


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    planes: dict[str, Any]


def load_planes(path: Path, environment: Mapping[str, str] = os.environ) -> Planes:
    """The planes of a file. ${VAR} and ${VAR:-default} are substituted; ./ and ../ are relative to the file.

    Raises:
        PolarpodError: the file is invalid; the error states file and line.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise PolarpodError(
            Category.REQUEST_INVALID,
            "the planes file cannot be read",
            evidence=[f"{path}: {error.strerror}"],
            remedy="Write one (see docs/planes.md), or name it with $POLARPOD_PLANES.",
        ) from None
    loaded = _loaded(path, path.parent.absolute(), data, frozenset(environment.items()))
    planes = Planes(loaded)
    planes.unset.update(loaded.unset)
    return planes


# A DAG file of 300 tasks reads the same planes 300 times. The content is the key: a file that was just rewritten may have
# its former modification time.
@lru_cache(maxsize=4)
def _loaded(path: Path, folder: Path, data: bytes, environment: frozenset[tuple[str, str]]) -> Planes:
    node, file = _read(path, data)
    variables, planes = dict(environment), Planes()
    for name, raw in file.planes.items():
        line, where = _find(node, ["planes", name])
        try:
            planes[name] = _plane(name, raw, path, folder, variables, line=line, where=where)
        except _Unset as error:
            planes.unset[name] = _wrong(path, line, f"plane {name!r}: {error}")
    return planes


def _read(path: Path, data: bytes) -> tuple[Any, _File]:
    """The file's YAML nodes, which have their lines, and its contents."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise _wrong(path, 1, "not UTF-8 text") from None
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        line = getattr(getattr(error, "problem_mark", None), "line", 0) + 1
        raise _wrong(path, line, f"not valid YAML: {getattr(error, 'problem', error)}") from None
    except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError) as error:
        # what the library's constructors do not catch: impossible dates, tags on the wrong kind, endless nesting
        raise _wrong(path, 1, f"not a planes file: {type(error).__name__}: {str(error)[:200]}") from None
    for key, first, second in _repeated(node):
        raise _wrong(path, second, f"the key {key!r} is given twice: line {first} and line {second}")
    try:
        file = convert(document, _File)
    except (msgspec.ValidationError, UnicodeError, RecursionError, OverflowError) as error:
        words = complaint(error, _File, document).text
        raise _wrong(path, 1, f"{words}; the file must be a mapping with one key, planes") from None
    return node, file


def _plane(name: str, raw: Any, path: Path, folder: Path, environment: Mapping[str, str], *, line: int, where: Any) -> Plane:
    """One plane of the file.

    Args:
        folder: the file's, absolute.
        line: where it begins.
        where: its YAML node.

    Raises:
        _Unset: a variable that it needs is not set.
    """
    try:
        filled = _fill(raw, folder, environment, [])
    except _NotText as error:
        raise _wrong(path, _find(where, error.keys)[0], f"plane {name!r}: {error.problem}") from None
    except RecursionError:
        raise _wrong(path, line, f"plane {name!r} contains itself (an alias within its own anchor)") from None
    kind = filled.get("kind", _DEFAULT_KIND) if isinstance(filled, dict) else _DEFAULT_KIND
    try:
        config = kind_named(str(kind)).config
    except LookupError:
        words = f"plane {name!r}: there is no kind {kind!r}; known: {', '.join(kind_names())}"
        raise _wrong(path, _find(where, ["kind"])[0], words) from None
    try:
        plane = convert(filled, config).rooted(folder)
    except (msgspec.ValidationError, UnicodeError, RecursionError, OverflowError) as error:
        found = complaint(error, config, filled)
        raise _wrong(path, _find(where, found.keys)[0] if found.keys else line, f"plane {name!r}: {found.text}") from None
    except PolarpodError as error:
        raise _wrong(path, line, f"plane {name!r}: {error.verdict.summary}") from None
    for key, problem in plane.problems():
        raise _wrong(path, _find(where, key.split("."))[0], f"plane {name!r}: {problem}")
    return plane


def choose_plane(planes: Planes, name: str, *, source: str) -> Plane:
    """The plane of that name. Raises PolarpodError where there is none, or a variable that it needs is not set."""
    if name in planes.unset:
        # cached across parses: with its traceback it would keep every frame that it passed through
        raise planes.unset[name].with_traceback(None)
    if name in planes:
        return planes[name]
    close = get_close_matches(name, planes.names, n=1)
    raise PolarpodError(
        Category.REQUEST_INVALID,
        f"there is no plane {name!r}",
        evidence=[f"{source} has: {', '.join(planes.names) or 'none'}"],
        remedy=f"Did you mean {close[0]!r}?" if close else "Name one of these, or add it to the file.",
    )


def take_credentials(plane: Plane, environment: MutableMapping[str, str] = os.environ) -> None:
    """Adds the plane's credentials to the environment, which the S3 clients read; variables that are set already stay."""
    if plane.credentials is None:
        return
    try:
        lines = Path(plane.credentials).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise PolarpodError(
            Category.REQUEST_INVALID,
            "the plane's credentials cannot be read",
            evidence=[f"{plane.credentials}: {getattr(error, 'strerror', None) or 'not UTF-8 text'}"],
            remedy="`make cluster` writes those of a local cluster; else correct `credentials` of the plane.",
        ) from None
    for line in lines:
        name, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            environment.setdefault(name.strip(), value.strip())


def _fill(value: Any, folder: Path, environment: Mapping[str, str], keys: list[str]) -> Any:
    if isinstance(value, dict):
        return {key: _fill(inner, folder, environment, [*keys, str(key)]) for key, inner in value.items()}
    if isinstance(value, list):
        return [_fill(inner, folder, environment, keys) for inner in value]
    if not isinstance(value, str):
        return value
    if problem := _unfillable(value, is_place=bool(keys) and keys[0] in _PLACES):
        raise _NotText(keys, problem)

    def substitute(match: re.Match[str]) -> str:
        found = environment.get(match[1]) or match[2]
        if found is None:
            raise _Unset(f"${{{match[1]}}} is not set, and has no default (${{{match[1]}:-...}})")
        return found

    filled = _VARIABLE.sub(substitute, value)
    # not resolve(): the interpreter of a virtual environment is a link, and its target has none of its packages
    return os.path.normpath(folder / filled) if filled.startswith(("./", "../")) else filled


def _unfillable(value: str, *, is_place: bool) -> str | None:
    """The problem of a text that looks like a variable and is none: taken literally, it would name an unintended folder.

    Outside of places a `$` is an ordinary character: a password may contain it.
    """
    # the literal text, defaults included
    rest = _VARIABLE.sub(lambda match: match[2] or "", value)
    if "\0" in value:
        return "a value contains a NUL character"
    if "${" in rest or (is_place and _BARE_VARIABLE.search(rest)):
        # without the value itself, which may be a secret
        return "a variable is written ${NAME} or ${NAME:-default}; this value has a $ that is neither"
    return None


def _repeated(node: Any) -> Iterator[tuple[str, int, int]]:
    """Keys that a mapping has twice, with both lines. YAML forbids them, and the library keeps the last one."""
    waiting, seen = [node], set()
    while waiting:
        one = waiting.pop()
        if id(one) in seen:  # an alias
            continue
        seen.add(id(one))
        if isinstance(one, yaml.SequenceNode):
            waiting += one.value
        elif isinstance(one, yaml.MappingNode):
            lines: dict[tuple[str, str], int] = {}
            for key, value in one.value:
                waiting.append(value)
                if isinstance(key, yaml.ScalarNode):
                    line, named = int(key.start_mark.line) + 1, (key.tag, key.value)
                    if named in lines:
                        yield key.value, lines[named], line
                    lines[named] = line


def _find(node: Any, keys: list[str]) -> tuple[int, Any]:
    """The line of a nested key and the node of its value; the nearest parent's where the key is absent."""
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
