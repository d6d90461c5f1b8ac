"""The README's commands for the whole stack, as far as they leave the stack in place.

`skaffold dev` beside it is in test_skaffold_dev.py, the chart by itself in test_second_installation.py.
"""

from __future__ import annotations

import os
import subprocess

from tests.cluster.stack.local_stack import Stack
from tests.docs.commands import ROOT, of_section

from polarpod.contract.context import Storage
from polarpod.store.folder import Folder


def test_the_keys_that_the_readme_reads_open_the_store_at_the_address_it_prints(stack: Stack) -> None:
    lines = of_section(ROOT / "README.md", "Run the whole stack in a cluster")
    (export,) = (line for line in lines if line.startswith("export"))
    asked = [line for line in lines if line.startswith("kubectl get secret")]
    keys = [
        subprocess.run(
            ["bash", "-c", f"{export}; {line}"], cwd=ROOT, env=dict(os.environ), check=True, capture_output=True, text=True
        ).stdout
        for line in asked
    ]
    assert keys == [stack.keys["access-key-id"], stack.keys["secret-access-key"]]
    assert "http://127.0.0.1:30901" in (ROOT / "README.md").read_text()
    # `stack` has put the same keys into the environment
    storage = Storage(endpoint_url="http://127.0.0.1:30901", region="us-east-1", allow_http=True)
    assert any(entry.key.startswith("raw/flights/") for entry in Folder("s3://polarpod/lake", storage).list())
