"""Time, pauses and new uids of a run, passed in so that tests control them."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable
from typing import NamedTuple

from polarpod.launch.pause import pause


class Clock(NamedTuple):
    """The functions that a run takes from its machine.

    Attributes:
        now: in UTC.
        new_uid: 32 hexadecimal digits.
        pause: waits for so many seconds, or until its second argument returns True.
    """

    now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC)
    new_uid: Callable[[], str] = lambda: uuid.uuid4().hex
    pause: Callable[[float, Callable[[], bool]], None] = pause
