"""One created pod."""

from __future__ import annotations

from typing import NamedTuple

from polarpod.launch.planes.kubernetes.status import Json


class Pod(NamedTuple):
    """A pod that was created.

    Args:
        seen: the whole object, as the API server last returned it.
    """

    name: str
    uid: str
    seen: Json

    @classmethod
    def of(cls, seen: Json) -> Pod:
        return cls(str(seen["metadata"]["name"]), str(seen["metadata"]["uid"]), seen)

    @property
    def version(self) -> str:
        """The resource version from which a watch continues; empty where unknown."""
        return str(self.seen["metadata"].get("resourceVersion") or "")
