"""What checkov and kube-score think of the charts: nothing that has no reason beside it, and no reason without a finding."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from tests.charts.helm import CHARTS, KUBERNETES, NAMES, every_scenario, lacking, need, scenarios, text_of

ACCEPTED: dict[str, list[dict[str, Any]]] = {
    chart: yaml.safe_load((CHARTS / chart / "ci" / "accepted-findings.yaml").read_text()) for chart in NAMES
}
# installed apart from everything else: its dependencies are pinned against everybody's
CHECKOV = "POLARPOD_CHECKOV"


class Finding(NamedTuple):
    """One complaint of a tool about one object."""

    check: str
    where: str


def accepted(tool: str, chart: str, scenario: str, finding: Finding) -> dict[str, Any] | None:
    for entry in ACCEPTED[chart]:
        here = (entry["tool"], entry["check"]) == (tool, finding.check) and scenario in entry.get("scenarios", [scenario])
        if here and re.fullmatch(entry["objects"], finding.where):
            return entry
    return None


def checkov(chart: str, scenario: str, folder: Path) -> set[Finding]:
    command = os.environ.get(CHECKOV) or shutil.which("checkov")
    if not command:
        lacking(f"no checkov on $PATH, and ${CHECKOV} names none")
    assert command
    path = folder / f"{chart}-{scenario}.yaml"
    path.write_text(text_of(chart, scenario))
    asked = [command, "--framework", "kubernetes", "--file", str(path), "--output", "json", "--compact", "--quiet"]
    done = subprocess.run(asked, capture_output=True, text=True, check=False, env=os.environ | {"LOG_LEVEL": "ERROR"})
    answer = json.loads(done.stdout)
    assert answer["summary"]["passed"] > 100, "it looked"
    found = set()
    for failed in answer["results"]["failed_checks"]:
        kind, _, name = failed["resource"].split(".", 2)
        found.add(Finding(failed["check_id"], f"{kind}/{name}"))
    return found


def kube_score(chart: str, scenario: str, folder: Path) -> set[Finding]:
    need("kube-score")
    version = KUBERNETES.rpartition(".")[0]
    command = ["kube-score", "score", "--output-format", "json", "--kubernetes-version", f"v{version}", "-"]
    done = subprocess.run(command, input=text_of(chart, scenario), capture_output=True, text=True, check=False)
    found, looked = set(), 0
    for scored in json.loads(done.stdout):
        where = f"{scored['type_meta']['kind']}/{scored['object_meta']['name']}"
        for check in scored["checks"]:
            looked += not check["skipped"]
            # 10 is all well; below 5 is what it calls critical
            if not check["skipped"] and check["grade"] < 10:
                found |= {
                    Finding(comment["summary"], where)
                    for comment in check["comments"] or [{"summary": check["check"]["id"]}]
                }
    assert looked > 30, "it looked"
    return found


TOOLS = {"checkov": checkov, "kube-score": kube_score}


# A tool's tests run in one process, which remembers what it has found. The last asks for all that is missing: on a busy
# machine, minutes of checkov.
every_tool = pytest.mark.parametrize(
    "tool", [pytest.param(name, id=name, marks=[pytest.mark.xdist_group(name), pytest.mark.timeout(900)]) for name in TOOLS]
)


@cache
def findings(tool: str, chart: str, scenario: str, folder: Path) -> frozenset[Finding]:
    return frozenset(TOOLS[tool](chart, scenario, folder))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    need("helm")
    return tmp_path_factory.mktemp("rendered")


@every_tool
@pytest.mark.parametrize(
    ("chart", "scenario"), [pytest.param(chart, name, id=f"{chart} {name}") for chart, name in every_scenario()]
)
def test_nothing_is_found_that_has_no_reason(tool: str, chart: str, scenario: str, folder: Path) -> None:
    found = findings(tool, chart, scenario, folder)
    unexplained = sorted(one for one in found if not accepted(tool, chart, scenario, one))
    assert unexplained == [], "mend it, or say in ci/accepted-findings.yaml why it stays"


@every_tool
@pytest.mark.parametrize("chart", [pytest.param(name, id=name) for name in NAMES])
def test_no_reason_outlives_its_finding(tool: str, chart: str, folder: Path) -> None:
    entries: list[Any] = [
        accepted(tool, chart, scenario, one)
        for scenario in scenarios(chart)
        for one in findings(tool, chart, scenario, folder)
    ]
    stale = [entry["check"] for entry in ACCEPTED[chart] if entry["tool"] == tool and entry not in entries]
    assert stale == []


@pytest.mark.parametrize("chart", [pytest.param(name, id=name) for name in NAMES])
def test_every_acceptance_has_a_reason(chart: str) -> None:
    for entry in ACCEPTED[chart]:
        assert set(entry) - {"scenarios"} == {"tool", "check", "objects", "reason"}
        assert set(entry.get("scenarios", [])) <= set(scenarios(chart))
        assert len(entry["reason"]) > 30
