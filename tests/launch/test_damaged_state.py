"""A document of the state store that is damaged: told once, by its place, and it hides nothing else."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import msgspec
import pytest
from tests.contract.samples import CONTEXT, RECEIPT
from tests.support.sweeping import delete, find_garbage

from polarpod.contract.codec import encode
from polarpod.contract.context import Attempt, Storage
from polarpod.contract.verdict import Category, PolarpodError, Verdict
from polarpod.launch.attempt_records import Record, StandingNote
from polarpod.launch.clock import Clock
from polarpod.launch.memory_sizing import Success
from polarpod.launch.state import State
from polarpod.launch.undo import undo

NOW = dt.datetime(2026, 11, 21, tzinfo=dt.UTC)
JOB, KEY, UID, OTHER = CONTEXT.job.name, CONTEXT.run_key, CONTEXT.attempt.uid, "b" * 32
SUCCEEDED = Verdict(category=Category.SUCCEEDED, summary="done")
RECORD = Record(verdict=SUCCEEDED, memory_limit_bytes=2, memory_peak_bytes=1, judged_at=NOW, worker_ended=True)
DOCUMENTS = ["context.json", "receipt.json", "verdict.json"]
DAMAGES = [
    pytest.param(b"", id="empty"),
    pytest.param(b'{"protocol": "1.0", "attempt": {"num', id="cut short"),
    pytest.param(b"[]", id="of another shape"),
    pytest.param(b"\xff\xfe", id="no text"),
    pytest.param(b'{"protocol": "9.0"}', id="of a protocol that is not known"),
]
NOT_A_UID = [
    pytest.param(b"", id="empty"),
    pytest.param(b"abc", id="cut short"),
    pytest.param(b"\xff" * 32, id="no text"),
    pytest.param(b"../../../../elsewhere/than/here", id="a way out of the store"),
]


class Told:
    """A state store, and what it has told of damage."""

    def __init__(self, folder: Path) -> None:
        self.damages: list[Verdict] = []
        self.state = State(str(folder), on_damage=self.damages.append)

    def attempt(self, uid: str, key: str = KEY) -> str:
        """One that has succeeded; returns where its documents are."""
        number = self.state.claim(JOB, key, uid)
        attempt = Attempt(number=number, uid=uid)
        self.state.put_context(msgspec.structs.replace(CONTEXT, run_key=key, attempt=attempt))
        base = f"runs/{JOB}/{key}/{uid}"
        receipt = msgspec.structs.replace(RECEIPT, run_key=key, attempt=attempt)
        self.state.folder.write(f"{base}/receipt.json", encode(receipt))
        self.state.put_record(JOB, key, uid, RECORD)
        return base

    def claim_key(self, number: int, key: str = KEY) -> str:
        return f"runs/{JOB}/{key}/claims/{number:08d}"


@pytest.fixture
def told(tmp_path: Path) -> Told:
    return Told(tmp_path / "state")


@pytest.mark.parametrize("data", DAMAGES)
@pytest.mark.parametrize("name", DOCUMENTS)
def test_one_document_hides_neither_the_attempts_others_nor_other_runs(told: Told, name: str, data: bytes) -> None:
    base = told.attempt(UID)
    told.attempt(OTHER, "other")
    told.state.folder.write(f"{base}/{name}", data)
    [info] = told.state.attempts(JOB, KEY)
    [whole] = told.state.attempts(JOB, "other")
    place = f"{told.state.folder.uri}/{base}/{name}"
    assert [part is None for part in (info.context, info.receipt, info.record)] == [one == name for one in DOCUMENTS]
    assert (info.damaged, whole.damaged) == ((place,), ())
    assert None not in whole
    told.state.attempts(JOB, KEY)
    [damage] = told.damages
    assert damage.evidence == [place]
    assert damage.summary.startswith(f"the {name.removesuffix('.json')} of attempt 1 of {JOB}/{KEY} ")
    assert damage.remedy


@pytest.mark.parametrize("name", DOCUMENTS)
def test_what_was_mended_or_deleted_since_is_told_no_more_by_whoever_lives_on(told: Told, name: str) -> None:
    key = f"{told.attempt(UID)}/{name}"
    whole = told.state.folder.read(key)
    assert whole
    for damage in (b"{", b""):
        told.state.folder.write(key, damage)
        assert told.state.attempts(JOB, KEY)[0].damaged == (f"{told.state.folder.uri}/{key}",)
        told.state.folder.write(key, whole.data)
        assert told.state.attempts(JOB, KEY)[0].damaged == ()
    assert len(told.damages) == 2, "damaged anew, so told anew"
    told.state.folder.write(key, b"{")
    told.state.attempts(JOB, KEY)
    told.state.folder.delete([key])
    assert told.state.attempts(JOB, KEY)[0].damaged == ()
    assert told.state.documents.damaged == {}


def test_a_claim_that_was_mended_is_told_no_more(told: Told) -> None:
    told.attempt(UID)
    for data in (b"", UID.encode()):
        told.state.folder.write(told.claim_key(1), data)
        told.state.attempts(JOB, KEY)
        assert len(told.state.documents.damaged) == (0 if data else 1)


@pytest.mark.parametrize("data", DAMAGES)
def test_a_note_of_what_stands_is_told_in_plain_words_and_written_anew(told: Told, data: bytes) -> None:
    key = f"runs/{JOB}/{KEY}/standing.json"
    told.state.folder.write(key, data)
    assert told.state.standing(JOB, KEY) is None
    [damage] = told.damages
    assert damage.summary.startswith(f"the note of which rows of {JOB}/{KEY} stand ")
    assert damage.evidence == [f"{told.state.folder.uri}/{key}"]
    note = StandingNote(number=1, uid=UID, fingerprint="f")
    told.state.put_standing(JOB, KEY, note)
    assert told.state.standing(JOB, KEY) == note


def test_what_the_next_success_needs_is_written_anew(told: Told) -> None:
    told.state.folder.write(f"sizes/{JOB}.json", b"{")
    assert told.state.successes(JOB) == []
    assert [damage.summary.partition(" is not valid")[0] for damage in told.damages] == [
        f"the note of how much memory {JOB} needs"
    ]
    told.state.note_success(JOB, Success(4, 3), declared_bytes=2)
    assert told.state.successes(JOB) == [Success(4, 3)]


@pytest.mark.parametrize("data", NOT_A_UID)
def test_whose_number_it_was_is_told_by_the_context_where_the_claim_is_damaged(told: Told, data: bytes) -> None:
    told.attempt(OTHER)
    told.attempt(UID)
    told.state.folder.write(told.claim_key(2), data)
    assert [(info.number, info.uid) for info in told.state.attempts(JOB, KEY)] == [(2, UID), (1, OTHER)]
    [damage] = told.damages
    assert damage.summary.startswith(f"the claim of attempt 2 of {JOB}/{KEY} is damaged")
    assert damage.remedy == f"Write {UID} into it."
    # and that helps
    told.state.folder.write(told.claim_key(2), f"{UID}\n".encode())
    again = State(told.state.folder.uri, on_damage=pytest.fail)
    assert [info.uid for info in again.attempts(JOB, KEY)] == [UID, OTHER]


@pytest.mark.parametrize("data", NOT_A_UID)
def test_a_damaged_claim_keeps_its_number_and_is_swept_once_it_is_overtaken(told: Told, data: bytes) -> None:
    state = told.state
    before = NOW - dt.timedelta(days=1)
    state.claim(JOB, KEY, UID, at=before)
    state.folder.write(told.claim_key(1), data)
    told.attempt(OTHER, "other")
    assert state.attempts(JOB, KEY) == []
    assert [info.uid for info in state.attempts(JOB, "other")] == [OTHER]
    [damage] = told.damages
    assert damage.evidence == [f"{state.folder.uri}/{told.claim_key(1)}"]
    assert "Run it again, which takes the next number; then `polarpod gc --delete` removes" in damage.remedy
    assert find_garbage(state, Storage(), now=NOW) == [], "the highest number must not be handed out twice"
    assert state.claim(JOB, KEY, UID, at=before) == 2
    garbage = find_garbage(state, Storage(), now=NOW)
    assert [item.keys for item in garbage] == [[told.claim_key(1)]]
    delete(garbage, state, Storage())
    assert find_garbage(State(state.folder.uri, on_damage=pytest.fail), Storage(), now=NOW) == []
    assert state.claim(JOB, KEY, OTHER) == 3


@pytest.mark.parametrize("name", ["zz", "99999999999999999999", "1", "٠٠٠٠٠٠٠٣", "00000001.lock", "000000001"])
def test_names_that_no_attempt_would_have_taken_are_no_claims(told: Told, name: str) -> None:
    told.attempt(UID)
    told.state.folder.write(f"runs/{JOB}/{KEY}/claims/{name}", b"x")
    assert [info.uid for info in told.state.attempts(JOB, KEY)] == [UID]
    assert told.state.claim(JOB, KEY, OTHER) == 2
    assert not told.damages


@pytest.mark.parametrize(
    ("names", "words"),
    [
        pytest.param(["context.json"], "the log of the Delta table is missing", id="the context"),
        pytest.param(
            ["receipt.json"], "its receipt is damaged, and there is no log of the Delta table at", id="the receipt"
        ),
        pytest.param(["context.json", "receipt.json"], "nobody can say what it published, or where", id="both"),
    ],
)
def test_an_undo_that_cannot_know_what_was_published_says_so(told: Told, names: list[str], words: str) -> None:
    base = told.attempt(UID)
    for name in names:
        told.state.folder.write(f"{base}/{name}", b"{")
    [info] = told.state.attempts(JOB, KEY)
    with pytest.raises(PolarpodError, match=words) as caught:
        undo(info, told.state, Storage(), Clock())
    assert {f"{told.state.folder.uri}/{base}/{name}" for name in names} <= set(caught.value.verdict.evidence)
    assert [number for number, _ in told.state.claims(JOB, KEY)] == [1], "a refused undo leaves no attempt behind"
