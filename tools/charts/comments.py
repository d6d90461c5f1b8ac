"""The comments of a values.yaml by the place they describe, so that a value is described once and nowhere else."""

from __future__ import annotations

import re
from collections.abc import Iterator

import yaml

_MARK = "# -- "
# said to helm-docs, of a value that is null
_TYPE = re.compile(r"^\((int|string)\) ")


def comments_of(text: str) -> dict[tuple[str, ...], str]:
    """Path of a key -> the comment right above it, as one paragraph. Keys without one are left out.

    With `# --`, as helm-docs wants it, the comment starts there: what is above belongs to the value before, as an example.
    What begins with `# @` is said to helm-docs alone.
    """
    lines = text.splitlines()
    found = {}
    for path, line in _keys(yaml.compose(text), ()):
        if words := _above(lines, line):
            found[path] = words
    return found


def marked(text: str) -> set[tuple[str, ...]]:
    """Paths of the keys that helm-docs lists."""
    lines = text.splitlines()
    return {path for path, line in _keys(yaml.compose(text), ()) if any(_MARK in one for one in _block(lines, line))}


def _keys(node: yaml.Node | None, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], int]]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            inner = (*path, str(key.value))
            yield inner, key.start_mark.line
            yield from _keys(value, inner)


def _block(lines: list[str], line: int) -> list[str]:
    start = line
    while start > 0 and lines[start - 1].lstrip().startswith("#"):
        start -= 1
    return [one.strip() for one in lines[start:line]]


def _above(lines: list[str], line: int) -> str:
    block = _block(lines, line)
    marks = [number for number, one in enumerate(block) if one.startswith(_MARK)]
    words = block[marks[-1] :] if marks else block
    return _TYPE.sub(
        "", " ".join(one.removeprefix(_MARK).lstrip("# ") for one in words if not one.startswith("# @")).strip()
    )
