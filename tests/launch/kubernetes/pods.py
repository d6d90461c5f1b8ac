"""The recorded and constructed pods in tests/fixtures/pods, as what a launcher would know of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.contract.samples import UID

from polarpod.contract.receipt import Receipt
from polarpod.contract.resources import MIB
from polarpod.contract.verdict import Verdict
from polarpod.launch.planes.kubernetes.status import Refusal, Status
from polarpod.launch.planes.kubernetes.verdicts.diagnose import diagnose

FOLDER = Path(__file__).parents[2] / "fixtures" / "pods"
NAMES = sorted(path.stem for path in FOLDER.glob("*.json"))
LIMIT = 100 * MIB


def document(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text())
    return found


def status_of(name: str) -> Status:
    found = document(name)
    return Status(
        pod=found["pod"],
        events=found["events"],
        gone=found["gone"],
        stop_requested=found["stop_requested"],
        refusal=Refusal(**found["refusal"]) if found["refusal"] else None,
    )


def verdict_on(name: str | Status, receipt: Receipt | None = None) -> Verdict:
    status = status_of(name) if isinstance(name, str) else name
    return diagnose(status, receipt, uid=UID, memory_limit_bytes=LIMIT)
