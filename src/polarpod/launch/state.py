"""The state store: what was asked, what came back, what was made of it.

    <state>/runs/<job>/<run key>/<attempt uid>/{context,receipt,verdict}.json
    <state>/runs/<job>/<run key>/<attempt uid>/heartbeat.json   while its worker works, and no longer
    <state>/runs/<job>/<run key>/claims/<number>      holds the uid that took this number
    <state>/runs/<job>/<run key>/standing.json        the attempt whose rows stand, for a quick skip
    <state>/sizes/<job>.json                          what the last successes used, once one needed more than declared

Only folders of small documents; numbers are taken by conditional writes, so two launchers never hand out the same one.
"""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple, TypeVar

import msgspec

from polarpod.contract.codec import decode, encode
from polarpod.contract.context import Context, Storage
from polarpod.contract.message import HEARTBEAT, Message
from polarpod.contract.receipt import Receipt
from polarpod.contract.verdict import Category, PolarpodError, Verdict
from polarpod.launch.sizing import Success
from polarpod.store.folder import Entry, Folder
from polarpod.store.location import join

T = TypeVar("T")

_NUMBER_DIGITS = 8
# enough that one small day does not forget what the others need
_SUCCESSES = 5


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt's outcome as the launcher judged it, beside the receipt."""

    verdict: Verdict
    memory_limit_bytes: int
    memory_peak_bytes: int
    judged_at: dt.datetime
    # the launcher has seen the worker's end; a verdict alone does not say so (a node that is lost may come back)
    worker_ended: bool = False
    # of an undo: the attempt that was taken back
    took_back: str | None = None
    protocol: str = "1.0"


class StandingNote(msgspec.Struct, frozen=True, kw_only=True):
    """Which attempt's rows stand."""

    number: int
    uid: str
    fingerprint: str
    protocol: str = "1.0"


class SizeNote(msgspec.Struct, frozen=True, kw_only=True):
    """What the last successes of a job had and used, newest first."""

    memory_limit_bytes: list[int] = []
    memory_peak_bytes: list[int] = []
    protocol: str = "1.0"


class AttemptInfo(NamedTuple):
    """One attempt as the state store knows it; parts are None where it never got so far."""

    job: str
    run_key: str
    number: int
    uid: str
    context: Context | None
    receipt: Receipt | None
    record: Record | None


def _sizes(job: str) -> str:
    return f"sizes/{job}.json"


class State:
    """Reads and writes one state store."""

    def __init__(self, uri: str, storage: Storage | None = None) -> None:
        self.folder = Folder(uri, storage)

    def attempt_uri(self, job: str, run_key: str, uid: str) -> str:
        return join(self.folder.uri, "runs", job, run_key, uid)

    def claim(self, job: str, run_key: str, uid: str, *, above: int = 0) -> int:
        """Takes the next attempt number of a run key for a uid.

        Args:
            above: a number the table is known to have seen; a state store that was lost must not start again below it.
        """
        number = max(above, *(n for n, _ in self.claims(job, run_key)), 0) + 1
        while not self.folder.create(f"runs/{job}/{run_key}/claims/{number:0{_NUMBER_DIGITS}d}", uid.encode()):
            number += 1
        return number

    def claims(self, job: str, run_key: str) -> list[tuple[int, str]]:
        """(number, key of the claim) of every attempt, in order. Whatever else people's tools leave there is no claim."""
        found = self.folder.list(f"runs/{job}/{run_key}/claims")
        names = [(entry.key.rpartition("/")[2], entry.key) for entry in found]
        return [(int(name), key) for name, key in names if name.isdecimal()]

    def put_context(self, context: Context) -> tuple[str, bytes]:
        """Writes an attempt's context; returns its URI and its bytes."""
        data = encode(context)
        key = f"runs/{context.job.name}/{context.run_key}/{context.attempt.uid}/context.json"
        self.folder.write(key, data)
        return join(self.folder.uri, key), data

    def context(self, job: str, run_key: str, uid: str) -> Context:
        """The context of an attempt that was prepared.

        Raises:
            PolarpodError: it is not there any more.
        """
        key = f"runs/{job}/{run_key}/{uid}/context.json"
        found = self._read(key, Context)
        if found is None:
            raise PolarpodError(
                Category.CONTEXT_INVALID,
                "the context of a started attempt is gone from the state store",
                evidence=[join(self.folder.uri, key)],
                remedy="Find out who deletes from the state store; then launch the run again.",
            )
        return found

    def known_context(self, job: str, run_key: str, uid: str) -> Context | None:
        """An attempt's context, or None where it is gone or of a protocol that is not known."""
        return self._read_if_known(f"runs/{job}/{run_key}/{uid}/context.json", Context)

    def receipt(self, job: str, run_key: str, uid: str) -> Receipt | None:
        return self._read(f"runs/{job}/{run_key}/{uid}/receipt.json", Receipt)

    def put_record(self, job: str, run_key: str, uid: str, record: Record) -> None:
        self.folder.write(f"runs/{job}/{run_key}/{uid}/verdict.json", encode(record))

    def put_log(self, job: str, run_key: str, uid: str, data: bytes) -> None:
        self.folder.write(f"runs/{job}/{run_key}/{uid}/worker.log", data)

    def log(self, job: str, run_key: str, uid: str) -> bytes | None:
        document = self.folder.read(f"runs/{job}/{run_key}/{uid}/worker.log")
        return document.data if document else None

    def heartbeat(self, job: str, run_key: str, uid: str) -> Message | None:
        """What a worker that works, or was lost, said last."""
        found = self._read_if_known(f"runs/{job}/{run_key}/{uid}/{HEARTBEAT}", Message)
        return found if found and found.uid == uid else None

    def clear_heartbeat(self, job: str, run_key: str, uid: str) -> None:
        self.folder.delete([f"runs/{job}/{run_key}/{uid}/{HEARTBEAT}"])

    def heartbeats(self, job: str, run_key: str) -> list[Entry]:
        """Those of all attempts, as entries of the state's folder."""
        return [entry for entry in self.folder.list(f"runs/{job}/{run_key}") if entry.key.endswith(f"/{HEARTBEAT}")]

    def standing(self, job: str, run_key: str) -> StandingNote | None:
        return self._read(f"runs/{job}/{run_key}/standing.json", StandingNote)

    def put_standing(self, job: str, run_key: str, note: StandingNote) -> None:
        """Notes that an attempt's rows stand, unless a newer attempt has."""
        key = f"runs/{job}/{run_key}/standing.json"
        while True:
            document = self.folder.read(key)
            if document and decode(document.data, StandingNote, source=key).number > note.number:
                return
            if self.folder.swap(key, encode(note), expected=document.tag if document else None):
                return

    def successes(self, job: str) -> list[Success]:
        """What the last successes of a job had and used, newest first; empty while what is declared has been enough."""
        note = self._read_if_known(_sizes(job), SizeNote)
        return (
            [Success(*pair) for pair in zip(note.memory_limit_bytes, note.memory_peak_bytes, strict=False)] if note else []
        )

    def note_success(self, job: str, success: Success, *, declared_bytes: int) -> None:
        """Remembers what a success used, once one has needed more than is declared.

        A race with another run of the job loses one of the two notes, which costs nothing but knowledge.
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
        self.folder.delete([f"runs/{job}/{run_key}/standing.json"])

    def jobs(self) -> list[str]:
        return self.folder.children("runs")

    def run_keys(self, job: str) -> list[str]:
        return self.folder.children(f"runs/{job}")

    def attempts(self, job: str, run_key: str, *, newest: int | None = None) -> list[AttemptInfo]:
        """The attempts of a run key, newest first."""
        found: list[AttemptInfo] = []
        for number, key in reversed(self.claims(job, run_key)):
            if newest is not None and len(found) >= newest:
                break
            document = self.folder.read(key)
            if document is None:
                continue
            uid = document.data.decode()
            base = f"runs/{job}/{run_key}/{uid}"
            found.append(
                AttemptInfo(
                    job,
                    run_key,
                    number,
                    uid,
                    self._read_if_known(f"{base}/context.json", Context),
                    self._read_if_known(f"{base}/receipt.json", Receipt),
                    self._read_if_known(f"{base}/verdict.json", Record),
                )
            )
        return found

    def release(self, job: str, run_key: str, number: int) -> None:
        """Gives a number back that nothing was made of: no context, no commit."""
        self.folder.delete([f"runs/{job}/{run_key}/claims/{number:0{_NUMBER_DIGITS}d}"])

    def published(self, info: AttemptInfo) -> AttemptInfo | None:
        """The newest attempt of the same run whose rows were published and not taken back; None where there is none."""
        attempts = self.attempts(info.job, info.run_key)
        back = {other.record.took_back for other in attempts if other.record}
        return next(
            (one for one in attempts if one.receipt and one.receipt.published and one.uid not in back),
            None,
        )

    def find(self, name: str) -> AttemptInfo:
        """The attempt a person means: a uid or the beginning of one, "job/run key" (its newest attempt), or a run key.

        Raises:
            PolarpodError: none or several match.
        """
        matches = self._candidates(name)
        if len(matches) == 1:
            return matches[0]
        raise PolarpodError(
            Category.REQUEST_INVALID,
            f"no run matches {name!r}" if not matches else f"{len(matches)} runs match {name!r}",
            evidence=[f"{info.job}/{info.run_key} attempt {info.number} uid {info.uid}" for info in matches[:10]]
            or [f"looked in {self.folder.uri}"],
            remedy="`polarpod runs` lists them; name one by job/run key, or by the first characters of its uid.",
        )

    def _candidates(self, name: str) -> list[AttemptInfo]:
        job, slash, key = name.partition("/")
        if slash:
            keys = self.run_keys(job)
            # the whole key, or enough of one to be the only one: "clean_flights/2013-02-01"
            chosen = [run_key for run_key in keys if run_key == key] or [run_key for run_key in keys if key in run_key]
            return [info for run_key in chosen for info in self.attempts(job, run_key, newest=1)]
        found = []
        for job in self.jobs():
            for run_key in self.run_keys(job):
                if run_key == name:
                    found += self.attempts(job, run_key, newest=1)
                    continue
                uids = [child for child in self.folder.children(f"runs/{job}/{run_key}") if child.startswith(name)]
                if uids:
                    found += [info for info in self.attempts(job, run_key) if info.uid in uids]
        return found

    def _read_if_known(self, key: str, kind: type[T]) -> T | None:
        """One attempt's document among many: one of a newer protocol, of a release since rolled back, hides no other."""
        try:
            return self._read(key, kind)
        except PolarpodError as error:
            if error.verdict.category is not Category.CONTEXT_INVALID:
                raise
            return None

    def _read(self, key: str, kind: type[T]) -> T | None:
        document = self.folder.read(key)
        return decode(document.data, kind, source=f"{self.folder.uri}/{key}") if document else None
