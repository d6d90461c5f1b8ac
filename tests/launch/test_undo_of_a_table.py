"""What an undo asks of a Delta table before it commits to it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from deltalake import DeltaTable, write_deltalake

from polarpod.contract.verdict import PolarpodError
from polarpod.launch.state import AttemptInfo
from polarpod.launch.undo import _check_table

WITH_VECTOR = {"path": "a.parquet", "deletionVector": {"storageType": "u", "cardinality": 1}}
PLAIN = {"path": "a.parquet"}
INFO = AttemptInfo(job="sales", run_key="d1", number=2, uid="u" * 32, context=None, receipt=None, record=None)


def table(folder: Path, **properties: str) -> DeltaTable:
    write_deltalake(str(folder), pl.DataFrame({"id": [1]}), configuration=properties)
    return DeltaTable(str(folder))


@pytest.mark.parametrize(
    ("added", "removed"),
    [pytest.param([WITH_VECTOR], [], id="of the run's files"), pytest.param([PLAIN], [WITH_VECTOR], id="of those before")],
)
def test_deleted_rows_are_not_brought_back_with_their_files(tmp_path: Path, added: list[Any], removed: list[Any]) -> None:
    with pytest.raises(PolarpodError, match="deleted by deletion vectors"):
        _check_table(INFO, table(tmp_path), added, removed)


def test_an_append_only_table_lets_files_in_and_none_out(tmp_path: Path) -> None:
    strict = table(tmp_path, **{"delta.appendOnly": "true"})
    _check_table(INFO, strict, [], [PLAIN])
    with pytest.raises(PolarpodError, match="append-only, and takes no file out"):
        _check_table(INFO, strict, [PLAIN], [])
