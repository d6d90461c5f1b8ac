"""The world, as far as a run needs it."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable
from typing import NamedTuple

from polarpod.launch.pause import pause


class Ports(NamedTuple):
    """Clock, uids and sleep, passed in."""

    now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC)
    new_uid: Callable[[], str] = lambda: uuid.uuid4().hex
    pause: Callable[[float, Callable[[], bool]], None] = pause
