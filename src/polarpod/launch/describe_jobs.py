"""The jobs that a directory declares, read by the worker's interpreter in a separate process.

A module that ends its interpreter, or hangs, is broken, and costs the others only a bounded time: each module has its own
limit, and all of them share one deadline.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, NamedTuple

import msgspec

from polarpod.contract.codec import decoder
from polarpod.contract.job import JobSpec
from polarpod.contract.redact import redact
from polarpod.contract.verdict import Category, PolarpodError, Verdict
from polarpod.store.code_version import module_names

# The limit for one module, the first import of Polars included: Airflow gives a whole DAG file 30 s.
_MODULE_SECONDS = 60
# The limit for all of them. Modules that were read by then are read again, so reading takes at most twice this.
_READING_SECONDS = 300
# the start of the output of the interpreter's watchdog
_HANGS = "Timeout ("
_NAMED = 5


class Broken(msgspec.Struct, frozen=True):
    """A module of the jobs directory that could not be read."""

    module: str
    verdict: Verdict


class Described(msgspec.Struct, frozen=True):
    """The contents of a jobs directory."""

    jobs: dict[str, JobSpec]
    broken: list[Broken]
    dependencies: dict[str, dict[str, str]] = {}
    protocol: str = "1.0"


class _Read(NamedTuple):
    """One interpreter's result: the contents of the directory, and the modules that it began to import before it ended."""

    described: Described | None
    begun: list[str]
    end: str
    overdue: bool
    words: list[str]


def describe(jobs: Path, python: str | None) -> Described:
    """Every job of the modules whose import ends, and every other module with the reason.

    Raises:
        PolarpodError: no interpreter can read the directory.
    """
    limit = time.monotonic() + _READING_SECONDS
    broken: list[Broken] = []
    whole: set[str] = set()
    while True:
        read = _read(jobs, python, without=[each.module for each in broken], seconds=max(0.0, limit - time.monotonic()))
        if read.described:
            return msgspec.structs.replace(read.described, broken=[*broken, *read.described.broken])
        whole |= set(read.begun[:-1])
        if read.overdue:
            break
        if not read.begun:
            raise _unreadable(python, read)
        broken.append(_ended_at_import(read.begun[-1], read))
    rest = [name for name in module_names(jobs) if name not in whole and name not in {each.module for each in broken}]
    if not (whole or broken or read.begun):
        raise _unreadable(python, read)
    broken += [_not_read(name, [each.module for each in broken], begun=name in read.begun) for name in rest]
    last = _read(jobs, python, without=[each.module for each in broken], seconds=_READING_SECONDS)
    if last.described is None:
        raise _unreadable(python, last)
    return msgspec.structs.replace(last.described, broken=[*broken, *last.described.broken])


def _read(jobs: Path, python: str | None, *, without: list[str], seconds: float) -> _Read:
    modules = ["-I", "-m", "polarpod.runtime.describe", str(jobs.absolute()), str(_MODULE_SECONDS), *without]
    # files, because a process that a module left behind could hold a pipe open forever
    with TemporaryFile() as said, TemporaryFile() as words:
        code = _run([python or sys.executable, *modules], said, words, seconds)
        *begun, answer = _all_of(said).split(b"\n")
        lines = redact(_all_of(words).decode(errors="replace")).strip().splitlines()
    end = f"was still busy after {_READING_SECONDS} s" if code is None else _end_of(code)
    try:
        described = decoder(Described).decode(answer)
    except msgspec.DecodeError:
        described = None
    return _Read(described, [name.decode() for name in begun], end, code is None, lines)


def _run(command: list[str], said: IO[bytes], words: IO[bytes], seconds: float) -> int | None:
    """Runs a command, then kills its process group. Returns the exit code; None after a timeout."""
    try:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=said, stderr=words, start_new_session=True)
    except OSError as error:
        raise PolarpodError(
            Category.REQUEST_INVALID,
            "the interpreter that reads the jobs directory cannot be started",
            evidence=[f"{command[0]}: {error.strerror}"],
            remedy="Set `python` of the plane to an interpreter that has polarpod[worker].",
        ) from None
    try:
        return process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        return None
    finally:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _all_of(file: IO[bytes]) -> bytes:
    file.seek(0)
    return file.read()


def _end_of(code: int) -> str:
    return f"ended with exit code {code}" if code >= 0 else f"was killed by signal {-code}"


def _ended_at_import(module: str, read: _Read) -> Broken:
    """A module whose import the interpreter did not survive: it ended by itself or by the watchdog."""
    hangs = next((at for at, line in enumerate(read.words) if line.startswith(_HANGS)), None)
    if hangs is None:
        return _broken(module, [f"the interpreter {read.end}", *read.words[-3:]])
    # the innermost frame comes first
    frames = [line.strip() for line in read.words[hangs:] if line.startswith("  File ")]
    return _broken(module, [f"it was still busy after {_MODULE_SECONDS} s", *frames[:3]])


def _broken(module: str, evidence: list[str]) -> Broken:
    return Broken(
        module=module,
        verdict=Verdict(
            category=Category.JOB_IMPORT_FAILED,
            summary=f"the job module {module!r} does not come to its end when it is imported",
            evidence=evidence,
            remedy=f"Run `python -c 'import {module}'` in the jobs directory. Look for os._exit, an endless loop, something "
            "that it waits for, or a native library that crashes.",
        ),
    )


def _not_read(module: str, before: list[str], *, begun: bool) -> Broken:
    """A module that was not reached, or not completed, within the time for all of them."""
    over = f"{_READING_SECONDS} s for the whole directory were over"
    if begun:
        return _broken(module, [f"it was still busy when the {over}"])
    more = f", and {len(before) - _NAMED:,} more" if len(before) > _NAMED else ""
    held_up = [f"these did not come to their end: {', '.join(before[:_NAMED])}{more}"] if before else []
    return Broken(
        module=module,
        verdict=Verdict(
            category=Category.JOB_IMPORT_FAILED,
            summary=f"the job module {module!r} was not reached when the jobs directory was read",
            evidence=[f"the {over}", *held_up],
            remedy="Mend the modules that hang; `polarpod jobs` names them. Let no module work or wait when it is imported.",
        ),
    )


def _unreadable(python: str | None, read: _Read) -> PolarpodError:
    return PolarpodError(
        Category.REQUEST_INVALID,
        "the jobs directory could not be read",
        evidence=[f"{python or sys.executable} {read.end}", *read.words[-3:]],
        remedy="Set `python` of the plane to an interpreter that has polarpod[worker].",
    )
