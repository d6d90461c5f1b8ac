"""Delta tables for tests of the publisher and the fence: runs that commit, without a worker around them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import polars as pl
from deltalake import DeltaTable

from polarpod.contract.context import Storage
from polarpod.contract.dataset import Delta
from polarpod.contract.receipt import Published
from polarpod.runtime.publish.commit import Commit
from polarpod.runtime.publish.delta import publisher as delta
from polarpod.runtime.publish.delta.base_version import commits_files
from polarpod.runtime.publish.staged_file import StagedFile
from polarpod.store.fence import Standing
from polarpod.store.location import join
from polarpod.store.outputs.output import standing

FINGERPRINT = "f" * 64


def uid_of(job: str, run_key: str, number: int) -> str:
    return hashlib.sha256(f"{job}/{run_key}/{number}".encode()).hexdigest()[:32]


def commit_of(
    output: Delta,
    *,
    job: str = "sales",
    run_key: str = "d1",
    number: int = 1,
    force: bool = False,
    fingerprint: str = FINGERPRINT,
) -> Commit:
    return Commit(job, run_key, number, uid_of(job, run_key, number), fingerprint, force, output, Storage())


def append(uri: str) -> Delta:
    return Delta(uri, append=True, partition_by=["ds"])


def merge(uri: str) -> Delta:
    return Delta(uri, merge=["v"], partition_by=["ds"])


def publish(commit: Commit, frame: pl.DataFrame) -> Published:
    """Stages and publishes a frame as a worker does: one file a partition, or one."""
    assert isinstance(commit.output, Delta)
    by = commit.output.partition_by or (list(commit.output.replace) if isinstance(commit.output.replace, dict) else [])
    by = by if commits_files(commit.output) else []
    parts = frame.partition_by(by, include_key=True) if by and not frame.is_empty() else [frame]
    files = []
    for index, part in enumerate(part for part in parts if not part.is_empty()):
        values = {column: str(part[column][0]) for column in by}
        folders = [f"{column}={value}" for column, value in values.items()]
        path = "/".join(filter(None, [delta.staging_prefix(commit), *folders, f"{commit.uid}-{index:05d}.parquet"]))
        place = Path(join(commit.uri, path))
        place.parent.mkdir(parents=True, exist_ok=True)
        part.drop(by).write_parquet(place)
        files.append(StagedFile(path, part.height, place.stat().st_size, dict(values)))
    return delta.publish(commit, files, frame.clear(), None)[0]


def standing_of(commit: Commit) -> Standing:
    return standing(commit.output, commit.storage, job=commit.job, run_key=commit.run_key, fingerprint=commit.fingerprint)


def rows(uri: str, *columns: str) -> list[tuple[Any, ...]]:
    frame = pl.read_delta(uri)
    return sorted(frame.select(columns or pl.all()).rows(), key=repr)


def version(uri: str) -> int:
    return int(DeltaTable(uri).version())


def write_log(uri: str, *actions: dict[str, Any], version: int = 0) -> None:
    """A log entry as another engine would have written it."""
    log = Path(uri) / "_delta_log"
    log.mkdir(parents=True, exist_ok=True)
    text = "\n".join(json.dumps(action, ensure_ascii=False) for action in actions)
    (log / f"{version:020d}.json").write_text(text)


def ARRAY(kind: Any) -> dict[str, Any]:  # noqa: N802  # a type's name in SQL
    return {"type": "array", "elementType": kind, "containsNull": True}


def MAP(key: Any, value: Any) -> dict[str, Any]:  # noqa: N802  # likewise
    return {"type": "map", "keyType": key, "valueType": value, "valueContainsNull": True}


def STRUCT(**fields: Any) -> dict[str, Any]:  # noqa: N802  # likewise
    return {"type": "struct", "fields": [_field(name, kind) for name, kind in fields.items()]}


def _field(name: str, kind: Any) -> dict[str, Any]:
    return {"name": name, "type": kind, "nullable": True, "metadata": {}}


def metadata(fields: dict[str, Any], partitions: list[str], **properties: str) -> dict[str, Any]:
    """A metaData action; `fields`: name -> type as the protocol names it."""
    schema = STRUCT(**fields)
    written = {"id": "x", "format": {"provider": "parquet", "options": {}}, "partitionColumns": partitions}
    return {"metaData": written | {"schemaString": json.dumps(schema), "configuration": properties, "createdTime": 0}}


PROTOCOL = {"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}}


def add(path: str, place: Path | str, values: dict[str, str | None]) -> dict[str, Any]:
    """An add action, its path as spelled here."""
    size = Path(place).stat().st_size
    return {
        "add": {
            "path": path,
            "partitionValues": values,
            "size": size,
            "modificationTime": 0,
            "dataChange": True,
            "stats": '{"numRecords": 1}',
        }
    }
