"""The rights of a launcher in its namespace: exactly these verbs. A test compares the Roles with them."""

from __future__ import annotations

from typing import NamedTuple


class Right(NamedTuple):
    """One verb on one resource, and the reason for it."""

    verb: str
    resource: str
    why: str
    subresource: str = ""

    def __str__(self) -> str:
        return f"{self.verb} {self.resource}{'/' + self.subresource if self.subresource else ''}"


RIGHTS = (
    Right("create", "pods", "a run is a pod"),
    Right("get", "pods", "to find an attempt again after its launcher died"),
    Right("list", "pods", "for `polarpod gc`"),
    Right("watch", "pods", "to see how a pod ends the moment it does"),
    Right("delete", "pods", "to stop a run, and to clean up"),
    Right("get", "pods", "to show a job's log", "log"),
    Right("list", "events", "to say why a pod does not start"),
)
