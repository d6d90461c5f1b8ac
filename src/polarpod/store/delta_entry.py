"""A log entry with the very paths that the log has: for what deltalake cannot spell.

deltalake encodes the path of every action that it writes, and a log matches remove actions by their text. A file that
another engine named `city=Zürich/…` is therefore never removed by deltalake 1.6, not even by its own `delete`; a replace
would double the rows. In such tables, and in no other, the entry is written here: by the same put that fails where the
version is there already, with the actions that the protocol's plain tables need and nothing else.

https://github.com/delta-io/delta-rs/issues/1239 and /2423 are of this kind.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from polarpod.contract.context import Storage
from polarpod.contract.verdict import PolarpodError
from polarpod.store.delta_log import open_table
from polarpod.store.folder import Folder

# how often deltalake writes a checkpoint after a commit of its own, where a table does not say otherwise
_CHECKPOINT_INTERVAL = 100


def put_entry(
    uri: str,
    storage: Storage,
    version: int,
    *,
    now: int,
    info: Mapping[str, str],
    transactions: Mapping[str, int],
    last_updated: int,
    adds: list[dict[str, Any]],
    removes: list[dict[str, Any]],
) -> bool:
    """Writes one version of a table. False where somebody else has written it.

    Args:
        now: milliseconds since 1970.
        info: polarpod's own keys for the commitInfo.
        transactions: application id -> version.
        last_updated: the time in them, likewise.
        adds: actions with `path` as the log shall have it, `size`, `partition` and `stats`.
        removes: actions with `spelled`, as the log has it, `size_bytes` and `partition`.
    """
    parameters = {"mode": "Append", "partitionBy": "[]"}
    commit = {"timestamp": now, "operation": "WRITE", "operationParameters": parameters, "engineInfo": "polarpod", **info}
    actions: list[dict[str, Any]] = [{"commitInfo": commit}]
    actions += [
        {"txn": {"appId": key, "version": number, "lastUpdated": last_updated}} for key, number in transactions.items()
    ]
    actions += [
        {
            "remove": {
                "path": file["spelled"],
                "deletionTimestamp": now,
                "dataChange": True,
                "extendedFileMetadata": True,
                "partitionValues": file["partition"],
                "size": file["size_bytes"],
            }
        }
        for file in removes
    ]
    actions += [
        {
            "add": {
                "path": file["path"],
                "partitionValues": file["partition"],
                "size": file["size"],
                "modificationTime": now,
                "dataChange": True,
                "stats": file["stats"],
            }
        }
        for file in adds
    ]
    data = "\n".join(json.dumps(action, ensure_ascii=False) for action in actions).encode()
    if not Folder(uri, storage).create(f"_delta_log/{version:020d}.json", data):
        return False
    if version % _CHECKPOINT_INTERVAL == 0:
        # the commit stands without it; a later one makes up for it
        with suppress(PolarpodError, OSError, ValueError):
            if table := open_table(uri, storage):
                table.create_checkpoint()
    return True
