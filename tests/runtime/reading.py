"""Reads text inputs in this process, and says what was refused."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from polarpod.contract.context import Storage
from polarpod.contract.dataset import Csv, NdJson
from polarpod.contract.verdict import PolarpodError, Verdict
from polarpod.runtime.classify import classify
from polarpod.runtime.sources.scan import scan
from polarpod.runtime.sources.unreadable_files import blame
from polarpod.store.listing import list_input


def read(dataset: Csv | NdJson) -> pl.LazyFrame:
    return scan("orders", dataset, list_input("orders", dataset, Storage()), Storage())


def refusal(dataset: Csv | NdJson) -> Verdict:
    """The verdict of a run that publishes the whole input."""
    listings = {"orders": list_input("orders", dataset, Storage())}
    phase = "scan"
    try:
        frame = scan("orders", dataset, listings["orders"], Storage())
        phase = "stage"
        rows = frame.collect()
    except (PolarpodError, pl.exceptions.PolarsError, OSError) as error:
        return blame(classify(error, phase=phase), {"orders": dataset}, listings, Storage())
    pytest.fail(f"it was read: {rows}")


def put(folder: Path, name: str, data: bytes | str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path
