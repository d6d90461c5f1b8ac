"""The verdict on a pod that may only need more time to start. Pure."""

from __future__ import annotations

from polarpod.contract.verdict import Category, Verdict


def slow(summary: str, evidence: list[str]) -> Verdict:
    return Verdict(
        category=Category.NOT_STARTED,
        summary=summary,
        evidence=evidence,
        remedy="Run it again. Nodes that need longer than this want a larger `start_timeout_seconds` in planes.yaml.",
    )
