"""Globs over the keys of a folder, and the rule for hidden names: the same for local files and in S3."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from functools import cache

_MARKS = "*?["
_MARK = re.compile(r"[*?\[]")
_ESCAPED = re.compile(r"\[([*?\[])\]")
_HIDDEN = ("_", ".")


def split_glob(uri: str) -> tuple[str, str]:
    """Splits a URI into the folder before its first glob and the pattern: ".../a/ds=*/*.csv" -> (".../a", "ds=*/*.csv").

    A part whose marks are all escaped, as in "step[[]1]", is a name, not a glob.
    """
    parts = uri.split("/")
    names: list[str] = []
    for part in parts:
        if any(mark in _ESCAPED.sub("", part) for mark in _MARKS):
            return "/".join(names) or "/", "/".join(parts[len(names) :])
        names.append(_ESCAPED.sub(r"\1", part))
    return "/".join(names), ""


def escape(name: str) -> str:
    """A pattern that matches exactly this name or path."""
    return _MARK.sub(r"[\g<0>]", name)


def matches(key: str, pattern: str, *, hidden: bool = True) -> bool:
    """Whether a relative key matches a glob, in which * matches within one folder and ** any number of folders.

    Args:
        hidden: whether wildcards match hidden names. A part of the pattern that begins with _ or . always matches them.
    """
    keys, patterns = key.split("/"), pattern.split("/")

    def part_matches(position: int, wanted: str) -> bool:
        part = keys[position]
        if not hidden and is_hidden(part, folder=position < len(keys) - 1) and not wanted.startswith(_HIDDEN):
            return False
        return wanted == "**" or fnmatchcase(part, wanted)

    @cache  # without it the time is exponential in the number of **
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
    """Whether a name is hidden by the rule of Spark and Hive: bookkeeping of a table format or a writer.

    A folder `_column=value` is a partition of the data, not hidden.
    """
    return name.startswith(_HIDDEN) and not (folder and name.startswith("_") and "=" in name)


def has_hidden_part(key: str) -> bool:
    *folders, name = key.split("/")
    return is_hidden(name, folder=False) or any(is_hidden(folder, folder=True) for folder in folders)
