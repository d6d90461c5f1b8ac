"""The pods of examples/pods, byte by byte. `make format` does not touch them: POLARPOD_REWRITE=1 with this test does."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest
import yaml
from tests.launch.kubernetes.attempts import CONTEXT, data_of

from polarpod.launch.planes.kubernetes.config import KubernetesPlane
from polarpod.launch.planes.kubernetes.render.template import pod_of
from polarpod.launch.planes_file import load_planes

EXAMPLES = Path(__file__).parents[3] / "examples" / "pods"
PLANES = load_planes(EXAMPLES / "planes.yaml", {})


@pytest.mark.parametrize("name", [pytest.param(name, id=name) for name in PLANES])
def test_the_example_pods_are_what_their_planes_make(name: str) -> None:
    plane = PLANES[name]
    assert isinstance(plane, KubernetesPlane)
    attempt = msgspec.structs.replace(CONTEXT, plane=name, storage=plane.storage_of_workers)
    made = yaml.safe_dump(pod_of(attempt, data_of(attempt), plane), sort_keys=False, width=1000)
    golden = EXAMPLES / f"{name}.yaml"
    if os.environ.get("POLARPOD_REWRITE") == "1":
        golden.write_text(made)
    assert made == golden.read_text()
