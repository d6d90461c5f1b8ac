"""Runs a module of polarpod in the place of a worker, for `polarpod doctor`."""

from __future__ import annotations

import subprocess
import uuid
from collections.abc import Mapping

from polarpod.contract.known_secrets import secret_values, without
from polarpod.contract.redact import redact
from polarpod.launch.planes.process.config import ProcessPlane
from polarpod.launch.planes.process.environment import worker_environment
from polarpod.launch.planes.process.process_group import end_worker
from polarpod.launch.planes.process.scratch import read_bytes, scratch_errors, scratch_folder
from polarpod.launch.planes.process.start import start_worker


def try_module(plane: ProcessPlane, module: str, variables: Mapping[str, str], *, seconds: float) -> tuple[bytes, str]:
    """Runs another module as a worker of this plane is run. Returns its termination message, and its end as text.

    Raises:
        PolarpodError: the interpreter cannot be started, or the scratch directory cannot be written.
    """
    with scratch_folder(plane, f"doctor-{uuid.uuid4().hex}") as scratch:
        log = scratch / "worker.log"
        with scratch_errors(scratch):
            environment = {**worker_environment(b"", plane, scratch, watch_memory=False), **variables}
            sink = log.open("wb")
        with sink:
            process = start_worker(plane, environment, scratch, None, sink.fileno(), module)
        try:
            end = f"ended with exit code {process.wait(timeout=seconds)}"
        except subprocess.TimeoutExpired:
            end = f"was still busy after {seconds:g} s"
        finally:
            end_worker(process)
        # no supervisor has masked the output of such a module
        secrets = secret_values(environment)
        said = [without(read_bytes(path).decode(errors="replace"), secrets) for path in (scratch / "termination.json", log)]
        return said[0].encode(), "; ".join([end, *redact(said[1]).strip().splitlines()[-2:]])
