"""What a run asks of the API server, by the API server's own account."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path

import pytest
from tests.support.kind import Kind
from tests.support.workshop import Workshop
from tools.cluster import names

AUDIT = "/var/log/kubernetes/audit.log"
# far above what an API server takes to write down what it did
_PATIENCE_SECONDS = 20.0
JOB = """
@job(inputs={}, output=Delta("{lake}/made", replace={}), memory="256Mi")
def makes():
    print("made")
    return pl.LazyFrame({"x": [1]})
"""


def requests(namespace: str) -> list[str]:
    """What launchers asked for in a namespace, in order."""
    read = subprocess.run(["docker", "exec", names.NODE, "cat", AUDIT], capture_output=True, check=True)
    entries = [json.loads(line) for line in read.stdout.splitlines()]
    begun = [
        entry
        for entry in entries
        if entry["stage"] == "RequestReceived"
        # what is no resource's, as the server's version, has no reference
        and entry.get("objectRef", {}).get("namespace") == namespace
        and entry["user"]["username"].endswith(f":{names.LAUNCHER_ACCOUNT}")
    ]
    return [
        f"{one['verb']} {one['objectRef']['resource']} {one['objectRef'].get('subresource', '')}".strip() for one in begun
    ]


def test_a_short_run_that_succeeds_costs_four_requests(kind: Kind, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with kind.lake() as lake:
        for name, value in lake.environment.items():
            monkeypatch.setenv(name, value)
        workshop = Workshop(tmp_path, lake.uri, lake.storage, lake.environment, max_memory="1Gi", site=kind)
        workshop.write_job(JOB)
        ran = workshop.run("makes")
        assert ran.verdict.succeeded
        assert ran.log == b"made\n"
        limit = time.monotonic() + _PATIENCE_SECONDS
        while "delete pods" not in requests(kind.name) and time.monotonic() < limit:
            time.sleep(0.2)
        # on a machine so busy that a pod takes more than five seconds to start, its events are asked for as well
        asked = [one for one in requests(kind.name) if one != "list events"]
        assert asked == ["create pods", "watch pods", "get pods log", "delete pods"]
        # a skip asks for nothing
        assert workshop.run("makes").verdict.category == "skipped"
        assert [one for one in requests(kind.name) if one != "list events"] == asked
