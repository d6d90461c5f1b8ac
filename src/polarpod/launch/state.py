"""The state store: the context, the receipt and the verdict of every attempt.

    <state>/runs/<job>/<run key>/<attempt uid>/{context,receipt,verdict}.json
    <state>/runs/<job>/<run key>/<attempt uid>/heartbeat.json   only while its worker runs
    <state>/runs/<job>/<run key>/claims/<number>      the uid that took this number
    <state>/runs/<job>/<run key>/standing.json        the attempt whose rows stand, for a quick skip
    <state>/sizes/<job>.json                          memory of the last successes, once one needed more than declared
    <state>/index/...                                 the index of attempts: see `index`

Only folders of small documents; numbers are taken by conditional writes, so two launchers never take the same one.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from itertools import islice

from polarpod.contract.codec import encode
from polarpod.contract.context import Context, Storage
from polarpod.contract.message import HEARTBEAT, Message
from polarpod.contract.receipt import Receipt
from polarpod.contract.verdict import Category, PolarpodError, Verdict
from polarpod.launch.attempt_records import AttemptInfo, Record, SizeNote, StandingNote
from polarpod.launch.claims import Claims
from polarpod.launch.index import Begun, Index, Listed, Look
from polarpod.launch.lookup import JOB, MANY, matches
from polarpod.launch.memory_sizing import Success
from polarpod.launch.state_documents import Documents, nothing
from polarpod.store.folder import Folder
from polarpod.store.location import join
from polarpod.store.parallel_requests import at_once

# enough that one small day does not displace what the others need
_SUCCESSES = 5


def _sizes(job: str) -> str:
    return f"sizes/{job}.json"


def _standing(job: str, run_key: str) -> str:
    return f"runs/{job}/{run_key}/standing.json"


class State:
    """Reads and writes one state store."""

    def __init__(self, uri: str, storage: Storage | None = None, *, on_damage: Callable[[Verdict], None] = nothing) -> None:
        """
        Args:
            on_damage: called once with each document that exists and cannot be used.
        """
        self.folder = Folder(uri, storage)
        self.documents = Documents(self.folder, on_damage)
        self.entries = Index(self.documents)
        self._claims = Claims(self.documents)

    @property
    def index(self) -> Look:
        """The lookup of attempts: the index, or a walk through the whole state store where the index is incomplete."""
        return self.entries if self.entries.is_complete() else Listed(self.walk())

    def write_index(self) -> None:
        """Completes the index of a state store that was created without one, or whose index was deleted."""
        if not self.entries.is_complete():
            at_once(self.entries.add, self.walk())
            self.entries.complete()

    def claim(self, job: str, run_key: str, uid: str, *, above: int = 0, at: dt.datetime | None = None) -> int:
        """Takes the next attempt number of a run key, above all that are known, for a uid, and returns it.

        Args:
            at: when the attempt begins; now by default.
        """
        self.entries.begin()
        number = self._claims.take(job, run_key, uid, above=above)
        self.entries.add(Begun(job, run_key, number, uid, at or dt.datetime.now(dt.UTC)))
        return number

    def claims(self, job: str, run_key: str) -> list[tuple[int, str]]:
        """(number, key of the claim) of every attempt, in order."""
        return self._claims.all(job, run_key)

    def holder(self, job: str, run_key: str, number: int, key: str) -> str | None:
        """The uid behind a claim; None where the claim is gone, or no document states the uid."""
        return self._claims.holder(job, run_key, number, key)

    def release(self, job: str, run_key: str, number: int) -> None:
        """Releases an unused number: one without a context and a commit. A sweep deletes its index entry."""
        self._claims.release(job, run_key, number)

    def attempt_uri(self, job: str, run_key: str, uid: str) -> str:
        return join(self.folder.uri, "runs", job, run_key, uid)

    def put_context(self, context: Context) -> tuple[str, bytes]:
        """Writes an attempt's context; returns its URI and its bytes."""
        data = encode(context)
        key = f"runs/{context.job.name}/{context.run_key}/{context.attempt.uid}/context.json"
        self.folder.write(key, data)
        return join(self.folder.uri, key), data

    def context(self, job: str, run_key: str, uid: str) -> Context:
        """The context of a prepared attempt.

        Raises:
            PolarpodError: it no longer exists, or is damaged.
        """
        key = f"runs/{job}/{run_key}/{uid}/context.json"
        found = self.documents.demand(key, Context, f"context of {job}/{run_key}")
        if found is None:
            raise PolarpodError(
                Category.CONTEXT_INVALID,
                "the context of a started attempt is gone from the state store",
                evidence=[join(self.folder.uri, key)],
                remedy="Find out who deletes from the state store; then launch the run again.",
            )
        return found

    def known_context(self, job: str, run_key: str, uid: str) -> Context | None:
        """An attempt's context, or None where it is gone, damaged or of an unknown protocol."""
        return self.documents.read(f"runs/{job}/{run_key}/{uid}/context.json", Context, f"context of {job}/{run_key}")

    def receipt(self, job: str, run_key: str, uid: str) -> Receipt | None:
        """An attempt's receipt, or None. A damaged one counts as none: it proves nothing."""
        return self.documents.read(f"runs/{job}/{run_key}/{uid}/receipt.json", Receipt, f"receipt of {job}/{run_key}")

    def put_record(self, job: str, run_key: str, uid: str, record: Record) -> None:
        self.folder.write(f"runs/{job}/{run_key}/{uid}/verdict.json", encode(record))

    def put_log(self, job: str, run_key: str, uid: str, data: bytes) -> None:
        self.folder.write(f"runs/{job}/{run_key}/{uid}/worker.log", data)

    def log(self, job: str, run_key: str, uid: str) -> bytes | None:
        document = self.folder.read(f"runs/{job}/{run_key}/{uid}/worker.log")
        return document.data if document else None

    def heartbeat(self, job: str, run_key: str, uid: str) -> Message | None:
        """The last heartbeat of a worker that runs, or was lost; else None."""
        found = self.documents.read(f"runs/{job}/{run_key}/{uid}/{HEARTBEAT}", Message, f"heartbeat of {job}/{run_key}")
        return found if found and found.uid == uid else None

    def clear_heartbeat(self, job: str, run_key: str, uid: str) -> None:
        self.folder.delete([f"runs/{job}/{run_key}/{uid}/{HEARTBEAT}"])

    def standing(self, job: str, run_key: str) -> StandingNote | None:
        return self.documents.read(_standing(job, run_key), StandingNote, f"note of which rows of {job}/{run_key} stand")

    def put_standing(self, job: str, run_key: str, note: StandingNote) -> None:
        """Records that an attempt's rows stand, unless a newer attempt is recorded."""
        key = _standing(job, run_key)
        while True:
            # the tag first: a concurrent write in between makes the swap fail
            document = self.folder.read(key)
            newest = self.standing(job, run_key) if document else None
            if newest and newest.number > note.number:
                return
            if self.folder.swap(key, encode(note), expected=document.tag if document else None):
                return

    def successes(self, job: str) -> list[Success]:
        """Memory limit and peak of a job's last successes, newest first; empty while the declared memory was enough."""
        note = self.documents.read(_sizes(job), SizeNote, f"note of how much memory {job} needs")
        return (
            [Success(*pair) for pair in zip(note.memory_limit_bytes, note.memory_peak_bytes, strict=False)] if note else []
        )

    def note_success(self, job: str, success: Success, *, declared_bytes: int) -> None:
        """Records the memory of a success, once one has needed more than is declared.

        A race with another run of the job loses one of the two notes, which only makes a later estimate less exact.
        """
        document = self.folder.read(_sizes(job))
        if document is None and success.memory_limit_bytes <= declared_bytes:
            return
        last = [success, *self.successes(job)][:_SUCCESSES]
        note = SizeNote(
            memory_limit_bytes=[one.memory_limit_bytes for one in last],
            memory_peak_bytes=[one.memory_peak_bytes for one in last],
        )
        self.folder.swap(_sizes(job), encode(note), expected=document.tag if document else None)

    def clear_standing(self, job: str, run_key: str) -> None:
        self.folder.delete([_standing(job, run_key)])

    def jobs(self) -> list[str]:
        return self.folder.children("runs")

    def run_keys(self, job: str) -> list[str]:
        """The run keys of a job; none for a name that no job can have, so that no path leads out of the store."""
        return self.folder.children(f"runs/{job}") if JOB.fullmatch(job) else []

    def attempts(self, job: str, run_key: str, *, newest: int | None = None) -> list[AttemptInfo]:
        """The attempts of a run key, newest first."""
        if newest is not None:
            return list(islice(self.each_attempt(job, run_key), newest))
        return list(filter(None, at_once(lambda claim: self._of(job, run_key, *claim), reversed(self.claims(job, run_key)))))

    def each_attempt(self, job: str, run_key: str) -> Iterator[AttemptInfo]:
        """The attempts of a run key, newest first; each is read on iteration."""
        for claim in reversed(self.claims(job, run_key)):
            if info := self._of(job, run_key, *claim):
                yield info

    def _of(self, job: str, run_key: str, number: int, key: str) -> AttemptInfo | None:
        uid = self.holder(job, run_key, number, key)
        return self.attempt(job, run_key, number, uid) if uid else None

    def attempt_of(self, begun: Begun) -> AttemptInfo | None:
        """An attempt in the index; None where nothing is left of it."""
        info = self.attempt(*begun[:4])
        known = info.context or info.receipt or info.record or info.damaged
        return info if known or self._claims.holds(*begun[:4]) else None

    def walk(self) -> list[Begun]:
        """Every attempt, found without the index: four requests for each."""
        runs = [(job, run_key) for job in self.jobs() for run_key in self.run_keys(job)]
        return [_begun(info) for found in at_once(lambda run: list(self.each_attempt(*run)), runs) for info in found]

    def attempt(self, job: str, run_key: str, number: int, uid: str) -> AttemptInfo:
        """An attempt with the documents that exist of it."""
        base, of = f"runs/{job}/{run_key}/{uid}", f"of attempt {number} of {job}/{run_key}"
        context = self.documents.read(f"{base}/context.json", Context, f"context {of}")
        receipt = self.documents.read(f"{base}/receipt.json", Receipt, f"receipt {of}")
        record = self.documents.read(f"{base}/verdict.json", Record, f"verdict {of}")
        damaged = tuple(
            place for place in list(self.documents.damaged) if place.startswith(self.documents.place(f"{base}/"))
        )
        return AttemptInfo(job, run_key, number, uid, context, receipt, record, damaged)

    def published(self, info: AttemptInfo) -> AttemptInfo | None:
        """The newest attempt of the same run whose rows were published and not undone; None where there is none."""
        back = set[str | None]()
        for one in self.each_attempt(info.job, info.run_key):
            # an undo is newer than the attempt it undid
            back.add(one.record.took_back if one.record else None)
            if one.receipt and one.receipt.published and one.uid not in back:
                return one
        return None

    def find(self, name: str) -> AttemptInfo:
        """The attempt that a name identifies: a uid or its beginning, "job/run key" (its newest attempt), or a run key.

        Raises:
            PolarpodError: none or several match.
        """
        found = matches(self, name)
        if len(found) == 1:
            return found[0]
        many = f"more than {MANY - 1}" if len(found) == MANY else str(len(found))
        raise PolarpodError(
            Category.REQUEST_INVALID,
            f"{many} runs match {name!r}" if found else f"no run matches {name!r}",
            evidence=[f"{info.job}/{info.run_key} attempt {info.number} uid {info.uid}" for info in found[: MANY - 1]]
            or [f"looked in {self.folder.uri}"],
            remedy="`polarpod runs` lists them; name one by job/run key, or by the first characters of its uid.",
        )


def _begun(info: AttemptInfo) -> Begun:
    if info.context:
        at = info.context.created_at
    else:
        # an undo has no context, and an unused number has no time
        at = info.record.judged_at if info.record else dt.datetime.fromtimestamp(0, dt.UTC)
    return Begun(info.job, info.run_key, info.number, info.uid, at)
