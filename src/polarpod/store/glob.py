"""Globs over the keys of a folder, and which names are hidden: the same on a disk and in S3."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from functools import cache

_MARKS = "*?["
_MARK = re.compile(r"[*?\[]")
_ESCAPED = re.compile(r"\[([*?\[])\]")
_HIDDEN = ("_", ".")


def split_glob(uri: str) -> tuple[str, str]:
    """A URI as the folder before its first glob and the pattern below it: ".../a/ds=*/*.csv" -> (".../a", "ds=*/*.csv").

    A part whose marks are all escaped, as in "step[[]1]", is a name and no glob.
    """
    parts = uri.split("/")
    names: list[str] = []
    for part in parts:
        if any(mark in _ESCAPED.sub("", part) for mark in _MARKS):
            return "/".join(names) or "/", "/".join(parts[len(names) :])
        names.append(_ESCAPED.sub(r"\1", part))
    return "/".join(names), ""


def escape(name: str) -> str:
    """A name, or a path, as a pattern that nothing else matches."""
    return _MARK.sub(r"[\g<0>]", name)


def matches(key: str, pattern: str, *, hidden: bool = True) -> bool:
    """Whether a relative key matches a glob whose * stays within one folder and whose ** spans any number of them.

    Args:
        hidden: whether wildcards match hidden names too. A part of the pattern that begins as hidden names do, always does.
    """
    keys, patterns = key.split("/"), pattern.split("/")

    def part_matches(position: int, wanted: str) -> bool:
        part = keys[position]
        if not hidden and is_hidden(part, folder=position < len(keys) - 1) and not wanted.startswith(_HIDDEN):
            return False
        return wanted == "**" or fnmatchcase(part, wanted)

    @cache  # without it several ** would try every way of sharing the folders between them
    def match(at: int, wanted: int) -> bool:
        if wanted == len(patterns):
            return at == len(keys)
        if patterns[wanted] == "**" and match(at, wanted + 1):
            return True
        if at == len(keys) or not part_matches(at, patterns[wanted]):
            return False
        return match(at + 1, wanted if patterns[wanted] == "**" else wanted + 1)

    return match(0, 0)


def is_hidden(name: str, *, folder: bool) -> bool:
    """Whether a name is bookkeeping of a table format or a writer, as Spark and Hive have it.

    A folder `_column=value` is a partition of the data, whatever its column is called.
    """
    return name.startswith(_HIDDEN) and not (folder and name.startswith("_") and "=" in name)


def has_hidden_part(key: str) -> bool:
    *folders, name = key.split("/")
    return is_hidden(name, folder=False) or any(is_hidden(folder, folder=True) for folder in folders)
