"""A cluster that is away, from the command line: a verdict, and nothing of what libraries log."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

# a credential that has expired, once, and then none
PLUGIN = """
import json, pathlib, sys
if pathlib.Path(sys.argv[1]).exists():
    sys.exit(1)
pathlib.Path(sys.argv[1]).touch()
status = {"token": "of-a-plugin-4417", "expirationTimestamp": "2020-01-01T00:00:00Z"}
print(json.dumps({"kind": "ExecCredential", "apiVersion": "client.authentication.k8s.io/v1", "status": status}))
"""


def plugin(command: str, *arguments: str) -> dict[str, Any]:
    version = "client.authentication.k8s.io/v1"
    return {"exec": {"apiVersion": version, "command": command, "args": list(arguments), "interactiveMode": "Never"}}


def doctor(user: dict[str, Any], root: Path) -> subprocess.CompletedProcess[str]:
    """`polarpod doctor` on a plane whose API server's port is closed."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        server = f"http://127.0.0.1:{closed.getsockname()[1]}"
    kubeconfig = {
        "current-context": "away",
        "contexts": [{"name": "away", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": server}}],
        "users": [{"name": "u", "user": user}],
    }
    (root / "kubeconfig").write_text(json.dumps(kubeconfig))
    fields = {"kind": "kubernetes", "namespace": "etl", "image": "jobs:1", "kubeconfig": str(root / "kubeconfig")}
    (root / "planes.yaml").write_text(yaml.safe_dump({"planes": {"away": {**fields, "state": str(root / "state")}}}))
    command = [sys.executable, "-c", "from polarpod.cli import main; main()", "doctor"]
    return subprocess.run(
        [*command, "--plane", "away", "--planes", str(root / "planes.yaml")],
        capture_output=True,
        text=True,
        check=False,
        cwd=root,
        env=os.environ | {"XDG_CACHE_HOME": str(root / "cache")},
    )


@pytest.mark.parametrize(
    ("user", "says"),
    [
        pytest.param({"token": "of-the-kubeconfig-8842"}, "the cluster's API server cannot be reached", id="a token"),
        pytest.param(plugin("false"), "exec: process returned 1", id="a command for a token that fails"),
        pytest.param(
            plugin(sys.executable, "-c", PLUGIN, "asked"),
            "the cluster's API server cannot be reached",
            id="a command that fails later on",
        ),
    ],
)
def test_an_outage_is_told_in_one_verdict_and_nothing_else(user: dict[str, Any], says: str, tmp_path: Path) -> None:
    done = doctor(user, tmp_path)
    assert done.stderr == ""
    assert says in done.stdout
    assert "what to do: " in done.stdout
    assert done.returncode == 2
    for secret in ("8842", "4417"):
        assert secret not in done.stdout
