"""Lists inputs that are Delta tables, from their log."""

from __future__ import annotations

from polarpod.contract.context import Storage
from polarpod.contract.formats.delta import Delta
from polarpod.store import delta_log
from polarpod.store.listing import Listing, missing_input
from polarpod.store.location import normal


def list_input(name: str, dataset: Delta, storage: Storage) -> Listing:
    uri = normal(dataset.uri)
    state = delta_log.snapshot(uri, storage, version=dataset.version, where=dataset.where or {})
    if state is None:
        raise missing_input(name, f"{uri}/_delta_log")
    return Listing(uri, state.files, state.bytes, state.version, pin=state.number)
