"""A worker's end on this machine outlives its launcher until it is recorded."""

from __future__ import annotations

import datetime as dt
import stat
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.launch.kubernetes.attempts import CONTEXT as GOLDEN
from tests.launch.loop import PLAN, ended, receipt_of

from polarpod.contract.context import Attempt, Context
from polarpod.contract.message import Message
from polarpod.contract.resources import GIB
from polarpod.contract.verdict import Budget, Category, Verdict
from polarpod.launch.attempt_records import Record
from polarpod.launch.begin import RunOptions, begin
from polarpod.launch.clock import Clock
from polarpod.launch.known_attempts import KnownAttempts
from polarpod.launch.listener import Listener
from polarpod.launch.memory_sizing import size
from polarpod.launch.plan import Plan, _past
from polarpod.launch.planes.process import exit_record
from polarpod.launch.planes.process.config import ProcessPlane
from polarpod.launch.planes.process.diagnose import Exit
from polarpod.launch.planes.process.exit_record import ExitRecord
from polarpod.launch.planes.process.launcher import ProcessLauncher
from polarpod.launch.planes.registry import kind_of
from polarpod.launch.run import RunResult, execute
from polarpod.launch.state import State
from polarpod.launch.worker import Unobservable, WorkerExit

CONTEXT = msgspec.structs.replace(GOLDEN, fingerprint="f")
OOM = Exit(-9, oom_killed=True, deadline_passed=False, stop_requested=False, memory_limit_bytes=4 * GIB)
HEARTBEAT = Message(
    kind="heartbeat", uid=CONTEXT.attempt.uid, phase="stage", rows=1, elapsed_seconds=1, memory_peak_bytes=3 * GIB
)


class Machine:
    """A state store, a plane of processes, and launchers of one run that come one after the other."""

    def __init__(self, folder: Path) -> None:
        self.state = State(str(folder / "state"))
        self.plane = ProcessPlane(state=str(folder / "state"), scratch=str(folder / "scratch"))
        (folder / "scratch").mkdir()
        self.started: list[Context] = []

    def leave(self, note: ExitRecord | None = None, **changes: Any) -> Context:
        """An attempt whose launcher died before the record."""
        number = self.state.claim(CONTEXT.job.name, CONTEXT.run_key, CONTEXT.attempt.uid)
        attempt = Attempt(number=number, uid=CONTEXT.attempt.uid)
        context = msgspec.structs.replace(CONTEXT, attempt=attempt, **changes)
        self.state.put_context(context)
        if note:
            exit_record.keep(self.note, note)
        return context

    @property
    def note(self) -> Path:
        return self.plane.exit_record(CONTEXT.attempt.uid)

    def plan(self) -> Plan:
        attempts = self.state.attempts(CONTEXT.job.name, CONTEXT.run_key)
        return PLAN._replace(
            size=size(CONTEXT.job.resources, _past(attempts, CONTEXT.code_version), growth=2, cap_bytes=None),
            unjudged=attempts[0] if attempts and attempts[0].record is None else None,
        )

    def run(self, allowed: dict[Budget, int] | None = None) -> RunResult:
        machine = self

        class Launcher(ProcessLauncher):
            def run(self, context: Context, data: bytes, listener: Listener) -> WorkerExit:
                machine.started.append(context)
                return ended()

        return execute(
            self.plan,
            plane=self.plane,
            state=self.state,
            options=RunOptions(),
            make_launcher=lambda plane: Launcher(self.plane),
            allowed=allowed or {},
            clock=Clock(now=lambda: CONTEXT.created_at, pause=lambda seconds, stop: None),
        )

    def recorded(self) -> list[Category | None]:
        infos = self.state.attempts(CONTEXT.job.name, CONTEXT.run_key)
        return [info.record.verdict.category if info.record else None for info in reversed(infos)]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_out_of_memory_is_not_forgotten_with_its_launcher(machine: Machine) -> None:
    declared = CONTEXT.job.resources.memory_bytes
    context = machine.leave(ExitRecord(exit=OOM, message=HEARTBEAT))
    assert machine.run().verdict.category is Category.SUCCEEDED
    assert machine.recorded() == [Category.OUT_OF_MEMORY, Category.SUCCEEDED]
    assert [one.resources.memory_bytes for one in machine.started] == [2 * context.resources.memory_bytes]
    assert machine.started[0].resources.memory_bytes > declared
    assert not machine.note.exists(), "recorded, so no longer needed"


def test_a_receipt_without_a_record_tells_as_much(machine: Machine) -> None:
    context = machine.leave()
    receipt = receipt_of(context, Category.OUT_OF_MEMORY, peak=3 * GIB)
    machine.state.folder.write(
        f"runs/{context.job.name}/{context.run_key}/{context.attempt.uid}/receipt.json", msgspec.json.encode(receipt)
    )
    assert machine.run().verdict.category is Category.SUCCEEDED
    assert [one.resources.memory_bytes for one in machine.started] == [2 * context.resources.memory_bytes]


def test_a_note_costs_no_retry_and_is_judged_with_its_receipt(machine: Machine) -> None:
    context = machine.leave(ExitRecord(exit=OOM))
    receipt = receipt_of(context, Category.CHECKS_FAILED)
    machine.state.folder.write(
        f"runs/{context.job.name}/{context.run_key}/{context.attempt.uid}/receipt.json", msgspec.json.encode(receipt)
    )
    assert machine.run().verdict.category is Category.SUCCEEDED
    assert machine.recorded() == [Category.CHECKS_FAILED, Category.SUCCEEDED]


def test_an_attempt_without_a_note_may_be_anothers_and_is_left_alone(machine: Machine) -> None:
    machine.leave()
    assert machine.run().verdict.category is Category.SUCCEEDED
    assert machine.recorded() == [None, Category.SUCCEEDED]


def test_an_attempt_of_another_plane_is_not_judged_here(machine: Machine) -> None:
    machine.leave(ExitRecord(exit=OOM), plane="another")
    assert begin(machine.plan(), machine.plane, machine.state, RunOptions(), Clock()).data is not None


def test_a_damaged_note_is_met_once(machine: Machine) -> None:
    context = machine.leave()
    machine.note.write_bytes(b"{")
    with pytest.raises(Unobservable, match="how the attempt ended is not known"):
        ProcessLauncher(machine.plane).attach(context, Listener(), orphaned=True)
    assert not machine.note.exists()
    machine.note.write_bytes(b"{")
    assert machine.run({Budget.PLATFORM: 1}).verdict.category is Category.SUCCEEDED


def test_nobody_else_may_read_a_note(machine: Machine) -> None:
    exit_record.keep(machine.note, ExitRecord(exit=OOM, message=HEARTBEAT))
    assert stat.S_IMODE(machine.note.stat().st_mode) == 0o600
    assert exit_record.find(machine.note) == ExitRecord(exit=OOM, message=HEARTBEAT)


def test_a_note_that_cannot_be_written_ends_no_run(tmp_path: Path) -> None:
    exit_record.keep(tmp_path / "not" / "there", ExitRecord(exit=OOM))
    exit_record.remove(tmp_path / "not" / "there")
    assert exit_record.find(tmp_path / "not" / "there") is None


@pytest.mark.parametrize(
    ("days", "recorded", "swept"),
    [
        pytest.param(0, False, False, id="may still run"),
        pytest.param(1, False, False, id="ended, and the next attempt's memory may depend on it"),
        pytest.param(8, False, True, id="nobody has asked for the run for a week"),
        pytest.param(0, True, True, id="recorded, by a launcher that could not remove it"),
    ],
)
def test_a_note_that_no_launcher_will_look_for_is_swept(machine: Machine, days: int, recorded: bool, swept: bool) -> None:
    context = machine.leave(ExitRecord(exit=OOM))
    now = context.created_at + dt.timedelta(days=days)
    if recorded:
        verdict = Verdict(category=Category.OUT_OF_MEMORY, summary="it needed more")
        ended_so = Record(verdict=verdict, memory_limit_bytes=2, memory_peak_bytes=1, judged_at=now, worker_ended=True)
        machine.state.put_record(context.job.name, context.run_key, context.attempt.uid, ended_so)
    kind = kind_of(machine.plane)
    found = kind.leftovers(machine.plane, KnownAttempts(machine.state), now=now)
    assert [(leftover.what, leftover.name) for leftover in found] == [("end note", str(machine.note))] * swept
    kind.remove(machine.plane, found)
    assert machine.note.is_file() != swept
    assert kind.leftovers(machine.plane, KnownAttempts(machine.state), now=now) == []


def test_a_verdict_judged_by_a_later_launcher_shows_no_value_of_the_planes_credentials(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DB_PASSWORD", "Tr0ub4dor-and-3")
    machine = Machine(tmp_path)
    machine.plane = msgspec.structs.replace(
        machine.plane, environment={"API_TOKEN": 'to"ken-77'}, environment_from=["DB_PASSWORD"]
    )
    context = machine.leave(ExitRecord(exit=OOM, message=None))
    told = Verdict(
        category=Category.OUTPUT_MISMATCH,
        summary="a column is new",
        evidence=["new: Tr0ub4dor-and-3", r"not \"to\"ken-77\""],
    )
    end = ProcessLauncher(machine.plane).attach(context, Listener(), orphaned=True)
    receipt = msgspec.structs.replace(receipt_of(context), verdict=told)
    assert end.judge(receipt).evidence == ["new: ***", r"not \"***\""]
