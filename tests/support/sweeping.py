"""A sweep in one call, as `polarpod gc` makes it part by part."""

from __future__ import annotations

import datetime as dt
from typing import Any

from polarpod.contract.context import Storage
from polarpod.launch.gc.garbage import Garbage, Part
from polarpod.launch.gc.sweep import delete_part, sweep
from polarpod.launch.known_attempts import KnownAttempts
from polarpod.launch.state import State


def find_garbage(state: State, storage: Storage, *, now: dt.datetime, **options: Any) -> list[Garbage]:
    """What would be deleted; nothing is."""
    return [item for part in sweep(state, storage, now=now, **options) for item in part.garbage]


def swept(state: State, storage: Storage, *, now: dt.datetime, **options: Any) -> list[Garbage]:
    """What was deleted, and is done with."""
    state.write_index()
    found: list[Part] = []
    for part in sweep(state, storage, now=now, known=KnownAttempts(state), **options):
        delete_part(part, state, storage, now=now)
        found.append(part)
    return [item for part in found for item in part.garbage]


def delete(garbage: list[Garbage], state: State, storage: Storage) -> None:
    """Deletes what was found and notes nothing: the next sweep looks at everything again."""
    delete_part(Part(garbage), state, storage, now=dt.datetime.now(dt.UTC))
