"""Waiting for a server process by what happens, not by the clock: it listens, or it has ended."""

from __future__ import annotations

import socket
import subprocess
import time

# Starting takes 0.05 s; a machine busy with everything else may need a hundred times that.
READY_SECONDS = 20.0


def free_port() -> int:
    """A loopback port nobody has now. Somebody may have taken it by the time it is used: be ready to try again."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def listens(process: subprocess.Popen[bytes], port: int) -> bool:
    """Waits until the server takes connections, has ended, or has had its time."""
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            try:
                process.wait(timeout=0.02)  # its end is the event; refusals come too fast to spin on
            except subprocess.TimeoutExpired:
                continue
            return False
        # whoever answers on the port is not our server if ours has found it taken
        return process.poll() is None
    return False


def end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
