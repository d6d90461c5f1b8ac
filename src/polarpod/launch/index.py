"""The index of the attempts in a state store, by uid, by time and by what `polarpod gc` has to visit.

    <state>/index/uids/<first two digits>/<uid>.<attempt>
    <state>/index/jobs/<job>/<time counted down>.<attempt>     newest first
    <state>/index/unswept/<attempt>                            oldest first: no sweep has completed it yet
    <state>/index/swept/<since>.<attempt>                      oldest first: a sweep has completed it but for its age
    <state>/index/complete.json                                there is an entry for every attempt

An attempt is written <time>.<uid>.<number>.<job>.<run key>: the key alone contains the data, so that one listing answers a
query, however many runs there are. The index is a lookup, never the truth about a run. A launcher writes the first three
before an attempt's context, so that no attempt with one is missing; a launcher that dies in between leaves entries without
documents.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator
from itertools import islice, takewhile
from typing import NamedTuple, Protocol

import msgspec

from polarpod.contract.codec import decoder, encode
from polarpod.contract.verdict import Category, PolarpodError
from polarpod.contract.version import speaks
from polarpod.launch.state_documents import Documents
from polarpod.store.parallel_requests import at_once

_UIDS, _JOBS, _UNSWEPT, _SWEPT = "index/uids", "index/jobs", "index/unswept", "index/swept"
_COMPLETE, _WHAT = "index/complete.json", "index of the state store"
# milliseconds of 13 digits reach to the year 2286
_DIGITS = 13
_END: int = 10**_DIGITS - 1
_NAME = re.compile(r"(?:[0-9a-z]+\.)?([0-9]{13})\.([0-9a-z]{32})\.([0-9]+)\.([a-z0-9_]+)\.(.+)")
_SHARD = 2
# attempts that are held in memory at a time
_BATCH = 1000


class Begun(NamedTuple):
    """An attempt in the index: its identity, and the time of its start."""

    job: str
    run_key: str
    number: int
    uid: str
    at: dt.datetime


class Due(NamedTuple):
    """An attempt that a sweep visits, and its key in the index; "" where there is none."""

    key: str
    begun: Begun


class Look(Protocol):
    """The lookups of attempts."""

    def jobs(self) -> list[str]:
        """Every job that has runs."""
        ...

    def newest(self, job: str, limit: int) -> list[Begun]:
        """The runs of a job that began last, newest first: one attempt of each."""
        ...

    def with_uid(self, beginning: str, limit: int) -> list[Begun]:
        """At most `limit` attempts whose uid starts with `beginning`."""
        ...

    def unswept(self) -> Iterator[list[Due]]:
        """The attempts that no sweep has completed, in batches, oldest first."""
        ...


class _Complete(msgspec.Struct, frozen=True, kw_only=True):
    """States that there is an entry for every attempt."""

    protocol: str = "1.0"


class Index:
    """The index of one state store."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents
        self._folder = documents.folder
        self._complete = False

    def is_complete(self) -> bool:
        """Whether there is an entry for every attempt. A state store that was created without an index has none.

        Raises:
            PolarpodError: `context_invalid`: the index is of an unknown layout.
        """
        if not self._complete:
            try:
                self._complete = self._documents.demand(_COMPLETE, _Complete, _WHAT) is not None
            except PolarpodError as error:
                if error.verdict.category is not Category.CONTEXT_INVALID or self._is_of_another_layout():
                    raise
                # truncated, as by a full disk: the next sweep writes it anew
                self._documents.report(_COMPLETE, error.verdict)
        return self._complete

    def _is_of_another_layout(self) -> bool:
        """Whether a release with another layout keeps this index: it would not find entries written by this one."""
        document = self._folder.read(_COMPLETE)
        try:
            return document is not None and not speaks(decoder(_Complete).decode(document.data).protocol)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return False

    def begin(self) -> None:
        """Marks the index of an empty state store as complete: its first attempt will be in it, as all others."""
        if not self.is_complete() and not self._folder.children("runs"):
            self.complete()

    def complete(self) -> None:
        """Marks the index as complete: there is an entry for every attempt."""
        self._folder.write(_COMPLETE, encode(_Complete()))
        self._complete = True

    def add(self, begun: Begun) -> None:
        at_once(self._put, _keys(begun))

    def note_swept(self, due: Due, since: dt.datetime) -> None:
        """Moves an attempt to the swept ones: a sweep has completed it but for its age, which counts from `since`."""
        self._put(_swept(due.begun, since))
        self._folder.delete([due.key])

    def forget(self, due: Due) -> None:
        """Deletes every entry of an attempt that no longer exists."""
        self._folder.delete(list({*_keys(due.begun), due.key} - {""}))

    def jobs(self) -> list[str]:
        return self._folder.children(_JOBS)

    def newest(self, job: str, limit: int) -> list[Begun]:
        return list(islice(_one_a_run(due.begun for due in self._after(f"{_JOBS}/{job}")), limit))

    def with_uid(self, beginning: str, limit: int) -> list[Begun]:
        shard = beginning[:_SHARD]
        folder = f"{_UIDS}/{shard}" if len(shard) == _SHARD else _UIDS
        found = takewhile(lambda one: one.uid.startswith(beginning), (due.begun for due in self._after(folder, beginning)))
        return list(islice(found, limit))

    def unswept(self) -> Iterator[list[Due]]:
        return _batches(self._after(_UNSWEPT))

    def swept_since(self, before: dt.datetime) -> Iterator[list[Due]]:
        """The attempts that a sweep has completed, and whose age counts from a time before `before`, in batches."""
        end = f"{_SWEPT}/{_milliseconds(before):0{_DIGITS}}"
        return _batches(takewhile(lambda due: due.key < end, self._after(_SWEPT)))

    def _after(self, folder: str, beginning: str = "") -> Iterator[Due]:
        for key in self._folder.keys_after(folder, f"{folder}/{beginning}"):
            # other files there are ignored
            if match := _NAME.fullmatch(key.rpartition("/")[2]):
                at, uid, number, job, run_key = match.groups()
                moment = dt.datetime.fromtimestamp(int(at) / 1000, dt.UTC)
                yield Due(key, Begun(job, run_key, int(number), uid, moment))

    def _put(self, key: str) -> None:
        self._folder.write(key, b"{}\n")


class Listed:
    """The lookups of attempts that were found by a walk through a whole state store."""

    def __init__(self, begun: Iterable[Begun]) -> None:
        self.all = sorted(begun, key=lambda one: (one.at, one.number), reverse=True)

    def jobs(self) -> list[str]:
        return sorted({one.job for one in self.all})

    def newest(self, job: str, limit: int) -> list[Begun]:
        return list(islice(_one_a_run(one for one in self.all if one.job == job), limit))

    def with_uid(self, beginning: str, limit: int) -> list[Begun]:
        return [one for one in self.all if one.uid.startswith(beginning)][:limit]

    def unswept(self) -> Iterator[list[Due]]:
        return _batches(Due("", one) for one in reversed(self.all))


def _keys(begun: Begun) -> list[str]:
    name, down = _name(begun), _END - _milliseconds(begun.at)
    return [
        f"{_UIDS}/{begun.uid[:_SHARD]}/{begun.uid}.{name}",
        f"{_JOBS}/{begun.job}/{down:0{_DIGITS}}.{name}",
        f"{_UNSWEPT}/{name}",
    ]


def keys_of_swept(begun: Begun, since: dt.datetime) -> list[str]:
    """Every key of an attempt that a sweep has completed."""
    return [*(key for key in _keys(begun) if not key.startswith(_UNSWEPT)), _swept(begun, since)]


def _swept(begun: Begun, since: dt.datetime) -> str:
    return f"{_SWEPT}/{_milliseconds(since):0{_DIGITS}}.{_name(begun)}"


def _name(begun: Begun) -> str:
    return f"{_milliseconds(begun.at):0{_DIGITS}}.{begun.uid}.{begun.number}.{begun.job}.{begun.run_key}"


def _milliseconds(moment: dt.datetime) -> int:
    # in whole numbers: a time that is read from a key makes the same key
    return max(0, min(_END, int(moment.timestamp() * 1000 + 0.5)))


def _one_a_run(begun: Iterable[Begun]) -> Iterator[Begun]:
    seen = set[str]()
    for one in begun:
        if one.run_key not in seen:
            seen.add(one.run_key)
            yield one


def _batches(due: Iterable[Due]) -> Iterator[list[Due]]:
    rest = iter(due)
    while batch := list(islice(rest, _BATCH)):
        yield batch
