"""Reads a Delta table's log: its version, its files, and which run committed last.

deltalake reads the log. It is imported inside the functions: a job without Delta saves 70 ms and 40 MB.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from polarpod.contract.context import Storage
from polarpod.contract.verdict import Category, PolarpodError
from polarpod.store.delta_damage import damage, refuse_empty_entries
from polarpod.store.delta_features import Traits, not_read
from polarpod.store.delta_path import meaning, place
from polarpod.store.delta_where import check_where, chooser
from polarpod.store.folder import Folder
from polarpod.store.location import is_local, local_path, normal
from polarpod.store.storage_options import deltalake_options
from polarpod.store.store_errors import answer, contradicts_itself, no_access

if TYPE_CHECKING:
    from deltalake import DeltaTable

T = TypeVar("T")

# A store that contradicts itself for a second usually does so for longer; the run's platform budget covers that.
_LOOKS, _AGAIN_SECONDS = 3, 0.3
# in the deltalake kernel's errors for an intact table with features that it does not support
_NEWER = re.compile(r"Kernel error: Unsupported|Duplicate field name|column mapping", re.IGNORECASE)

# a log file by which readers recognize a table
_LOG_FILE = re.compile(r"_delta_log/\d{20}\.(?:json|checkpoint\..*)")


class Snapshot(NamedTuple):
    """A table, or one partition of it, at one version.

    Attributes:
        number: the table's version.
        version: a digest that changes exactly when the listed files do; a commit to another partition does not change it.
    """

    number: int
    version: str
    files: tuple[str, ...]
    bytes: int
    rows: int | None


def open_table(uri: str, storage: Storage, version: int | None = None) -> DeltaTable | None:
    """The table at this version, or the newest; None where there is no table.

    Raises:
        PolarpodError: the store denies access or is unavailable, or the log cannot be read.
    """
    from deltalake import DeltaTable
    from deltalake.exceptions import DeltaError, TableNotFoundError

    root = normal(uri)
    if "\\" in root or meaning(root) != root:
        # deltalake writes to such a path and reads from a different one
        raise PolarpodError(
            Category.REQUEST_INVALID,
            "a Delta table cannot be where a name has a backslash or a percent escape such as %20",
            evidence=[root],
            remedy="Move the table, or rename the folder: deltalake takes %20 for a space.",
        )
    if is_local(root) and not (local_path(root) / "_delta_log").is_dir():
        return None
    try:
        options = deltalake_options(root, storage)
        table = _again(lambda: DeltaTable(root, version=version, storage_options=options))
    except TableNotFoundError:
        return None
    except (DeltaError, OSError, ValueError) as error:
        failed = unreadable(root, error)
        if failed.verdict.category is Category.INPUT_UNREADABLE:
            failed = damage(root, storage, version, failed.verdict.evidence[0]) or failed
        raise failed from error
    refuse_empty_entries(root, storage, table.version())
    return table


def open_output(uri: str, storage: Storage) -> DeltaTable | None:
    """The table that a run publishes to, or None where it does not exist yet.

    Raises:
        PolarpodError: as `open_table`, but `publish_refused` in place of `input_unreadable`.
    """
    with _of_an_output():
        return open_table(uri, storage)


def catch_up(table: DeltaTable) -> None:
    """Updates an opened output to its newest version. Only later log entries are read.

    Raises:
        PolarpodError: as `open_output`.
    """
    from deltalake.exceptions import DeltaError

    with _of_an_output():
        try:
            _again(table.update_incremental)
        except (DeltaError, OSError, ValueError) as error:
            raise unreadable(str(table.table_uri).rstrip("/"), error) from error


def transaction_version(table: DeltaTable, key: str) -> int | None:
    """The version that an output's log holds for an application transaction id, or None. Read from the store, not cached.

    Raises:
        PolarpodError: as `open_output`.
    """
    from deltalake.exceptions import DeltaError

    with _of_an_output():
        try:
            number: int | None = _again(lambda: table.transaction_version(key))
        except (DeltaError, OSError, ValueError) as error:
            raise unreadable(str(table.table_uri).rstrip("/"), error) from error
    return number


@contextmanager
def _of_an_output() -> Iterator[None]:
    """Turns `input_unreadable` into `publish_refused`: the table is an output, not an input."""
    try:
        yield
    except PolarpodError as error:
        verdict = error.verdict
        if verdict.category is not Category.INPUT_UNREADABLE:
            raise
        raise PolarpodError(
            Category.PUBLISH_REFUSED, verdict.summary, evidence=verdict.evidence, remedy=verdict.remedy
        ) from error.__cause__


def _again(look: Callable[[], T]) -> T:
    """The result of reading a log, retried where the store lists an entry and then does not find it: the log may have been
    cleaned up in between, or the store may be overloaded."""
    try:
        return look()
    except Exception as error:
        if not contradicts_itself(error):
            raise
    # tenacity imports asyncio, 40 ms that a consistent store should not cost
    import tenacity

    looks = tenacity.Retrying(
        retry=tenacity.retry_if_exception(contradicts_itself),
        wait=tenacity.wait_fixed(_AGAIN_SECONDS),
        stop=tenacity.stop_after_attempt(_LOOKS),
        reraise=True,
    )
    return looks(look)


def unreadable(uri: str, error: BaseException) -> PolarpodError:
    """The verdict for a table that cannot be opened, derived from the store's error."""
    said = answer(error)
    if failed := no_access(said, "open", f"the Delta table {uri}"):
        return failed
    if "LogSegment end version" in said.words:
        return PolarpodError(
            Category.INPUT_MISSING,
            f"the Delta table {uri} has no such version",
            evidence=[said.words],
            remedy="Read another version: this one is not written yet, or its log has been cleaned up.",
        )
    if _NEWER.search(said.words):
        return _needs_more(uri, [], said.words)
    return PolarpodError(
        Category.INPUT_UNREADABLE,
        f"the Delta table {uri} cannot be read",
        evidence=[said.words],
        remedy="Inspect its _delta_log; restore the table or point the job at another one.",
    )


def _needs_more(uri: str, features: list[str], words: str) -> PolarpodError:
    named = f": {', '.join(features)}" if features else ""
    return PolarpodError(
        Category.INPUT_UNREADABLE,
        f"the Delta table {uri} uses what polarpod does not read{named}",
        evidence=[words],
        remedy="Read it with the engine that made it, or have it written without this feature.",
    )


def history(table: DeltaTable) -> list[dict[str, Any]]:
    """The commitInfo of the table's commits, newest first. Raises PolarpodError where the log cannot be read."""
    from deltalake.exceptions import DeltaError

    try:
        return list(table.history())
    except (DeltaError, OSError, ValueError) as error:
        raise unreadable(str(table.table_uri), error) from error


def snapshot(uri: str, storage: Storage, *, version: int | None, where: dict[str, str]) -> Snapshot | None:
    """The files of a table's version in a partition ({} for the whole table); None where there is no table.

    Raises:
        PolarpodError: as `open_table`; the table has a feature that polarpod does not read; `where` is no partition of it.
    """
    table = open_table(uri, storage, version)
    if table is None:
        return None
    if features := not_read(Traits.of(table)):
        protocol = table.protocol()
        raise _needs_more(normal(uri), features, f"reader version {protocol.min_reader_version}")
    check_where(table, where)
    actions = active_files(table, where)
    paths = sorted(str(action["path"]) for action in actions)
    digest = hashlib.sha256("\n".join([str(table.metadata().id), *paths]).encode()).hexdigest()
    rows = [action["num_records"] for action in actions]
    return Snapshot(
        number=table.version(),
        version=f"delta-{digest}",
        files=tuple(sorted(placed(uri, action) for action in actions)),
        bytes=sum(int(action["size_bytes"]) for action in actions),
        rows=None if None in rows else sum(int(count) for count in rows),
    )


def placed(uri: str, action: dict[str, Any]) -> str:
    """Where a file of `active_files` is. Raises PolarpodError where it is in another kind of store than the table."""
    found = place(uri, action["path"])
    if found is None:
        raise PolarpodError(
            Category.INPUT_UNREADABLE,
            "the Delta table names files in another kind of store than its own",
            evidence=[normal(uri), f"its log names {action['spelled']}"],
            remedy="It is a shallow clone: read its source, or have it made a deep clone.",
        )
    return found


def active_files(table: DeltaTable, where: dict[str, str]) -> list[dict[str, Any]]:
    """The table's active files, filtered by partition.

    Plain dicts with `path` (as in the store), `spelled` (as in the log), `size_bytes`, `num_records`, `partition`
    (as text) and `values` (the same, typed).
    """
    actions = table.get_add_actions(flatten=False)
    names = set(actions.schema.names)
    columns = {
        name: actions.column(name).to_pylist() if name in names else [None] * actions.num_rows
        for name in ("path", "size_bytes", "num_records", "partition")
    }
    rows = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    found = []
    chosen = chooser(table, where)
    for row in rows:
        values = row["partition"] or {}
        if chosen(values):
            partition = {key: as_text(value) for key, value in values.items()}
            found.append(
                row | {"spelled": row["path"], "path": meaning(row["path"]), "values": values, "partition": partition}
            )
    return found


def file_sizes(table: DeltaTable) -> dict[str, int]:
    """Path (as in the store) of each of the table's active files -> its size in bytes."""
    actions = table.get_add_actions(flatten=False)
    return dict(zip(map(meaning, actions.column("path").to_pylist()), actions.column("size_bytes").to_pylist(), strict=True))


def as_text(value: object) -> str | None:
    """A partition value in the Delta protocol's text: ISO dates, lower-case booleans, instants in UTC, None for null."""
    if value is None:
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if isinstance(value, dt.datetime):
        moment = value.astimezone(dt.UTC) if value.tzinfo else value
        return moment.strftime("%Y-%m-%d %H:%M:%S.%f")
    return str(value)


def log_file(folder: Folder) -> str | None:
    """Key of a log file by which readers recognize the folder as a Delta table; None where it is not one."""
    return next((entry.key for entry in folder.list("_delta_log") if _LOG_FILE.fullmatch(entry.key)), None)
