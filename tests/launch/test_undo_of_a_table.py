"""What an undo asks of a Delta table before it commits to it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from deltalake import DeltaTable, write_deltalake

from polarpod.contract.dataset import Delta
from polarpod.contract.verdict import PolarpodError
from polarpod.launch.attempt_records import AttemptInfo
from polarpod.launch.outputs.delta.undo import check_table
from polarpod.launch.undo_target import Target

WITH_VECTOR = {"path": "a.parquet", "deletionVector": {"storageType": "u", "cardinality": 1}}
PLAIN = {"path": "a.parquet"}
INFO = AttemptInfo(job="sales", run_key="d1", number=2, uid="u" * 32, context=None, receipt=None, record=None)
TARGET = Target(INFO, INFO.uid, Delta("/lake/sales"), None)


def table(folder: Path, **properties: str) -> DeltaTable:
    write_deltalake(str(folder), pl.DataFrame({"id": [1]}), configuration=properties)
    return DeltaTable(str(folder))


@pytest.mark.parametrize(
    ("added", "removed"),
    [pytest.param([WITH_VECTOR], [], id="of the run's files"), pytest.param([PLAIN], [WITH_VECTOR], id="of those before")],
)
def test_deleted_rows_are_not_brought_back_with_their_files(tmp_path: Path, added: list[Any], removed: list[Any]) -> None:
    with pytest.raises(PolarpodError, match="deleted by deletion vectors"):
        check_table(TARGET, table(tmp_path), added, removed)


def test_an_append_only_table_lets_files_in_and_none_out(tmp_path: Path) -> None:
    strict = table(tmp_path, **{"delta.appendOnly": "true"})
    check_table(TARGET, strict, [], [PLAIN])
    with pytest.raises(PolarpodError, match="append-only, and takes no file out"):
        check_table(TARGET, strict, [PLAIN], [])
