"""The facts of a run's commit and the race handling that all publishers share."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import msgspec

from polarpod.contract.context import Context, Storage
from polarpod.contract.dataset import Output, format_of, publish_mode
from polarpod.contract.receipt import CheckResult, Published
from polarpod.contract.verdict import Category, PolarpodError
from polarpod.store.fence import Decision, Standing
from polarpod.store.folder import Folder
from polarpod.store.location import normal
from polarpod.store.presence import missing

if TYPE_CHECKING:
    from polarpod.runtime.publish.staged_file import StagedFile

T = TypeVar("T")

# Every lost race means that other rows were published, so retrying is worth the cost of making these rows. Measured: fifty
# pods that commit to one table at once on two cores finish within a minute or two.
_CONFLICT_SECONDS = 600
# Long compared with the 50 ms of a commit, so that many writers do not block each other.
_LONGEST_WAIT_SECONDS = 5


class Commit(NamedTuple):
    """The identity of one attempt and its output, for a publisher.

    Attributes:
        held: names of the table's rules that the rows were checked against while they were written; None where unchecked.
    """

    job: str
    run_key: str
    number: int
    uid: str
    fingerprint: str
    force: bool
    output: Output
    storage: Storage
    held: frozenset[str] | None = None

    @classmethod
    def of(cls, context: Context, fingerprint: str) -> Commit:
        return cls(
            job=context.job.name,
            run_key=context.run_key,
            number=context.attempt.number,
            uid=context.attempt.uid,
            fingerprint=fingerprint,
            force=context.force,
            output=context.job.output,
            storage=context.storage,
        )

    @property
    def uri(self) -> str:
        return normal(self.output.uri)

    @property
    def mode(self) -> str:
        return publish_mode(self.output)


class Facts(msgspec.Struct, frozen=True):
    """The facts that a commit stores in its metadata: a later attempt that adopts the commit takes its receipt from them."""

    job: str
    run_key: str
    number: int
    uid: str
    fingerprint: str
    rows: int
    bytes: int
    files: int
    checks: CheckResult | None = None

    @classmethod
    def of(cls, commit: Commit, files: list[StagedFile], checks: CheckResult | None) -> Facts:
        return cls(
            job=commit.job,
            run_key=commit.run_key,
            number=commit.number,
            uid=commit.uid,
            fingerprint=commit.fingerprint,
            rows=sum(file.rows for file in files),
            bytes=sum(file.bytes for file in files),
            files=len(files),
            checks=checks,
        )

    def published(self, commit: Commit, version: int) -> Published:
        return Published(
            uri=commit.uri,
            format=format_of(commit.output),
            mode=commit.mode,
            version=version,
            rows=self.rows,
            bytes=self.bytes,
            files=self.files,
            adopted_from=None if self.uid == commit.uid else self.uid,
        )


class Conflict(Exception):
    """A concurrent commit landed between read and write; the caller must read again and decide anew."""


def settle(attempt: Callable[[], T], commit: Commit) -> T:
    """Calls `attempt` until it raises no Conflict, with random waits. Returns its result.

    Raises:
        PolarpodError: `publish_conflict` after ten minutes.
    """
    try:
        return attempt()
    except Conflict:
        # Imported here: tenacity imports asyncio, 40 ms that a commit without a conflict should not pay.
        from tenacity import RetryError, Retrying, retry_if_exception_type, stop_after_delay, wait_random_exponential

        waits = Retrying(
            retry=retry_if_exception_type(Conflict),
            wait=wait_random_exponential(multiplier=0.02, max=_LONGEST_WAIT_SECONDS),
            stop=stop_after_delay(_CONFLICT_SECONDS),
        )
        try:
            return waits(attempt)
        except RetryError:
            raise PolarpodError(
                Category.PUBLISH_CONFLICT,
                f"{commit.uri} was written by others all the time",
                evidence=[f"every commit lost its race for {_CONFLICT_SECONDS // 60} minutes"],
                remedy="Let fewer runs write to the table at once (an Airflow pool), then run again.",
            ) from None


def check_staged(commit: Commit, files: list[StagedFile]) -> None:
    """Raises PolarpodError where a file that is about to be committed is missing or truncated.

    Until a log names it, a staged file is an orphan to a VACUUM or a clean-up job. Costs one request per file; writing each
    took several. A clean-up that listed a file before this check can still delete it afterwards.
    """
    if gone := missing(Folder(commit.uri, commit.storage), {file.path: file.bytes for file in files}):
        more = f", and {len(gone) - 1:,} more" if len(gone) > 1 else ""
        raise PolarpodError(
            Category.STORAGE_UNAVAILABLE,
            "files that this attempt had staged are gone from the store, or cut; nothing was published",
            evidence=[f"gone from {commit.uri}, or cut: {gone[0]}{more}"],
            remedy="Run it again, and keep clean-up jobs off files younger than the longest run: a VACUUM's retention, a "
            "lifecycle rule.",
        )


def refuse(decision: Decision, commit: Commit, standing: Standing) -> PolarpodError:
    """Returns the error for an attempt that may not publish."""
    if decision is Decision.SUPERSEDED:
        return PolarpodError(
            Category.SUPERSEDED,
            "a newer attempt of this run has already published",
            evidence=[f"this is attempt {commit.number}, {commit.uri} holds attempt {standing.number}"],
            remedy="Nothing: the newer attempt's rows stand.",
        )
    held = f"{commit.uri} holds attempt {standing.number} of {commit.job}/{commit.run_key}"
    if decision is Decision.LOST:
        return _lost(commit, standing, held)
    if standing.restored:
        return PolarpodError(
            Category.PUBLISH_REFUSED,
            "rows that this run has appended before are in the table again",
            evidence=[held, "a RESTORE of the table has brought them back since, or may have"],
            remedy="Appending again would double these rows. Delete them from the table, then run again; or publish with "
            "replace or merge, which can be repeated.",
        )
    if standing.partial:
        return PolarpodError(
            Category.PUBLISH_REFUSED,
            "this run has already appended its rows once, and some of them are still in the table",
            evidence=[held, "other rows of it were deleted or replaced since"],
            remedy="Appending again would double the rows that are left. Delete those from the table, then run again; or "
            "publish with replace or merge, which can be repeated.",
        )
    return PolarpodError(
        Category.PUBLISH_REFUSED,
        "this run has already appended its rows once",
        evidence=[held, "it is forced, or has other code or inputs than then"],
        remedy="Appending again would double rows. Take the earlier publish back first, with "
        f"`polarpod undo {commit.job}/{commit.run_key}`; or publish with replace or merge, which can be repeated.",
    )


def _lost(commit: Commit, standing: Standing, held: str) -> PolarpodError:
    """Returns the error for rows that the log names but whose files are lost. The remedy of an append is an undo."""
    first, *others = standing.lost
    again = (
        f"take the publish back with `polarpod undo {commit.job}/{commit.run_key}`"
        if commit.mode == "append"
        else "delete what is left of them and take them out of the table's log with "
        f"deltalake.DeltaTable({commit.uri!r}).repair()"
    )
    return PolarpodError(
        Category.PUBLISH_REFUSED,
        "files with rows of this run are in the log of the Delta table and not, or not whole, in the store",
        evidence=[held, f"gone, or cut: {first}{f', and {len(others):,} more' if others else ''}"],
        remedy=f"Bring the files back from a backup or the bucket's versions; or {again}, then run again.",
    )
