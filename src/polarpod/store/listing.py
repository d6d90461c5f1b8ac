"""What an input is right now: which files, how many bytes, and a version that changes when any of it does.

The launcher asks in order to skip a run that would change nothing; the worker asks again in order to write down what it
really read. Neither opens a data file for it.
"""

from __future__ import annotations

import hashlib
import re
from fnmatch import fnmatchcase
from typing import NamedTuple

from polarpod.contract.context import Storage
from polarpod.contract.dataset import Dataset, Delta, Parquet
from polarpod.contract.verdict import Category, PolarpodError
from polarpod.store import delta_log, manifest
from polarpod.store.folder import Entry, Folder
from polarpod.store.location import join, normal

# A file that polarpod stages for a manifest: without one it is not published, and beside one it may be stale.
_STAGED = re.compile(r"/data/([0-9a-f]{32})/(?:.*/)?\1-\d{5,}\.parquet$")
_EXTENSION = {"Parquet": (".parquet",), "Csv": (".csv",), "NdJson": (".ndjson", ".jsonl")}


class Listing(NamedTuple):
    """The state of one input: absolute file URIs in order, their bytes, and the version of the whole."""

    uri: str
    files: tuple[str, ...]
    bytes: int
    version: str
    # of a Parquet directory that polarpod publishes: types of its columns, and which of them are its folders
    manifest: manifest.Manifest | None = None


def list_input(name: str, dataset: Dataset, storage: Storage) -> Listing:
    """The files and the version of one resolved input.

    Raises:
        PolarpodError: `input_missing` where nothing is there, with what was looked for.
    """
    uri = normal(dataset.uri)
    if isinstance(dataset, Delta):
        return _list_delta(name, dataset, storage)
    root, pattern = split_glob(uri)
    if isinstance(dataset, Parquet) and not pattern and (found := manifest.read(Folder(uri, storage))):
        files = [join(uri, file.path) for entry in found.manifest.entries for file in entry.files]
        size = sum(file.bytes for entry in found.manifest.entries for file in entry.files)
        return Listing(uri, tuple(files), size, f"manifest-{found.manifest.version}-{found.tag}", found.manifest)
    matching = _match(root, pattern, type(dataset).__name__, storage)
    entries = [entry for entry in matching if not _STAGED.search(entry.key)]
    if not entries:
        raise missing_input(name, uri, staged=len(matching))
    lines = "\n".join(f"{file}\t{size}\t{tag}" for file, size, tag in entries)
    return Listing(
        uri,
        tuple(file for file, _, _ in entries),
        sum(size for _, size, _ in entries),
        "files-" + hashlib.sha256(lines.encode()).hexdigest(),
    )


def missing_input(name: str, looked_for: str, *, staged: int = 0) -> PolarpodError:
    left_out = f"{staged} files there are polarpod's own: what it publishes is read by the directory's name, without globs"
    return PolarpodError(
        Category.INPUT_MISSING,
        f"input {name!r} is not there",
        evidence=[f"looked for {looked_for}", *([left_out] if staged else [])],
        remedy="Check that the step before this one has delivered it, and that the parameters name the right day or part.",
    )


def split_glob(uri: str) -> tuple[str, str]:
    """A URI as the folder before its first glob and the pattern below it: ".../a/ds=*/*.csv" -> (".../a", "ds=*/*.csv")."""
    parts = uri.split("/")
    for position, part in enumerate(parts):
        if any(mark in part for mark in "*?["):
            return "/".join(parts[:position]) or "/", "/".join(parts[position:])
    return uri, ""


def matches(key: str, pattern: str) -> bool:
    """Whether a relative key matches a glob whose * stays within one folder and whose ** spans any number of them."""
    return _match_parts(key.split("/"), pattern.split("/"))


def _match_parts(key: list[str], pattern: list[str]) -> bool:
    if not pattern:
        return not key
    if pattern[0] == "**":
        return any(_match_parts(key[start:], pattern[1:]) for start in range(len(key) + 1))
    return bool(key) and fnmatchcase(key[0], pattern[0]) and _match_parts(key[1:], pattern[1:])


def _match(root: str, pattern: str, kind: str, storage: Storage) -> list[Entry]:
    """Files under a root that match; without a pattern the root itself, or as a folder all its files of the kind.

    Names that begin with "_" or "." are bookkeeping of table formats and writers, never data, unless asked for by name.
    """
    if pattern:
        found = [entry for entry in Folder(root, storage).list() if matches(entry.key, pattern)]
        return [_absolute(root, entry) for entry in found if not _hidden(entry.key) or _hidden(pattern)]
    parent, _, name = root.rpartition("/")
    if single := Folder(parent or "/", storage).head(name):
        return [_absolute(parent or "/", single)]
    found = [entry for entry in Folder(root, storage).list() if entry.key.endswith(_EXTENSION[kind])]
    return [_absolute(root, entry) for entry in found if not _hidden(entry.key)]


def _absolute(root: str, entry: Entry) -> Entry:
    return Entry(join(root, entry.key) if root != "/" else f"/{entry.key}", entry.size, entry.tag)


def _hidden(key: str) -> bool:
    return any(part.startswith(("_", ".")) for part in key.split("/"))


def _list_delta(name: str, dataset: Delta, storage: Storage) -> Listing:
    uri = normal(dataset.uri)
    state = delta_log.snapshot(uri, storage, version=dataset.version, where=dataset.where or {})
    if state is None:
        raise missing_input(name, f"{uri}/_delta_log")
    return Listing(uri, state.files, state.bytes, state.version)
