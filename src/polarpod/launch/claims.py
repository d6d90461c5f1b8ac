"""The owners of attempt numbers: a claim is a document that is named by the number and contains the uid that took it.

A number is taken once, by a conditional create, and a damaged claim keeps its number taken. So the next attempt takes the
next one, which is safe: the table keeps only the highest number's rows, and the rows published by the attempt behind the
damaged claim are found there. The attempt's own context states its number as well.
"""

from __future__ import annotations

import re

from polarpod.contract.context import Context
from polarpod.contract.verdict import Category, Verdict
from polarpod.launch.state_documents import Documents

_DIGITS = 8
# as they are written; any other file there is no claim
_NAME = re.compile(rf"[0-9]{{{_DIGITS}}}|[1-9][0-9]{{{_DIGITS},17}}")
UID = re.compile(r"[0-9a-f]{32}")
_SHOWN = 40


class Claims:
    """The claims of a state store."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents
        self._folder = documents.folder

    def take(self, job: str, run_key: str, uid: str, *, above: int = 0) -> int:
        """Takes the next attempt number of a run key for a uid, and returns it.

        Args:
            above: a number that is known from the table; a state store that was lost must not restart below it.
        """
        number = max(above, *(n for n, _ in self.all(job, run_key)), 0) + 1
        while not self._folder.create(_key(job, run_key, number), uid.encode()):
            number += 1
        return number

    def all(self, job: str, run_key: str) -> list[tuple[int, str]]:
        """(number, key of the claim) of every attempt, in order."""
        found = self._folder.list(f"runs/{job}/{run_key}/claims")
        numbers = [(number_of(entry.key.rpartition("/")[2]), entry.key) for entry in found]
        return sorted((number, key) for number, key in numbers if number is not None)

    def release(self, job: str, run_key: str, number: int) -> None:
        """Releases an unused number: one without a context and a commit."""
        self._folder.delete([_key(job, run_key, number)])

    def holder(self, job: str, run_key: str, number: int, key: str) -> str | None:
        """The uid that took a number; None where the claim is gone, or is damaged and no context states the uid."""
        document = self._folder.read(key)
        if document is None:
            self._documents.mended(key)
            return None
        # a claim that was fixed by hand ends with a newline
        uid = document.data.decode(errors="replace").strip()
        if UID.fullmatch(uid):
            self._documents.mended(key)
            return uid
        known = self._told_by_context(job, run_key, number)
        self._documents.report(key, _damage(f"{job}/{run_key}", number, uid, self._documents.place(key), known))
        return known

    def holds(self, job: str, run_key: str, number: int, uid: str) -> bool:
        """Whether a uid has a number."""
        document = self._folder.read(_key(job, run_key, number))
        return document is not None and document.data.decode(errors="replace").strip() == uid

    def _told_by_context(self, job: str, run_key: str, number: int) -> str | None:
        """The uid of the attempt whose context has this number; None where there is none."""
        base = f"runs/{job}/{run_key}"
        for uid in self._folder.children(base):
            if not UID.fullmatch(uid):
                continue
            context = self._documents.read(f"{base}/{uid}/context.json", Context, f"context of {job}/{run_key}")
            if context and context.attempt.number == number and context.attempt.uid == uid:
                return uid
        return None


def number_of(name: str) -> int | None:
    """The number in a claim's name; None for any other name."""
    return int(name) if _NAME.fullmatch(name) else None


def _key(job: str, run_key: str, number: int) -> str:
    return f"runs/{job}/{run_key}/claims/{number:0{_DIGITS}d}"


def _damage(run: str, number: int, text: str, place: str, known: str | None) -> Verdict:
    held = f"holds {text[:_SHOWN]!r}" if text else "is empty"
    return Verdict(
        category=Category.CONTEXT_INVALID,
        summary=f"the claim of attempt {number} of {run} is damaged: it {held}, and not an attempt's uid",
        evidence=[place, *([f"by its context this is attempt {known}"] if known else [])],
        remedy=f"Write {known} into it."
        if known
        else "Run it again, which takes the next number; then `polarpod gc --delete` removes this one.",
    )
