"""Lists inputs that are files: a folder, a glob, or a directory that polarpod publishes, from its manifest."""

from __future__ import annotations

import hashlib
import re
import stat
from typing import NamedTuple

from polarpod.contract.context import Storage
from polarpod.contract.dataset import Csv, NdJson, Parquet, format_of
from polarpod.contract.receipt import LeftOut
from polarpod.contract.verdict import Category, PolarpodError
from polarpod.store import parquet_manifest as manifest
from polarpod.store.folder import Entry, Folder
from polarpod.store.glob import has_hidden_part, matches, split_glob
from polarpod.store.listing import OTHER_NAME, Listing, missing_input
from polarpod.store.location import is_local, join, local_path, normal
from polarpod.store.unlisted import unlisted

# A file that polarpod stages for a manifest: without a manifest it is not published, and beside one it may be stale.
_STAGED = re.compile(r"/data/([0-9a-f]{32})/(?:.*/)?\1-\d{5,}\.parquet$")
# What Polars decompresses by itself.
_COMPRESSED = r"(?:\.gz|\.zst)?"
# Names of a folder's files by format, in any case. `.json` is not included: it is as often a document of one object.
_NAMES = {
    "parquet": re.compile(r".*\.(?:parquet|parq|pq)", re.IGNORECASE | re.DOTALL),
    "csv": re.compile(rf".*\.csv{_COMPRESSED}", re.IGNORECASE | re.DOTALL),
    "ndjson": re.compile(rf".*\.(?:ndjson|jsonl){_COMPRESSED}", re.IGNORECASE | re.DOTALL),
}
# Hadoop's folder marker in S3, an object beside the folder.
_HADOOP_MARKER = "_$folder$"
_FIRST = 3
_NAME_LENGTH = 200


class _Found(NamedTuple):
    """Files below a root: those to read, and by reason the keys of those left out."""

    read: list[Entry]
    left_out: dict[str, list[str]]


def list_input(name: str, dataset: Parquet | Csv | NdJson, storage: Storage) -> Listing:
    uri = normal(dataset.uri)
    root, pattern = split_glob(uri)
    uri = uri if pattern else root
    if isinstance(dataset, Parquet) and not pattern and (found := manifest.read_input(Folder(uri, storage))):
        files = [join(uri, file.path) for entry in found.manifest.entries for file in entry.files]
        size = sum(file.bytes for entry in found.manifest.entries for file in entry.files)
        return Listing(uri, tuple(files), size, f"manifest-{found.manifest.version}-{found.tag}", found.manifest)
    entries, reasons = _find(name, root, pattern, format_of(dataset), storage)
    left_out = tuple(_summary(reason, names) for reason, names in reasons.items())
    if not entries:
        raise missing_input(name, uri, left_out=left_out)
    lines = "\n".join(f"{file}\t{size}\t{tag}" for file, size, tag in entries)
    return Listing(
        uri,
        tuple(file for file, _, _ in entries),
        sum(size for _, size, _ in entries),
        "files-" + hashlib.sha256(lines.encode()).hexdigest(),
        left_out=left_out,
    )


def files_of(folder: Folder) -> list[str]:
    """Keys of the files that a Parquet input would read from this folder without a manifest."""
    return [entry.key for entry in folder.list() if _reason(folder, entry, "", _NAMES["parquet"]) is None]


_HIDDEN = "hidden: the name begins with _ or ."
_MARKER = "empty objects that stand for folders"
_UNPUBLISHED = "polarpod's own: what it publishes is read by the directory's name, without globs"


def _find(name: str, root: str, pattern: str, kind: str, storage: Storage) -> _Found:
    """Files below a root that match; without a pattern the root itself, or all files of the format where it is a folder."""
    if not pattern:
        # before the client's head, which opens the file
        _refuse_pipe(name, root)
        parent, _, last = root.rpartition("/")
        if single := Folder(parent or "/", storage).head(last):
            return _Found([_absolute(parent or "/", single)], {})
    folder = Folder(root, storage)
    read: list[Entry] = []
    left_out: dict[str, list[str]] = {}
    listed = folder.list()
    for entry in listed:
        if pattern and not matches(entry.key, pattern):
            continue
        if reason := _reason(folder, entry, pattern, _NAMES[kind]):
            left_out.setdefault(reason, []).append(entry.key)
        else:
            read.append(_absolute(root, entry))
    if not pattern and kind == "parquet":
        _refuse_delta(name, root, listed)
    _look_at_unlisted(name, folder, pattern, _NAMES[kind], left_out)
    return _Found(read, left_out)


def _reason(folder: Folder, entry: Entry, pattern: str, names: re.Pattern[str]) -> str | None:
    """Why a file is not read; None where it is read. A name that a pattern matches need not have the format's extension."""
    hidden = has_hidden_part(entry.key) and not (pattern and matches(entry.key, pattern, hidden=False))
    if entry.key.endswith(_HADOOP_MARKER) and not entry.size:
        return _MARKER
    if hidden:
        return _HIDDEN
    if not pattern and not names.fullmatch(entry.key):
        return OTHER_NAME
    if _STAGED.search(f"{folder.uri}/{entry.key}"):
        return _UNPUBLISHED
    return _MARKER if folder.is_marker(entry) else None


def _refuse_delta(name: str, root: str, listed: list[Entry]) -> None:
    """Raises PolarpodError for a Delta table's folder: only its log records which files hold deleted or replaced rows."""
    log = next((entry.key for entry in listed if entry.key.startswith("_delta_log/") and entry.key.endswith(".json")), None)
    if log:
        raise PolarpodError(
            Category.INPUT_MISMATCH,
            f"input {name!r} is a Delta table, declared as Parquet",
            evidence=[f"{root}/{log}"],
            remedy="Declare it as Delta(...): among a table's files are some whose rows were deleted or replaced. "
            "A glob reads the files as they are.",
        )


def _look_at_unlisted(
    name: str, folder: Folder, pattern: str, names: re.Pattern[str], left_out: dict[str, list[str]]
) -> None:
    """Raises PolarpodError for dangling links, pipes, sockets and devices under names that would be read.

    Others are added to `left_out`.
    """
    found = unlisted(folder.uri)

    def meant(keys: list[str]) -> list[str]:
        read = []
        for key in keys:
            if pattern and not matches(key, pattern):
                continue
            if reason := _reason(folder, Entry(key, 1, ""), pattern, names):
                left_out.setdefault(reason, []).append(key)
            else:
                read.append(f"{folder.uri}/{key}")
        return read[:_FIRST]

    if broken := meant(found.broken):
        raise PolarpodError(
            Category.INPUT_MISSING,
            f"input {name!r} has links to files that are not there",
            evidence=broken,
            remedy="Deliver the files, or remove the links.",
        )
    if odd := meant(found.odd):
        raise PolarpodError(
            Category.INPUT_UNREADABLE,
            f"input {name!r} has pipes, sockets or devices in the place of files",
            evidence=odd,
            remedy="Deliver files, or move these away: what comes out of a pipe or a device cannot be read twice.",
        )


def _mode(path: str) -> int:
    """The mode of a path, behind links; 0 where nothing is there or it cannot be accessed."""
    try:
        return local_path(path).stat().st_mode
    except OSError:
        return 0


def _refuse_pipe(name: str, place: str) -> None:
    """Raises PolarpodError for a pipe, socket or device: opening a pipe blocks until a writer opens it, maybe for ever."""
    if is_local(place) and stat.S_IFMT(_mode(place)) not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise PolarpodError(
            Category.INPUT_UNREADABLE,
            f"input {name!r} is not a regular file",
            evidence=[place],
            remedy="Deliver a file: a pipe or a device cannot be read twice.",
        )


def _summary(reason: str, names: list[str]) -> LeftOut:
    return LeftOut(reason=reason, files=len(names), first=[name[:_NAME_LENGTH] for name in names[:_FIRST]])


def _absolute(root: str, entry: Entry) -> Entry:
    return Entry(join(root, entry.key) if root != "/" else f"/{entry.key}", entry.size, entry.tag)
