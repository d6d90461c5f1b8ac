"""What `polarpod doctor` asks of a worker, and what the worker answers."""

from __future__ import annotations

import msgspec

from polarpod.contract.context import Storage


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """Attributes: `uri`: a folder in the state store that is nobody else's."""

    uri: str
    storage: Storage
    protocol: str = "1.0"


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What the worker found.

    Attributes:
        problem: why the state store could not be used; empty where it could.
        clock: seconds since the epoch by the worker's clock.
        code_version: of the jobs directory in its image.
    """

    problem: str
    clock: float
    code_version: str
    protocol: str = "1.0"
