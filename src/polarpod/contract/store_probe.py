"""The request that `polarpod doctor` sends to a worker, and the worker's response."""

from __future__ import annotations

import msgspec

from polarpod.contract.context import Storage


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """Attributes: `uri`: a folder in the state store that nothing else uses."""

    uri: str
    storage: Storage
    protocol: str = "1.0"


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """The worker's result.

    Attributes:
        problem: why the state store cannot be used; empty where it can.
        clock: seconds since the epoch by the worker's clock.
        code_version: of the jobs directory in its image.
    """

    problem: str
    clock: float
    code_version: str
    protocol: str = "1.0"
