"""Where a worker keeps what it needs for a while: made when missing, gone at the end; where it cannot be, that is said."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from tests.support.live import Live
from tests.support.workshop import Workshop
from tests.worker.conftest import JobWriter

from polarpod.contract.verdict import Category
from polarpod.launch.planes.plane import Plane
from polarpod.launch.planes.process import launcher as process
from polarpod.launch.planes.process.config import ProcessPlane

# the kernel takes no folder there, not even from root
READ_ONLY = Path("/sys/kernel")


class Elsewhere(Workshop):
    """A workshop whose plane has its scratch directories somewhere else."""

    scratch: Path

    @property
    def plane(self) -> Plane:
        plane = super().plane
        fields = {name: getattr(plane, name) for name in plane.__struct_fields__}
        return ProcessPlane(**fields | {"scratch": str(self.scratch)})


def test_a_missing_place_for_scratch_is_made(workshop: Workshop, write_job: JobWriter) -> None:
    write_job("(Path(os.environ['TMPDIR']) / 'left').write_text('behind')")
    assert not (workshop.root / "scratch").exists()
    assert workshop.run("work").verdict.category is Category.SUCCEEDED
    assert workshop.leftovers() == []


def test_nobody_else_may_look_into_a_scratch_directory(workshop: Workshop, write_job: JobWriter) -> None:
    write_job(
        """
        places = [os.environ['POLARPOD_SCRATCH'], os.path.join(os.environ['POLARPOD_SCRATCH'], 'spill')]
        say('modes', ' '.join(oct(os.stat(place).st_mode & 0o777) for place in places))
        """
    )
    before = os.umask(0)
    try:
        assert workshop.run("work").verdict.category is Category.SUCCEEDED
    finally:
        os.umask(before)
    assert (workshop.root / "modes").read_text() == "0o700 0o700"


@pytest.mark.parametrize("scratch", [READ_ONLY, Path("/dev/null")], ids=["read-only", "a file"])
def test_a_launcher_without_room_for_scratch_says_so(workshop: Workshop, write_job: JobWriter, scratch: Path) -> None:
    write_job()
    elsewhere = Elsewhere(workshop.root, workshop.lake)
    elsewhere.scratch = scratch
    ran = elsewhere.run("work")
    assert ran.verdict.category is Category.SPILL_UNUSABLE
    assert str(scratch) in ran.verdict.evidence[0]
    (attempt,) = elsewhere.state.attempts("work", elsewhere.plan("work").run_key)
    assert attempt.record
    assert attempt.record.verdict == ran.verdict, "an attempt that took a number gets a verdict"


@pytest.mark.parametrize("scratch", [READ_ONLY, Path("/dev/null")], ids=["read-only", "a file"])
def test_a_worker_that_cannot_spill_leaves_a_receipt_that_says_so(
    workshop: Workshop, write_job: JobWriter, scratch: Path, tmp_path: Path
) -> None:
    write_job()
    context, data = workshop.prepare("work")
    environment = process.worker_environment(data, workshop.plane, tmp_path, watch_memory=False)
    # as in a pod whose root file system is read-only and that mounts nothing
    environment |= {"POLARPOD_SCRATCH": str(scratch), "TMPDIR": str(scratch), "HOME": str(scratch)}
    command = [workshop.plane.python or "", "-I", "-m", "polarpod.runtime"]
    done = subprocess.run(command, env=environment, cwd="/", capture_output=True, check=False)
    receipt = workshop.state.receipt("work", context.run_key, context.attempt.uid)
    assert receipt is not None
    assert receipt.verdict.category is Category.SPILL_UNUSABLE
    assert done.returncode == receipt.verdict.exit_code
    assert str(scratch) in receipt.verdict.evidence[0]


def test_a_scratch_directory_that_is_removed_under_the_worker_ends_in_a_receipt(
    workshop: Workshop, write_job: JobWriter
) -> None:
    write_job("""
        import shutil
        shutil.rmtree(os.environ["POLARPOD_SCRATCH"])
    """)
    live = Live(workshop, "work")
    assert live.end().receipt is not None
    assert workshop.leftovers() == []


def test_the_scratch_directory_goes_even_where_the_job_took_its_permissions(
    workshop: Workshop, write_job: JobWriter
) -> None:
    write_job("""
        folder = Path(os.environ["TMPDIR"]) / "deep" / "er"
        folder.mkdir(parents=True)
        (folder / "file").touch()
        folder.chmod(0o000)
    """)
    assert workshop.run("work").verdict.category is Category.SUCCEEDED
    assert workshop.leftovers() == []
