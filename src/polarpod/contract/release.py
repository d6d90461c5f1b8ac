"""The release document: the code version and every job's spec. DAGs run a release; a rollback selects an earlier one."""

from __future__ import annotations

import datetime as dt

import msgspec

from polarpod.contract.context import Version
from polarpod.contract.job import JobSpec
from polarpod.contract.version import PROTOCOL


class Release(msgspec.Struct, frozen=True, kw_only=True):
    """An immutable description of the jobs that can be run.

    Attributes:
        code_version: digest of the jobs directory's sources and of the packages that determine their results.
        image: the job image by digest; None for planes without images.
        jobs: name -> spec, with templates unfilled.
        dependencies: job -> what its rows depend on in the code; see `Context.dependencies`.
    """

    protocol: Version = PROTOCOL
    code_version: str
    created_at: dt.datetime
    image: str | None = None
    jobs: dict[str, JobSpec]
    dependencies: dict[str, dict[str, str]] = {}
