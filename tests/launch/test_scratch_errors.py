"""A scratch directory that takes no file: the attempt has a number, so it ends in a verdict."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from tests.launch.kubernetes.attempts import CONTEXT

from polarpod.contract.verdict import Category, PolarpodError
from polarpod.launch.listener import Listener
from polarpod.launch.planes.process.config import ProcessPlane
from polarpod.launch.planes.process.launcher import ProcessLauncher


@pytest.mark.parametrize("written", ["write_bytes", "open", "mkdir"], ids=["context", "log", "directory"])
@pytest.mark.parametrize(
    ("code", "category", "summary"),
    [
        pytest.param(errno.ENOSPC, Category.DISK_FULL, "the scratch directory is full", id="full"),
        pytest.param(errno.EDQUOT, Category.DISK_FULL, "the scratch directory is full", id="over quota"),
        pytest.param(errno.EROFS, Category.SPILL_UNUSABLE, "the scratch directory cannot be written", id="read-only"),
        pytest.param(errno.EIO, Category.SPILL_UNUSABLE, "the scratch directory cannot be written", id="broken"),
    ],
)
def test_a_scratch_directory_that_takes_no_file_ends_the_attempt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: str, code: int, category: Category, summary: str
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(Path, written, fail)
    plane = ProcessPlane(state="s", scratch=str(tmp_path))
    with pytest.raises(PolarpodError) as caught:
        ProcessLauncher(plane).run(CONTEXT, b"{}", Listener())
    verdict = caught.value.verdict
    assert (verdict.category, verdict.summary) == (category, summary)
    assert verdict.evidence == [f"{plane.scratch_of(CONTEXT.attempt.uid)}: {os.strerror(code)}"]
    assert not list(tmp_path.iterdir()), "nothing is left"
