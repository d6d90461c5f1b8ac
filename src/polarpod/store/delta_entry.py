"""Writes a log entry with paths exactly as the log spells them, for paths that deltalake cannot spell.

deltalake encodes the path of every action that it writes, and a log matches remove actions by their text. A file that
another engine named `city=Zürich/…` is therefore never removed by deltalake 1.6, not even by its own `delete`; a replace
would double the rows. For such tables only, the entry is written here: by the same put that fails where the version
exists already, and only with the actions that the protocol requires for plain tables.

Reported as https://github.com/delta-io/delta-rs/issues/1239 and /2423.
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

# commits between the checkpoints that deltalake writes after its own commits, where the table has no setting for it
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
    """Writes one version of a table. Returns False where another writer has committed that version.

    Args:
        now: milliseconds since 1970.
        info: polarpod's keys for the commitInfo.
        transactions: application id -> version.
        last_updated: `lastUpdated` of these transactions, in milliseconds since 1970.
        adds: actions with `path` as it is to stand in the log, `size`, `partition` and `stats`.
        removes: actions with `spelled` (the path as it stands in the log), `size_bytes` and `partition`.
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
        # the commit is valid without a checkpoint; a later commit writes one
        with suppress(PolarpodError, OSError, ValueError):
            if table := open_table(uri, storage):
                table.create_checkpoint()
    return True
